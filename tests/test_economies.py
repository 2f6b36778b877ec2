"""An economy from somebody else's package: installed, named in the TOML, trading with ours."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from engine import economy

HERE = Path(__file__).parent


def build_wheel(folder: Path, modules: dict[str, str], points: dict[str, str]) -> Path:
    """A wheel of plain modules with entry points in `city_node.economies`, as a zip by hand."""
    info = "foreign_economy-1.0.dist-info"
    named = "".join(f"{name} = {module}\n" for name, module in points.items())
    files = {f"{module}.py": source for module, source in modules.items()}
    files |= {
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: foreign-economy\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[city_node.economies]\n{named}",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    wheel = folder / "foreign_economy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(name, text)
    return wheel


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder into which the tiny economy, and one that lacks parts, have been installed."""
    spring = (HERE / "spring.py").read_text("utf-8")
    modules = {
        "spring": spring,
        "drought": spring.replace("def prices", "def no_prices").replace("CHARTS, EVENTS", "_, _"),
    }
    wheel = build_wheel(tmp_path_factory.mktemp("wheel"), modules, {name: name for name in modules})
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    quiet = ["--disable-pip-version-check", "--no-compile", "--target", str(target), str(wheel)]
    subprocess.run([*pip, *quiet], check=True, capture_output=True, timeout=120)
    return target


def run_with(installed: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python program in a process that sees the installed economies."""
    paths = [str(installed), str(HERE.parent)]
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=300,
    )


WORLD = """
seed = 3
travel_ticks = 40
moving_cost = 0.1
[bazaar]
gossip_probability = 0.02

[cities.Wells]
economy = "spring"
locals = 5
merchants.count = 6
[cities.Wells.spring]
price = 3.5
"""

PROGRAM = """
import json, sys
from pathlib import Path
from city_node.kernel_cache import prepare
prepare()
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from city_node.cities.advance import advance
from city_node.cities.report import report
from city_node.cities.world import found_world

reports = []
for cuts in ([3000], [1, 999, 1500, 500]):
    wishes = Wishes(cities=("Wells", "Riverwood"), config=Path(sys.argv[1]))
    world = found_world(resolve(wishes))
    for ticks in cuts:
        advance(world, ticks)
    reports.append(report(world, "test", 0.0))
assert reports[0] == reports[1], "windows do not matter to it either"
walking = world.walking.rows.money_minor[: world.walking.size[0]].sum()
wells = world.cities[0].state
print(json.dumps([reports[0], int(walking), wells.stock.tolist()]))
"""


def test_a_city_of_a_foreign_economy_runs_and_trades_with_a_bazaar(installed, tmp_path):
    file = tmp_path / "world.toml"
    file.write_text(WORLD)
    ran = run_with(installed, PROGRAM, str(file))
    assert (ran.returncode, ran.stderr) == (0, "")
    report, walking_minor, stock = json.loads(ran.stdout)
    wells, riverwood = report["cities"]
    assert (wells["locals"], riverwood["locals"]) == (5, 20)
    assert wells["prices"]["bed"] == 3.5
    assert wells["departures"]["Riverwood"] > 20
    assert wells["arrivals"]["Riverwood"] > 20
    assert wells["trades"] > 100
    assert riverwood["trades"] > 100
    assert sum(stock) != 5 * (5 * 3000), "somebody carried water away, or brought something"
    in_all = walking_minor + wells["money"]["holdings"] + riverwood["money"]["holdings"]
    assert in_all == wells["money"]["initial"] + riverwood["money"]["initial"]
    for city in (wells, riverwood):
        money = city["money"]
        came = money["initial"] + money["issued"] + money["entered"]
        assert came - money["left"] - money["destroyed"] == money["holdings"]


LOAD = "import sys; from engine.economy import load, names; print(*names()); load(sys.argv[1])"


def test_installed_economies_are_found_by_name(installed):
    ran = run_with(installed, LOAD, "spring")
    assert (ran.returncode, ran.stderr) == (0, "")
    found = ran.stdout.split()
    assert {"bazaar", "drought", "spring"} <= set(found)
    assert found == sorted(found)


def test_an_economy_that_lacks_parts_is_refused_by_their_names(installed):
    ran = run_with(installed, LOAD, "drought")
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert last == (
        "engine.economy.UnknownEconomyError: "
        "economy = 'drought': its module drought lacks CHARTS, EVENTS, prices"
    )


def test_an_unknown_economy_is_refused_by_those_known():
    known = ", ".join(economy.names())
    with pytest.raises(economy.UnknownEconomyError) as refused:
        economy.load("spring")
    assert str(refused.value) == f"economy = 'spring': must be one of {known}"


def test_the_bazaar_fulfils_the_contract():
    assert "bazaar" in economy.names()
    assert economy.load("bazaar").__name__ == "merchants.advance_bazaar"
