"""Measures that a package offers: in the history, in the window, and harmless when they fail."""

import csv
from pathlib import Path

import pytest

from city_node.cities.advance import advance
from city_node.cities.gauges import SAMPLE_TICKS, Gauges
from city_node.cli import main
from city_node.errors import ConfigError
from city_node.log import Log
from city_node.observing.snapshot import chart, series
from engine.own_measures import Measure
from protocol.observe import Snapshot
from tests.worlds import city, world
from viewer.tabs import tabs

MODULE = """
from engine.own_measures import Measure

def dearest(economy, state):
    return float(max(economy.prices(state)[:4]))

top = Measure("dearest good", dearest)
broken = Measure("broken", lambda economy, state: 1 / 0)
"""


@pytest.fixture
def package(home, monkeypatch) -> Path:
    """An installed package with two measures, and a home of the test's own."""
    (home / "measures_of_mine.py").write_text(MODULE)
    about = home / "mine-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[city_node.measures]\ntop = measures_of_mine:top\nbroken = measures_of_mine:broken\n"
    )
    monkeypatch.syspath_prepend(home)
    return home


@pytest.mark.usefixtures("package")
def test_installed_measures_are_written_beside_the_others(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["Ash", "--headless", "--no-discovery", "--ticks", "2000", "--history", "h.csv"])
    assert ended.value.code in (None, 0)
    rows = list(csv.DictReader(Path("h.csv").read_text("utf-8").splitlines()))
    assert len(rows) > 1
    dearest = [float(row["measure_dearest good"]) for row in rows]
    prices = [max(float(row[name]) for name in row if name.startswith("price_")) for row in rows]
    assert dearest == pytest.approx(prices, abs=1e-5)
    assert all(row["measure_broken"] == "nan" for row in rows)
    said = capsys.readouterr().err
    assert said.count("Ash: measure 'broken' failed: ZeroDivisionError: division by zero") == 1


def test_they_have_a_view_of_their_own_and_a_sample_now_and_then() -> None:
    of = world([city("Ash", locals=3), city("Elm", locals=5)])
    ticks = Measure("ticks", lambda economy, state: economy.residents(state), 3, "sum")
    gauges = Gauges(Log(), [ticks])
    seen = []
    for _ in range(4):
        gauges.look(of)
        seen.append([series(each, gauges)["measure_ticks"] for each in of.cities])
        advance(of, SAMPLE_TICKS // 2)
    assert seen == [[3, 5], [3, 5], [6, 10], [6, 10]]
    charts = [chart(declared) for declared in gauges.charts]
    shown = Snapshot(node="here", tick=of.tick, economies={"bazaar": charts})
    view = tabs(shown)[-1]
    assert view.title == "Own measures"
    (panel,) = view.charts
    assert (panel.title, panel.unit, panel.keys) == ("ticks", "sum of 3", ["measure_ticks"])


def test_two_of_one_name_are_refused() -> None:
    measure = Measure("mine", lambda *_: 0.0)
    with pytest.raises(ConfigError, match=r"^measure = 'mine': installed twice$"):
        Gauges(Log(), [measure, measure])
