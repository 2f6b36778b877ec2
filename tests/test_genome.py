"""Genes shift the rules' numbers as documented; neutral ones shift nothing, to the last bit."""

from dataclasses import replace

import numpy as np
import pytest
import worlds
from hypothesis import given
from hypothesis import strategies as st
from numba import float64, void

from city_node.cities.advance import advance
from city_node.cities.report import state_hash
from city_node.errors import ConfigError
from city_node.laboratory import genomes
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from engine.kernels import kernel
from engine.tables import kernel_type, packed
from merchants import genome
from merchants.params import Parameters, Rules
from merchants.roster import Merchants, empty
from tools.evolution_trials import EFFECTS, mean_conduct

NUMBERS = (
    *("trust", "toll", "gossip_weight", "wander_probability", "attachment", "asking_price"),
    *("bidding_price", "load_wanted", "setting_out_probability"),
)


@kernel(void(kernel_type(Merchants), kernel_type(Rules), float64, float64[::1]))
def numbers(rows, rules, expected, into):
    """What the genes of merchant 0 make of the rules, in the order of NUMBERS."""
    into[0] = genome.trust(rows, 0, rules)
    into[1] = genome.toll(rows, 0, rules)
    into[2] = genome.gossip_weight(rows, 0, rules)
    into[3] = genome.wander_probability(rows, 0, rules)
    into[4] = genome.attachment(rows, 0, rules)
    into[5] = genome.asking_price(rows, 0, rules, expected)
    into[6] = genome.bidding_price(rows, 0, rules, expected)
    into[7] = genome.load_wanted(rows, 0, rules)
    into[8] = genome.setting_out_probability(rows, 0, rules)


@kernel(float64(float64, float64))
def swing(gene, most):
    return genome.swing(gene, most)


def shifted(rules, expected=1.0, owned=0, capacity=20, **genes):
    """The numbers by name for a merchant of these genes, otherwise neutral."""
    rows = empty(1, 1, 1).rows
    for name, gene in genes.items():
        rows.genome[0, genome.NUMBER[name]] = gene
    rows.owned[0], rows.capacity[0] = owned, capacity
    into = np.empty(len(NUMBERS))
    numbers(rows, packed(Rules, rules), expected, into)
    return dict(zip(NUMBERS, into.tolist(), strict=True))


parameters = st.builds(
    Parameters, gossip_weight=st.floats(0.0, 1.0), leave_probability=st.floats(0.0, 1.0)
)


@given(parameters, st.floats(-1e9, 1e9), st.integers(0, 50), st.integers(1, 50))
def test_neutral_genes_give_the_tutorials_numbers_bit_for_bit(rules, expected, owned, capacity):
    found = shifted(rules, expected, min(owned, capacity), capacity)
    assert found == {
        "trust": 1.0,
        "toll": 1.0,
        "gossip_weight": rules.gossip_weight,
        "wander_probability": rules.leave_probability,
        "attachment": 1.0,
        "asking_price": expected,
        "bidding_price": expected,
        "load_wanted": float(capacity),
        "setting_out_probability": 1.0 if owned >= capacity else 0.0,
    }


@given(st.floats(0.0, 1.0), st.floats(1.01, 100.0))
def test_a_swing_goes_from_a_share_to_a_multiple(gene, most):
    assert swing(0.5, most) == 1.0
    assert swing(0.0, most) == pytest.approx(1.0 / most)
    assert swing(1.0, most) == pytest.approx(most)
    assert swing(gene, most) * swing(1.0 - gene, most) == pytest.approx(1.0)
    assert 1.0 / most * 0.999 <= swing(gene, most) <= most * 1.001


def test_each_formula_at_its_ends():
    """As `TRAITS` documents them."""
    rules = Parameters()
    low = shifted(rules, 10.0, owned=1, **dict.fromkeys(genome.NAMES, 0.0))
    high = shifted(rules, 10.0, owned=20, **dict.fromkeys(genome.NAMES, 1.0))
    expected = {
        "trust": (1 / 1.5, 1.5),
        "toll": (1 / 8, 8),
        "gossip_weight": (0.1 / 8, 0.8),
        "wander_probability": (0.01 / 8, 0.08),
        "attachment": (1 / 8, 8),
        "asking_price": (10 / 1.5, 15),
        "bidding_price": (10 / 1.5, 15),
        "load_wanted": (1, 20),
        "setting_out_probability": (1.0, 0.1),
    }
    for name, (at_0, at_1) in expected.items():
        assert low[name] == pytest.approx(at_0), name
        assert high[name] == pytest.approx(at_1), name
    impatient = shifted(rules, owned=1, patience=0.0)
    assert impatient["setting_out_probability"] == pytest.approx(0.2)
    assert shifted(rules, patience=0.0)["setting_out_probability"] == 0.0  # empty-handed
    assert shifted(Parameters(gossip_weight=0.5), gossip=1.0)["gossip_weight"] == 1.0


@pytest.mark.parametrize("trait", genome.NAMES)
def test_each_trait_does_something_measurable(trait):
    """From a gene of 0.05 to one of 0.95, in two cities, as `python -m tools.evolution traits`."""
    _, measure, factor = EFFECTS[trait]
    low, high = (measure(mean_conduct(trait, gene, range(1, 4))) for gene in (0.05, 0.95))
    if factor == 1.0:
        assert high == low  # nothing: it is the control
    elif factor > 1.0:
        assert high >= factor * low
    else:
        assert high <= factor * low


def test_a_birthmark_changes_nothing_but_itself():
    hashes = []
    for mark in (0.1, 0.9):
        genes = [0.5] * len(genome.NAMES)
        genes[genome.BIRTHMARK] = mark
        cities = [
            replace(worlds.city(name), genomes=(tuple(genes),)) for name in ("Riverwood", "Brook")
        ]
        world = worlds.world(cities, worlds.all_roads(2))
        advance(world, 2_000)
        for each in [world.walking, *(city.town.roster for city in world.cities)]:
            each.rows.genome[:] = 0.5
        hashes.append([state_hash(world, city) for city in world.cities])
    assert hashes[0] == hashes[1]


def test_a_file_of_genomes_is_dealt_out_in_turn(tmp_path):
    path = tmp_path / "best.json"
    genomes.write(path, [{"risk": 0.25}, {"margin": 1.0, "risk": 0.75}], gained_coins=[2, 1])
    settings = tmp_path / "city.toml"
    settings.write_text('[merchants]\ncount = 3\ngenome = "best.json"\n')
    config = resolve(Wishes(cities=("Seaside",), config=settings, seed=1))
    rows = worlds.found_world(config).cities[0].town.roster.rows
    assert rows.genome[:3, genome.RISK].tolist() == [0.25, 0.75, 0.25]
    assert rows.genome[:3, genome.MARGIN].tolist() == [0.5, 1.0, 0.5]
    assert (rows.genome[:3, genome.LOYALTY] == 0.5).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("[]", "not a file of genomes"),
        ("{", "not a file of genomes"),
        ('{"genomes": []}', "0 genomes"),
        ('{"genomes": [{"courage": 0.5}]}', "genomes[0].courage: must be one of risk"),
        ('{"genomes": [{}, {"risk": 1.5}]}', "genomes[1].risk = 1.5: must be from 0 to 1"),
        ('{"genomes": [{"risk": "much"}]}', "not a file of genomes"),
    ],
)
def test_a_bad_file_of_genomes_gets_one_line(tmp_path, text, said):
    if text is not None:
        (tmp_path / "best.json").write_text(text)
    settings = tmp_path / "city.toml"
    settings.write_text('[merchants]\ngenome = "best.json"\n')
    with pytest.raises(ConfigError) as raised:
        resolve(Wishes(cities=("Seaside",), config=settings, seed=1))
    assert said in str(raised.value)
    assert "merchants.genome" in str(raised.value)
    assert "\n" not in str(raised.value)
