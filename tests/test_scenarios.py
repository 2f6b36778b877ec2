"""The tutorial's observations on our engine: three of the twenty seeds whose runs are stored.

Each asserts the direction (statements) and the size (tolerances). After a change that is meant to
change them: `python -m tools.scenarios --store --pictures docs/scenarios`, and read what it says.
"""

from xml.etree import ElementTree

import pytest

from city_node.cities.advance import advance
from city_node.cities.world import found_world
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from tools.scenarios import film
from tools.scenarios.catalogue import SCENARIOS
from tools.scenarios.claims import stored, tolerances
from tools.scenarios.page import PAGE, page
from tools.scenarios.pictures import picture

SEEDS = (0, 1, 2)
EXAMPLES = sorted(path.name for path in film.EXAMPLES.glob("*.toml"))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_must_be_seen_is_seen(name, seed):
    """Direction and size, as docs/scenarios.md has them."""
    scenario = SCENARIOS[name]
    measured = scenario.measure(seed)
    held = scenario.statements(measured)
    assert all(held.values()), [words for words, is_so in held.items() if not is_so]
    kept = tolerances(stored(scenario))
    assert kept.keys() == scenario.numbers().keys()
    for number, (value,) in scenario.runs_of([measured]).items():
        assert kept[number].holds(value), f"{number} = {value}, tolerated: {kept[number]}"


@pytest.mark.parametrize(
    ("name", "example", "line", "changed", "fails"),
    [
        (
            "many-goods",
            "chapter2.toml",
            "gossip_probability = 1.0",
            "gossip_probability = 0.0",
            "beliefs in all prices meet",
        ),
        (
            "price-discovery",
            "chapter1.toml",
            "money_weight = 1e6",
            "money_weight = 2e6",
            "the mean expected price meets the median value",
        ),
        (
            "coupled-goods",
            "chapter3.toml",
            "wood = 4",
            "wood = 8",
            "a chair is worth its wood and one act",
        ),
    ],
)
def test_another_world_shows_something_else(
    name, example, line, changed, fails, tmp_path, monkeypatch
):
    """The statements say no where they should: without talk, with dearer money or chairs."""
    text = (film.EXAMPLES / example).read_text("utf-8")
    assert line in text
    (tmp_path / example).write_text(text.replace(line, changed), "utf-8")
    monkeypatch.setattr(film, "EXAMPLES", tmp_path)
    scenario = SCENARIOS[name]
    assert not scenario.statements(scenario.measure(0))[fails]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_says_what_to_watch_and_runs(example):
    """`city-node --config examples/…` has something to run, and says what to look at."""
    path = film.EXAMPLES / example
    assert path.read_text("utf-8").startswith("# ")
    assert "\n# Watch " in path.read_text("utf-8")
    world = found_world(resolve(Wishes(config=path, seed=1)))
    advance(world, 300)
    assert all(city.economy.trades(city.state) > 0 for city in world.cities)


def test_the_page_is_what_the_scenarios_say():
    """Nobody has edited docs/scenarios.md, nor changed a scenario and forgotten it."""
    assert PAGE.read_text("utf-8") == page(SCENARIOS.values())


def test_a_picture_is_small_and_well_formed():
    """What is committed to docs/ must be light, and readable by any browser."""
    scenario = SCENARIOS["many-goods"]
    text = picture(scenario, scenario.play(0)[1])
    ElementTree.fromstring(text)
    assert len(text) < 60_000
    assert scenario.title in text
