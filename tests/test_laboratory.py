"""`city-node evolve`, and what observers are shown of evolution."""

import numpy as np
import pytest
import worlds
from typer.testing import CliRunner

from city_node.cities.advance import advance
from city_node.cli import app
from city_node.errors import ConfigError
from city_node.laboratory import evolve
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from merchants import report
from merchants.genome import NAMES, NEUTRAL
from protocol.observe import CHART_KINDS, CHART_SLOTS
from tools.evolution_trials import held_out, islands, trial


def small(seed: int, **changes) -> evolve.Laboratory:
    asked = {"population": 8, "generations": 3, "ticks": 500} | changes
    wishes = Wishes(cities=("Riverwood", "Seaside"), locals=10, seed=seed)
    return evolve.laboratory(wishes, **asked)


def test_equal_seeds_give_equal_histories():
    histories = [list(evolve.generations(small(seed))) for seed in (1, 1, 2)]
    for first, second in zip(histories[0], histories[1], strict=True):
        np.testing.assert_array_equal(first.genes, second.genes)
        np.testing.assert_array_equal(first.gained, second.gained)
    assert (histories[0][0].genes != histories[2][0].genes).any()


def test_every_generation_has_everybody_once():
    for lives in evolve.generations(small(3)):
        assert sorted(lives.number) == list(range(8))
        assert set(lives.island) <= {0, 1}
        counted = worlds.money_counted(lives.world)
        assert counted == sum(city.ledger.initial_minor for city in lives.world.cities)


def test_an_island_breeds_from_those_who_are_there():
    lives = next(evolve.generations(small(4)))
    genes = np.repeat((lives.island == 1)[:, None].astype(float), len(NAMES), axis=1)
    gained = np.zeros(8)
    moved = evolve.Lives(genes, gained, gained, lives.island, lives.number, lives.world)
    population = evolve.bred(moved, 2, np.random.default_rng(1))
    assert population.shape == (8, len(NAMES))
    for island in (0, 1):
        if (lives.island == island).sum() >= 2:
            born = population[4 * island : 4 * island + 4]
            assert np.abs(born - island).max() <= 0.2  # but for a step of mutation


def test_the_ablest_are_told_from_the_rest():
    """A gift that `docs/evolution.md` knows, among neutral merchants, in worlds held out."""
    gifted = np.full((1, len(NAMES)), NEUTRAL)
    for name, gene in {"eagerness": 0.9, "gossip": 0.9, "curiosity": 0.25, "loyalty": 0.25}.items():
        gifted[0, NAMES.index(name)] = gene
    seen = [trial(islands(), seed, gifted, "mixed", 10_000) for seed in held_out(3)]
    more = [outcome.gain(True) - outcome.gain(False) for outcome in seen]
    assert min(more) > 0
    assert np.mean(more) > 75


def test_the_command_saves_what_a_city_can_be_founded_with(tmp_path):
    best, picture = tmp_path / "best.json", tmp_path / "traits.png"
    command = ["evolve", "Riverwood", "Seaside", "--locals", "10", "--population", "8"]
    command += ["--generations", "2", "--every", "300", "--seed", "5"]
    done = CliRunner().invoke(app, [*command, "--save", str(best), "--picture", str(picture)])
    assert done.exit_code == 0, done.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    again = tmp_path / "again.json"
    CliRunner().invoke(app, [*command, "--save", str(again)])
    assert again.read_bytes() == best.read_bytes()
    settings = tmp_path / "city.toml"
    settings.write_text('[merchants]\ngenome = "best.json"\n')
    config = resolve(Wishes(cities=("Seaside",), config=settings, seed=1))
    assert len(config.cities[0].genomes) == 8


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"population": 9}, "population = 9: must be a multiple of 2 cities"),
        ({"population": 2}, "population = 2: must be from 4 to 10000"),
        ({"generations": 0}, "generations = 0: must be from 1"),
        ({"ticks": 0}, "every = 0: must be from 1"),
    ],
)
def test_a_bad_laboratory_gets_one_line(changes, said):
    with pytest.raises(ConfigError, match=said):
        small(1, **changes)


def test_a_picture_that_would_not_be_one_is_refused_before_anybody_is_bred(tmp_path):
    files = "--save", str(tmp_path / "best.json"), "--picture", str(tmp_path / "traits.gif")
    done = CliRunner().invoke(app, ["evolve", *files])
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception).endswith("traits.gif': must end in .png")
    assert list(tmp_path.iterdir()) == []


def test_observers_see_every_trait():
    rules = worlds.MerchantParameters(act_probability=1.0, starting_money=3_000.0)
    world = worlds.world(
        [worlds.city(evolution=True, merchants=4, merchant_rules=rules), worlds.city("Brook")]
    )
    advance(world, 50)
    seen = report.series(world.cities[0].town)
    charts = report.charts(city.town for city in world.cities)
    assert set(report.GENES) < set(charts)
    for declared in charts:
        assert declared.kind in CHART_KINDS
        assert declared.slot in CHART_SLOTS
        assert set(declared.keys) <= seen.keys()
    for name in NAMES:
        low, mean, high = (seen[f"trait_{name}_{what}"] for what in ("low", "mean", "high"))
        assert 0.0 <= low <= high <= 1.0
        assert 0.0 <= mean <= 1.0
    assert seen["merchants_founded"] == world.cities[0].town.lives.founded[0] > 0
    assert seen["merchants_generation"] > 0
    for view in {declared.view for declared in charts}:  # what a viewer's grid holds
        assert sum(declared.view == view for declared in charts) <= 6


def test_a_city_without_merchants_has_no_traits():
    seen = report.series(worlds.world([worlds.city(merchants=0)]).cities[0].town)
    assert np.isnan(seen["trait_risk_mean"])
    assert seen["merchants_retired"] == 0.0
