"""Programs beside a node: the merchant school, and the wilds with all that they conserve."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pygame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages import Merchant
from tests.nodes import connected, free_port, let_a_window_pass, running
from tools import merchant_school, wilds, wilds_nature, wilds_picture

ROOT = Path(__file__).parents[1]
SCHOOL = ROOT / "tools" / "merchant_school.py"
COIN = 10**8

# --- the school ---


def imported(path: Path) -> set[str]:
    """The packages that a file imports, anywhere in it."""
    found = set()
    for part in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(part, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in part.names}
        elif isinstance(part, ast.ImportFrom):
            found.add("." * part.level + (part.module or "").partition(".")[0])
    return found


def test_school_needs_nothing_but_the_standard_library() -> None:
    assert imported(SCHOOL) <= sys.stdlib_module_names


def test_school_sends_pupils_and_counts_who_comes_back(tmp_path: Path) -> None:
    port = free_port(2)
    with running(
        tmp_path, "Riverwood", "Seaside", "--no-discovery", "--seed", "1", "--port", str(port)
    ) as node:
        connected(port).close()
        school = subprocess.run(
            # Isolated: neither our packages nor anybody's are in reach.
            [sys.executable, "-I", "-S", SCHOOL, f"127.0.0.1:{port}", "--seconds", "4"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert school.returncode == 0, school.stderr
        node.wait_for("road to School closed")
        let_a_window_pass(port)
        report = node.stop()
    totals = next(line for line in school.stdout.splitlines() if line.startswith("SCHOOL to"))
    counts = [word.strip(",;") for word in totals.split()]
    sent, under_way, back, visitors = (
        int(counts[counts.index(name) + step])
        for name, step in (("sent", 1), ("way", 1), ("back", 1), ("visitors", 1))
    )
    assert sent >= 10
    assert back > 0
    assert sent == back + under_way
    assert "RIVERWOOD" in school.stdout.partition("learned")[2]
    assert report["cities"][0]["arrivals"]["School"] == sent + visitors


def test_pupil_is_known_by_his_trait_and_turned_back_if_unchanged() -> None:
    school = merchant_school.found_school(2, "RIVERWOOD")
    first, second = school.pupils
    for pupil in school.pupils:
        pupil.sent += 1
    merchant_school.welcome(school, dict(first.line), 0.0)
    changed = second.line | {"Money": 2_500.0, "ExpectedPrices": {"bed": {"RIVERWOOD": 31.0}}}
    merchant_school.welcome(school, changed, 0.0)
    merchant_school.welcome(school, changed | {"genome": {}}, 0.0)
    assert (first.turned_back, first.back, second.back, school.visits) == (1, 0, 1, 1)
    assert second.earned_coins == 2_000.0
    assert second.line["Money"] == merchant_school.GUEST_COINS_MAX
    assert merchant_school.learned(school) == {"bed": {"RIVERWOOD": 31.0}}


def test_school_that_finds_nobody_says_so_in_a_line() -> None:
    address = f"127.0.0.1:{free_port()}"
    school = subprocess.run([sys.executable, SCHOOL, address], capture_output=True, text=True)
    assert school.returncode == 1
    assert school.stderr.startswith(f"merchant_school: {address}: ")
    assert len(school.stderr.splitlines()) == 1


# --- the wilds ---


@given(st.integers(0, 2**32), st.integers(0, 3_000), st.integers(0, 400), st.floats(0, 1))
def test_animals_are_whole_and_accounted_for(
    seed: int, rabbits: int, foxes: int, effort: float
) -> None:
    def lived() -> tuple[wilds_nature.Meadow, int]:
        meadow = wilds_nature.Meadow(wilds_nature.Kind(rabbits), wilds_nature.Kind(foxes))
        random = np.random.default_rng(seed)
        furs = 0
        for _ in range(30):
            furs += wilds_nature.live_a_day(meadow, random, effort)
            assert meadow.rabbits.count >= 0
            assert meadow.foxes.count >= 0
        return meadow, furs

    meadow, furs = lived()
    for kind, at_first in ((meadow.rabbits, rabbits), (meadow.foxes, foxes)):
        assert kind.count == at_first + kind.born + kind.came - kind.lost - kind.trapped
    a_fox = wilds_nature.USUAL.furs_of_a_fox
    assert furs == meadow.rabbits.trapped + a_fox * meadow.foxes.trapped
    assert lived() == (meadow, furs)


visitors = st.builds(
    Merchant,
    money_minor=st.integers(0, 5_000 * COIN),
    good=st.sampled_from(["wood", "fur"]),
    capacity=st.just(20),
    owned=st.sampled_from([0, 5, 20]),
    expected_prices=st.just({}) | st.just({"fur": {"RIVERWOOD": 2.5}, "bed": {"RIVERWOOD": 40.0}}),
)


@given(st.lists(st.integers(0, 60) | st.integers(0, 500 * COIN) | visitors, max_size=40))
def test_camp_loses_no_fur_and_no_coin(story: list[int | Merchant]) -> None:
    """Days on which furs are trapped, visitors come, or one of ours comes home with some money."""
    camp = wilds.found_camp("RIVERWOOD", 3)
    brought_minor = taken_minor = carried_in = carried_out = 0
    away: list[Merchant] = []
    for day, what in enumerate(story):
        if isinstance(what, Merchant):
            wilds.welcome(camp, what, day)
            brought_minor += what.money_minor
            carried_in += what.owned if what.good == "fur" else 0
        elif what <= 60:
            camp.furs += what
            camp.furs_trapped += what
        elif away:
            home = away.pop()
            wilds.welcome(camp, Merchant(**_fields(home) | {"money_minor": what, "owned": 3}), day)
            brought_minor += what
        for merchant in wilds.leaving(camp, day, last_call=False):
            assert merchant.money_minor <= wilds.GUEST_COINS_MAX * COIN
            assert 0 <= merchant.owned <= merchant.capacity
            if wilds.is_ours(merchant):
                away.append(merchant)
            else:
                taken_minor += merchant.money_minor
                carried_out += merchant.owned if merchant.good == "fur" else 0
        staying = [visitor for _, visitor in camp.visitors]
        assert camp.furs == camp.furs_trapped + camp.furs_back - camp.furs_lent - camp.furs_sold
        carried = carried_out + sum(v.owned for v in staying if v.good == "fur")
        assert carried == carried_in + camp.furs_sold
        here_minor = camp.chest_minor + sum(visitor.money_minor for visitor in staying)
        assert here_minor + taken_minor == brought_minor
        assert camp.furs >= 0
        assert camp.away == len(away)
    assert camp.came - camp.sent == len(camp.visitors) + len(camp.trappers) - 3


def _fields(merchant: Merchant) -> dict:
    return {name: getattr(merchant, name) for name in Merchant.__struct_fields__}


def test_picture_of_a_stay_and_of_none(tmp_path: Path) -> None:
    day = wilds.Day(800, 40, 2.5, 1.25, float("nan"), 0.0)
    for number, days in enumerate(([], [day], [day, day._replace(bed_coins=40.0, rabbits=900)])):
        path = tmp_path / f"{number}.png"
        wilds_picture.draw(days, "RIVERWOOD", path)
        size = (wilds_picture.WIDTH, wilds_picture.HEIGHT)
        assert pygame.image.load(path).get_size() == size


@pytest.mark.parametrize(
    ("arguments", "field"),
    [(["nowhere"], "nowhere"), (["127.0.0.1:1", "--plot", "wilds.gif"], "plot = 'wilds.gif'")],
)
def test_wilds_name_what_was_typed_wrong(arguments: list[str], field: str) -> None:
    command = [sys.executable, "-m", "tools.wilds", *arguments]
    stay = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert stay.returncode == 2
    assert field in stay.stderr
