"""The command line: what it takes, what it refuses in one line, and what the report says."""

import json
import re
import signal
import socket
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from city_node import ports
from city_node.cli import VERBS, main
from city_node.observing import history
from tests.nodes import check_balance, free_port, own_environment, run_to_end, running

QUIET = ("--headless", "--no-discovery")

pytestmark = pytest.mark.usefixtures("home")


def reported(*arguments: str) -> dict:
    """The report of a run in this process."""
    path = Path("report.json")
    path.unlink(missing_ok=True)
    with pytest.raises(SystemExit) as ended:
        main([*arguments, *QUIET, "--new", "--report", str(path)])
    assert ended.value.code in (None, 0)
    report = json.loads(path.read_text("utf-8"))
    check_balance(report)
    return report


def refused(capsys, *arguments: str) -> str:
    """The one line in which the program refuses to run."""
    with pytest.raises(SystemExit) as ended:
        main(["run", "--headless", "--ticks", "0", *arguments])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("city-node: ")
    return line.removeprefix("city-node: ")


# --- bad input ---

PORTS = "must be a whole number from 0 to 65535"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "cities: name at least one"),
        (["A{B"], "city = 'A{B': only letters, digits, space and - _ . '"),
        (["River@wood"], "city = 'River@wood': only letters, digits, space and - _ . '"),
        ([""], "city = '': must be 1 to 64 bytes, has 0"),
        (["A" * 65], "must be 1 to 64 bytes, has 65"),
        (["--", "-A"], "city = '-A': must not begin with '-'"),
        (["Ash", "ASH"], "city = 'ASH': named twice (case is ignored)"),
        ([f"T{number}" for number in range(65)], "number of cities = 65: must be from 1 to 64"),
        (["A", "--ticks", "-1"], "ticks = -1: must be 0 or more"),
        (["A", "--ticks", "some"], "'--ticks'"),
        (["A", "--locals", "-1"], "locals = -1: must be a whole number from 0 to 10000000"),
        (["A", "--merchants", "-1"], "merchants = -1: must be a whole number from 0 to 5000000"),
        (["A", "--seed", "-1"], "seed = -1: must be a whole number from 0 to"),
        (["A", "--threads", "0"], "threads = 0: must be a whole number from 1 to 256"),
        (["A", "--speed", "59"], "speed = '59': must be from 60 to 600000 ticks/s, or max"),
        (["A", "--speed", "600001"], "speed = '600001': must be from 60 to 600000"),
        (["A", "--speed", "fast"], "speed = 'fast': must be from 60 to 600000 ticks/s, or max"),
        (["A", "--speed", ""], "speed = '': must be from 60 to 600000 ticks/s, or max"),
        (["A", "--node-name", "at@las"], "node_name = 'at@las': only letters, digits"),
        (["A", "--node-name", ""], "node_name = '': must be 1 to 64 bytes, has 0"),
        (["A", "--port", "0"], "port = 0: must be from 1 to 65535, one a city"),
        (["A", "--port", "65536"], "port = 65536: must be from 1 to 65535, one a city"),
        (["A", "B", "--port", "65535"], "port = 65535: must be from 1 to 65534, one a city"),
        (["A", "--node-port", "0"], "node_port = 0: must be a whole number from 1 to 65535"),
        (["A", "--connect", "there"], "connect = 'there': must be [CITY=]HOST:PORT"),
        (["A", "--connect", "B=there:1"], "connect = 'B=there:1': no city 'B', must be one of A"),
        (["A", "--connect", "there:0"], "connect = 'there:0': must be [CITY=]HOST:PORT, port from"),
        (["A", "--legacy-bind", "here"], "legacy_bind = 'here': must be an IP address"),
        (["A", "--legacy-bind", "203.0.113.9"], "'203.0.113.9': not an address of this machine"),
        (["A", "--interface", "eth0"], "interface = 'eth0': must be an IP address"),
        (["A", "--interface", "192.0.2.9"], "interface = '192.0.2.9': must be where listeners"),
        (["A", "--observe-port", "-1"], f"observe_port = -1: {PORTS}"),
        (["A", "--observe-bind", "203.0.113.9"], "'203.0.113.9': Cannot assign requested address"),
        (["A", "--config", "none.toml"], "config = 'none.toml': cannot be read (No such file"),
        (["A", "--report", "no/such/r.json"], "report = 'no/such/r.json': cannot be written (No"),
        (["A", "--report", "."], "report = '.': cannot be written (Is a directory)"),
        (["A", "--history", "no/such/h.csv"], "history = 'no/such/h.csv': cannot be written (No"),
        (
            ["A", "--history", "h.txt"],
            "history = 'h.txt': must end in .csv, .jsonl, .sqlite, .parquet",
        ),
        (["A", "--frobnicate"], "No such option: --frobnicate"),
    ],
)
def test_bad_input_is_one_line(capsys, arguments: list[str], line: str) -> None:
    kept = [] if "--report" in arguments else ["--report", "report.json"]
    assert line in refused(capsys, *kept, *arguments)
    assert not Path("report.json").exists()
    assert not Path("h.txt").exists()


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("locals = -1", "locals = -1: must be a whole number from 0 to 10000000"),
        ("frobs = 1", "frobs = 1: unknown field, must be one of bazaar, border, cities"),
        ("[goods.wood]\nfrobs = 1", "goods.wood.frobs = 1: unknown field"),
        ("[bazaar]\nfrobs = 1", "bazaar.frobs = 1: unknown field"),
        ("[merchants]\ncount = -1", "merchants.count = -1: must be a whole number from 0"),
        ("[merchants]\nfrobs = 1", "merchants.frobs = 1: unknown field"),
        ('economy = "casino"', "'casino'"),
        ("[cities.Ash.recipes.bed]\nfur = 1", "fur"),
        ("[cities.Ash.recipes.bed]\nbed = 1", "bed"),
        ("[cities.Ash.recipes.wood]\nbed = 1", "recipe"),
        ("[cities.Ash.recipes.bed]\nwood = 0", "wood = 0: must be a whole number from 1"),
        ("speed = 1", "speed = 1: must be from 60 to 600000 ticks/s, or max"),
        ("speed = inf", "speed = inf: must be from 60 to 600000 ticks/s, or max"),
        ("discovery = 1", "discovery = 1: must be true or false"),
        ('connect = "a:1"', "connect = 'a:1': must be a list"),
        ("[[roads]]\nfrom = 'Ash'\nto = 'Elm'", "roads[0].to = 'Elm': must be one of Ash"),
        ("travel_ticks = 0", "travel_ticks = 0: must be"),
        ("= 1", "config = 'city.toml': not TOML"),
    ],
)
def test_a_bad_file_is_one_line(capsys, written: str, line: str) -> None:
    Path("city.toml").write_text(written)
    assert line in refused(capsys, "Ash", "--config", "city.toml", "--report", "report.json")
    assert not Path("report.json").exists()


def test_a_port_in_use_is_one_line_that_names_the_city(capsys) -> None:
    port = free_port(2)
    for taken, name in ((port, "Ash"), (port + 1, "Elm")):
        with socket.create_server(("127.0.0.1", taken)):
            line = refused(capsys, "Ash", "Elm", "--port", str(port))
        assert line.startswith(f"port = {taken}: in use, wanted for {name}")


def test_an_observers_port_in_use_is_one_line(capsys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"observe_port = {port}" in refused(capsys, "Ash", "--observe-port", str(port))


@pytest.mark.parametrize(
    "option", ["--port", "--node-port", "--observe-port", "--metrics-port", "--websocket-port"]
)
def test_no_world_is_founded_where_a_port_is_in_use(capsys, monkeypatch, option: str) -> None:
    monkeypatch.setattr(ports, "find_spec", lambda _: True)  # as if extras were installed
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused(capsys, "Ash", option, port, "--data-dir", "world")
    assert line.startswith(f"{option[2:].replace('-', '_')} = {port}")
    assert not Path("world").exists()


def test_no_world_is_founded_where_an_extra_is_missing(capsys, monkeypatch) -> None:
    monkeypatch.setattr(ports, "find_spec", lambda _: None)
    line = refused(capsys, "Ash", "--metrics-port", "9100", "--data-dir", "world")
    assert line.startswith("metrics_port = 9100: needs an extra: pip install 'city-node[metrics]'")
    assert not Path("world").exists()


def test_no_world_is_founded_for_a_history_in_parquet_without_its_extra(capsys, monkeypatch):
    monkeypatch.setattr(history, "find_spec", lambda _: None)
    line = refused(capsys, "Ash", "--history", "h.parquet", "--data-dir", "world")
    assert line.endswith("Parquet needs an extra: pip install 'city-node[parquet]'")
    assert not Path("world").exists()
    assert not Path("h.parquet").exists()


def test_bad_input_in_a_process_of_its_own(home) -> None:
    """No traceback, no window, nothing on stdout; and nothing is loaded twice to say so."""
    ended = run_to_end(home, "Ash", "Elm", "ash")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == "city-node: city = 'ash': named twice (case is ignored)\n"


# --- what runs ---


def test_a_name_is_the_same_as_run_and_a_name() -> None:
    plain = reported("Riverwood", "Seaside", "--ticks", "300", "--seed", "7", "--speed", "max")
    verb = reported("run", "Riverwood", "Seaside", "--ticks=300", "--seed=7", "--speed=max")
    assert plain["cities"] == verb["cities"]


def test_a_city_that_only_the_file_knows_is_named_for_it_may_be_misspelt(capsys) -> None:
    Path("city.toml").write_text("[cities.Elmm]\nlocals = 3\n[cities.ASH]\nlocals = 3")
    report = reported("Ash", "Elm", "--ticks", "0", "--config", "city.toml")
    assert [city["locals"] for city in report["cities"]] == [3, 20]
    assert "in 'city.toml', but not run: Elmm" in capsys.readouterr().err


@pytest.mark.parametrize("verb", VERBS)
def test_a_city_called_like_a_verb_starts_with_run(verb: str) -> None:
    assert reported("run", verb, "--ticks", "0")["cities"][0]["name"] == verb


@pytest.mark.parametrize(
    ("name", "verb"),
    [("doctr", "doctor"), ("Pears", "peers"), ("River", None), ("Riverwood", None)],
)
def test_a_city_called_nearly_like_a_verb_is_run_and_that_is_said(capsys, name, verb) -> None:
    assert reported(name, "--ticks", "0")["cities"][0]["name"] == name
    said = f"city-node: {name!r} is run as a city; did you mean `city-node {verb}`?\n"
    assert (said in capsys.readouterr().err) == (verb is not None)


@pytest.mark.parametrize("ticks", [0, 1, 101])
def test_ticks(ticks: int) -> None:
    report = reported("Ash", "Elm", "--ticks", str(ticks), "--speed", "max")
    assert [city["tick"] for city in report["cities"]] == [ticks, ticks]


def test_flag_over_environment_over_file_over_default(monkeypatch) -> None:
    def locals_of(*arguments: str) -> int:
        return reported("Ash", "--ticks", "0", *arguments)["cities"][0]["locals"]

    Path("city.toml").write_text("locals = 4\nseed = 4\nnode_name = 'file'\n[merchants]\ncount = 4")
    assert locals_of() == 20
    assert locals_of("--config", "city.toml") == 4
    monkeypatch.setenv("CITY_NODE_LOCALS", "3")
    monkeypatch.setenv("CITY_NODE_SEED", "3")
    assert locals_of("--config", "city.toml") == 3
    assert locals_of("--config", "city.toml", "--locals", "2") == 2
    monkeypatch.setenv("CITY_NODE_CONFIG", "city.toml")
    report = reported("Ash", "--ticks", "0", "--node-name", "flag")
    assert (report["seed"], report["node"]) == (3, "flag")
    assert report["cities"][0]["merchants"] == 4


def test_cities_of_a_file_run_when_none_are_named() -> None:
    Path("city.toml").write_text("[cities.Ash]\nlocals = 3\n[cities.Elm]\nlocals = 4\n")
    cities = reported("--config", "city.toml", "--ticks", "0")["cities"]
    assert [(city["name"], city["locals"]) for city in cities] == [("Ash", 3), ("Elm", 4)]


def test_the_report_is_as_promised() -> None:
    report = reported(
        *("Riverwood", "Seaside", "--seed", "7", "--node-name", "atlas"),
        *("--ticks", "6000", "--speed", "max"),
    )
    assert list(report) == ["seed", "wall_s", "node", "device", "cities"]
    assert (report["seed"], report["node"]) == (7, "atlas")
    assert report["wall_s"] > 0
    here, there = report["cities"]
    assert list(here) == [
        *("name", "tick", "locals", "merchants", "money", "prices", "stock", "trades"),
        *("arrivals", "departures", "tariffs", "hash"),
    ]
    assert (here["name"], here["tick"], here["locals"]) == ("Riverwood", 6000, 20)
    money = here["money"]
    assert list(money) == ["initial", "issued", "destroyed", "entered", "left", "holdings"]
    assert all(type(amount) is int for amount in money.values())
    assert money["initial"] == 30_000 * 10**8
    assert set(here["prices"]) == set(here["stock"]) == {"wood", "chair", "thread", "bed"}
    assert all(type(price) is float for price in here["prices"].values())
    assert all(type(units) is int for units in here["stock"].values())
    assert here["trades"] > 0
    assert here["arrivals"]["Seaside"] <= there["departures"]["Riverwood"]
    assert there["arrivals"]["Riverwood"] <= here["departures"]["Seaside"]
    under_way = sum(
        sum(city["departures"].values()) - sum(city["arrivals"].values()) for city in (here, there)
    )
    assert here["merchants"] + there["merchants"] + under_way == 20
    assert re.fullmatch("[0-9a-f]{32}", here["hash"])
    assert here["hash"] != there["hash"]


def test_the_same_seed_gives_the_same_report_at_any_speed_on_any_threads() -> None:
    def said(*arguments: str) -> list[dict]:
        common = ("Riverwood", "Seaside", "Portsville", "--ticks", "600")
        return reported(*common, *arguments)["cities"]

    first = said("--seed", "7", "--speed", "max", "--threads", "1")
    assert said("--seed", "7", "--speed", "max", "--threads", "1") == first
    assert said("--seed", "7", "--speed", "max", "--threads", "2") == first
    assert said("--seed", "7", "--speed", "600", "--threads", "1") == first
    assert said("--seed", "7", "--speed", "600", "--threads", "2") == first
    other = said("--seed", "8", "--speed", "max", "--threads", "1")
    assert [city["hash"] for city in other] != [city["hash"] for city in first]
    assert [city["trades"] for city in other] != [city["trades"] for city in first]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_cleanly_with_a_report(home, name: str) -> None:
    with running(home, "Riverwood", "Seaside", "--no-discovery", "--seed", "7") as node:
        node.wait_for(r"Seaside  tick \d")
        report = node.stop(signal.Signals[name])
    assert [city["name"] for city in report["cities"]] == ["Riverwood", "Seaside"]
    assert report["cities"][0]["tick"] == report["cities"][1]["tick"] > 0
    check_balance(report)


# --- light to load ---


def modules_after(home: Path, statement: str) -> set[str]:
    """Everything that a fresh interpreter has loaded after a statement."""
    script = f"import sys\n{statement}\nprint(*sys.modules, file=sys.stderr)"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=home,
        env=own_environment(home),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ended.stderr.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import city_node.cli",
        "try:\n import city_node.cli; city_node.cli.main(['--help'])\nexcept SystemExit: pass",
    ],
    ids=["import", "--help"],
)
def test_the_command_line_is_light(home, statement: str) -> None:
    loaded = modules_after(home, statement)
    assert "city_node.cli" in loaded
    assert not loaded & HEAVY


HEAVY = {"torch", "numba", "pygame", "numpy", "zeroconf", "cryptography", "ssl", "trio"}


@pytest.mark.parametrize("verb", ["pending", "trust"])
def test_the_verbs_of_trust_are_light(home, verb: str) -> None:
    statement = f"try:\n import city_node.cli as c; c.main(['{verb}'])\nexcept SystemExit: pass"
    loaded = modules_after(home, statement)
    assert "city_node.identity.trust" in loaded
    assert not loaded & HEAVY


def test_the_program_is_installed() -> None:
    (program,) = entry_points(group="console_scripts", name="city-node")
    assert program.load() is main


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help(capsys, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code in (None, 0)
    said = capsys.readouterr()
    assert said.err == ""
    assert ("--connect" if "run" in arguments else "city-node Riverwood Seaside") in said.out
