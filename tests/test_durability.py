"""A world on a real disk: killed and started again, in use, put aside, damaged, its disk full."""
# ruff: noqa: ARG001  (pytest-trio looks for its clock among the arguments of a test)

import json
import os
import random
import signal
import sqlite3
import threading
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
import trio

from city_node.cities.advance import advance
from city_node.cities.inputs import Scheduled
from city_node.cities.report import state_hash
from city_node.cities.world import found_world
from city_node.cli import main
from city_node.durability.folder import folder_of
from city_node.durability.keeping import (
    CHECKPOINT_COST_SHARE,
    CHECKPOINT_S,
    RETRY_S,
    Keeping,
    StuckError,
)
from city_node.durability.shelf import tick_of
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from protocol import observe
from tests.durable import Kept
from tests.nodes import Node, check_balance, connected, free_port
from tests.roads import line
from tests.test_ledger import lively
from tests.test_observer import Running, observed
from tests.test_travelway import Kept as KeptLog

QUIET = ("--headless", "--no-discovery")

pytestmark = pytest.mark.usefixtures("home")


def reported(*arguments: str) -> dict:
    """The report of a run in this process."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, *QUIET, "--speed", "max", "--report", "report.json"])
    assert ended.value.code in (None, 0)
    report = json.loads(Path("report.json").read_text("utf-8"))
    check_balance(report)
    return report


def refused(capsys, *arguments: str) -> str:
    """The one line in which the program refuses."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 2
    (said,) = capsys.readouterr().err.splitlines()
    return said.removeprefix("city-node: ")


def audited(capsys, *arguments: str) -> dict:
    """What `audit` says; it must balance."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["audit", "--json", *arguments])
    found = json.loads(capsys.readouterr().out)
    assert found["balanced"] == (ended.value.code == 0)
    assert found["balanced"], found
    return found


# --- kill -9 ---


def test_killed_again_and_again_the_world_goes_on_as_if_nothing_had_happened(home) -> None:
    """No guests: at its end it is the world that was never killed, to the last array."""
    chance = random.Random(11)
    arguments = ("Riverwood", "Seaside", *QUIET, "--seed", "7", "--speed", "max")
    for _ in range(3):
        node = Node(home, arguments, {})
        node.wait_for(r"Seaside  tick \d")
        time.sleep(chance.uniform(0.0, 0.5))
        node.process.kill()
        node.end()
    node = Node(home, (*arguments, "--ticks", "500"), {})
    node.end()
    report = node.stop()
    tick = report["cities"][0]["tick"]
    assert tick > 1_000
    assert int(node.wait_for(r"goes on at tick ([\d,]+)")[1].replace(",", "")) == tick - 500
    twin = found_world(resolve(Wishes(cities=("Riverwood", "Seaside"), seed=7)))
    advance(twin, tick)
    assert [city["hash"] for city in report["cities"]] == [
        state_hash(twin, city) for city in twin.cities
    ]


def test_killed_while_guests_come_and_go_no_coin_is_lost(home, capsys) -> None:
    """At most a second of ticks is taken back, and what had left has left."""
    port = free_port(2)
    arguments = ("Riverwood", "Seaside", *QUIET, "--seed", "7", "--port", str(port))
    last_tick, crossed = 0, 0
    for number in range(3):
        node = Node(home, (*arguments, "--merchants", "40"), {})
        with connected(port) as guest:
            guest.sendall(b"Seashore\n")
            guest.sendall(line(Money=500 + number) * 5)
            give_up_s = time.monotonic() + 20.0
            received = b""
            guest.settimeout(5.0)
            while received.count(b"\n") < 10 and time.monotonic() < give_up_s:
                received += guest.recv(65_536)
            crossed += received.count(b"\n") - 1
            tick = read_tick(home)
            node.process.kill()
        node.end()
        books = audited(capsys)
        assert books["worlds"][0]["tick"] >= max(tick, last_tick)
        last_tick = books["worlds"][0]["tick"]
    node = Node(home, arguments, {})
    node.wait_for(r"Seaside  tick \d")
    assert audited(capsys)["balanced"]  # while it runs
    report = node.stop()
    check_balance(report)
    assert report["cities"][0]["departures"]["Seashore"] >= crossed > 0
    assert report["cities"][0]["arrivals"]["Seashore"] > 0
    books = audited(capsys)
    money = [city["money"] for city in report["cities"]]
    assert books["issued"] == sum(city["initial"] + city["issued"] for city in money)
    assert books["held"] == books["issued"] + books["entered"] - books["left"]
    assert 0 < books["entered"] < books["held"]


def read_tick(home: Path) -> int:
    """The durable tick of the one world in a home, whose node may be running."""
    (path,) = (home / "data/city-node").glob("*/ledger.db")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute("SELECT tick FROM mark").fetchone()[0]


# --- starting, again and afresh ---


def test_a_run_in_two_is_the_run_in_one() -> None:
    whole = reported("Ash", "Elm", "--seed", "7", "--ticks", "900", "--data-dir", "whole")
    first = reported("Ash", "Elm", "--seed", "7", "--ticks", "400")
    second = reported("elm", "ASH", "--ticks", "500", "--locals", "20")
    assert first["cities"][0]["tick"] == 400
    assert second["seed"] == 7
    assert second["cities"] == whole["cities"]
    assert second["wall_s"] > 0


def test_new_puts_the_old_world_aside(capsys) -> None:
    old = reported("Ash", "--seed", "7", "--ticks", "300")
    new = reported("Ash", "--seed", "8", "--ticks", "10", "--new")
    assert (new["seed"], new["cities"][0]["tick"]) == (8, 10)
    folder = folder_of(["Ash"], None)
    with pytest.raises(SystemExit):
        main(["replay", str(folder / "before"), "--to", "300"])
    aside = json.loads(capsys.readouterr().out)
    assert aside["cities"] == old["cities"]
    assert reported("Ash", "--ticks", "10")["seed"] == 8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Ash", "Elm", "--seed", "8"], "seed = 8: the world in '{}' has 7"),
        (["Ash", "Elm", "--locals", "21"], "locals = 21: the world in '{}' has 20"),
        (["Ash", "Elm", "--no-evolution"], "evolution = false: the world in '{}' has true"),
        (["Ash", "--data-dir", "{}"], "cities = Ash: the world in '{}' has Ash, Elm"),
        (
            ["Ash", "Elm", "--config", "elm.toml"],
            "cities.Elm.goods.wood.base_value = [1.0, 2.0]: the world in '{}' has [4.0, 8.0]",
        ),
        (
            ["Ash", "Elm", "--config", "far.toml"],
            "roads.0.travel_ticks = 250: the world in '{}' has 100",
        ),
    ],
)
def test_another_world_than_asked_for_is_one_line(capsys, arguments, said: str) -> None:
    reported("Ash", "Elm", "--seed", "7", "--ticks", "1")
    folder = str(folder_of(["Ash", "Elm"], None))
    Path("elm.toml").write_text("[cities.Elm.goods.wood]\nbase_value = [1.0, 2.0]\n")
    Path("far.toml").write_text("travel_ticks = 250\n")
    given = [each.replace("{}", folder) for each in arguments]
    assert said.format(folder) in refused(capsys, *given, *QUIET, "--ticks", "1")


def test_a_file_of_settings_resumes_the_world_it_founded() -> None:
    Path("s.toml").write_text("locals = 5\n[cities.Ash]\nlocals = 3\n[cities.Elm]\n[bazaar]\n")
    assert reported("--config", "s.toml", "--ticks", "10")["cities"][0]["locals"] == 3
    assert reported("--config", "s.toml", "--ticks", "10")["cities"][0]["tick"] == 20
    assert reported("Elm", "Ash", "--ticks", "10")["cities"][1]["locals"] == 5


def test_a_folder_in_use_is_one_line_that_names_data_dir(home, capsys) -> None:
    node = Node(home, ("Ash", *QUIET), {})
    node.wait_for(r"Ash  tick \d")
    for more in ((), ("--new",)):
        line = refused(capsys, "Ash", *QUIET, *more)
        assert line.startswith(f"data_dir = '{folder_of(['Ash'], None)}': in use by another node")
        assert line.endswith("give this one another --data-dir")
    assert reported("Ash", "--ticks", "1", "--data-dir", "elsewhere")["cities"][0]["tick"] == 1
    node.stop()


@pytest.mark.parametrize(
    ("cities", "name"),
    [
        (["Seaside", "Riverwood"], "Riverwood+Seaside"),
        (["b", "A"], "A+b"),
        ([".."], "-"),
        ([f"City of a rather long name {number}" for number in range(4)], "City of a rather long"),
    ],
)
def test_the_folder_is_called_like_the_cities(cities: list[str], name: str) -> None:
    folder = folder_of(cities, None)
    assert folder.name.startswith(name)
    assert folder == folder_of(cities[::-1], None)
    assert len(folder.name.encode()) <= 80
    assert folder.parent.name == "city-node"
    assert folder.resolve() == folder.absolute()


def test_what_was_damaged_is_named_and_nothing_starts(capsys) -> None:
    reported("Ash", "--seed", "7", "--ticks", "300")
    folder = folder_of(["Ash"], None)
    (checkpoint,) = folder.glob("checkpoint-*")
    data = checkpoint.read_bytes()
    checkpoint.write_bytes(data[:-100])
    assert reported("Ash", "--ticks", "1")["cities"][0]["tick"] == 301
    assert f"{checkpoint.name}: Ash/" in capsys.readouterr().err
    ledger = folder / "ledger.db"
    kept = ledger.read_bytes()
    ledger.write_bytes(kept[:100] + bytes(4_000))
    assert f"{ledger}: " in refused(capsys, "Ash", *QUIET, "--ticks", "1")
    ledger.write_bytes(b"no database at all" * 100)
    assert f"{ledger}: " in refused(capsys, "Ash", *QUIET, "--ticks", "1")
    ledger.unlink()
    line = refused(capsys, "Ash", *QUIET, "--ticks", "1")
    assert "is missing or empty, but a checkpoint lies beside it" in line


def test_wrong_use_of_the_verbs_is_one_line(capsys) -> None:
    reported("Ash", "--seed", "7", "--ticks", "300")
    folder = str(folder_of(["Ash"], None))
    assert "to = 301: must be from 0 to 300" in refused(capsys, "replay", folder, "--to", "301")
    assert "to = -1: must be 0 or more" in refused(capsys, "replay", folder, "--to", "-1")
    assert "dir = 'nowhere': no world" in refused(capsys, "replay", "nowhere", "--to", "1")
    assert "dir = 'nowhere': no world" in refused(capsys, "audit", "nowhere")
    line = refused(capsys, "Ash", *QUIET, "--data-dir", "report.json")
    assert (
        line == "data_dir = 'report.json': cannot be used (File exists); --data-dir names another"
    )
    assert "view: no display" in refused(capsys, "replay", folder, "--to", "1", "--view")


@pytest.mark.trio
async def test_a_world_of_the_past_stands_still_and_speaks_with_nobody() -> None:
    node = Running()
    advance(node.world, 50)
    async with observed(node, past=True) as talk:
        shown = await talk.next(observe.Snapshot)
        assert (shown.tick, shown.paused, shown.address) == (50, True, "")
        await talk.say(observe.Step(ticks=5))
        while shown.tick != 55:
            shown = await talk.next(observe.Snapshot)


def test_any_tick_can_be_had_again(capsys) -> None:
    reported("Ash", "Elm", "--seed", "7", "--ticks", "700")
    at_400 = reported("Ash", "Elm", "--seed", "7", "--ticks", "400", "--data-dir", "other")
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["replay", str(folder_of(["Ash", "Elm"], None)), "--to", "400"])
    assert json.loads(capsys.readouterr().out)["cities"] == at_400["cities"]


# --- the window loop ---


async def inline(function, *arguments):
    """Blocking work in a simulation."""
    return function(*arguments)


def keeping(kept: Kept) -> Keeping:
    """The loop's keeping over a ledger in memory."""
    return Keeping(kept.ledger, kept.shelf, KeptLog(), "program", {}, inline, lambda: 0.0)


@pytest.mark.trio
async def test_a_full_disk_stops_the_world_until_there_is_room(nursery, autojump_clock) -> None:
    kept = Kept(lively())
    full = [True]

    def commit(*arguments, **named) -> None:
        if full[0]:
            raise sqlite3.OperationalError("database or disk is full")
        committed.append(arguments)

    committed: list = []
    kept.ledger.commit = commit
    on = keeping(kept)
    kept.world.taken.append(Scheduled(1, "Seaside", "gift", {"coins": 1.0}))
    went_on = trio.Event()

    async def window() -> None:
        await on.keep(kept.world, 0, [])
        went_on.set()

    nursery.start_soon(window)
    await trio.sleep(3.5 * RETRY_S)
    assert not went_on.is_set()
    assert set(on.log.lines) == {
        "ledger.db: cannot be written (database or disk is full); "
        "the world stands still until it can"
    }
    with pytest.raises(StuckError, match="the world is as it was at tick 0"):
        await on.finish(kept.world, {})
    full[0] = False
    await trio.sleep(RETRY_S)
    assert went_on.is_set()
    assert len(committed) == 1
    assert (on.failure, kept.world.taken) == ("", [])


@pytest.mark.trio
async def test_a_quiet_window_writes_nothing_but_a_mark_now_and_then(autojump_clock) -> None:
    kept = Kept(lively())
    on = keeping(kept)
    marks, commits = [], kept.ledger.commits
    kept.ledger.mark = lambda world: marks.append(world.tick)
    for _ in range(60):
        advance(kept.world, 1)
        await on.keep(kept.world, kept.world.tick - 1, [])
        await trio.sleep(1 / 60)
    assert 2 <= len(marks) <= 3
    assert kept.ledger.commits == commits


@pytest.mark.trio
async def test_checkpoints_are_written_beside_and_not_too_often(nursery, autojump_clock) -> None:
    kept = Kept(lively())
    took_s = 0.5

    async def slow(function, *arguments):
        await trio.sleep(took_s / 2)  # copying, then writing
        return function(*arguments)

    on = keeping(kept)
    on.offload = slow
    seen: dict[str, float] = {}
    for _ in range(500):
        advance(kept.world, 1)
        await on.checkpoint_if_due(kept.world, {}, nursery)
        await trio.sleep(0.1)
        for name in kept.shelf.names():
            seen.setdefault(name, trio.current_time())
    times_s = list(seen.values())
    assert CHECKPOINT_S < times_s[0] < CHECKPOINT_S + 1
    pauses_s = [later - earlier for earlier, later in pairwise(times_s)]
    assert len(pauses_s) >= 3
    assert all(took_s / CHECKPOINT_COST_SHARE < each < 11.5 for each in pauses_s)
    assert len(kept.shelf.names()) == 3
    for _ in range(2):  # the second has nothing to add
        await on.finish(kept.world, {})
        assert tick_of(kept.shelf.names()[-1]) == kept.world.tick == 500
        assert len(kept.shelf.names()) == 3


def test_stopped_while_the_disk_is_full_it_says_where_the_world_is(monkeypatch) -> None:
    """Nothing that could not be kept is reported."""

    def mark(ledger, world) -> None:
        if world.tick > 0:
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("city_node.durability.ledger.Ledger.mark", mark)
    stop = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    stop.start()
    with pytest.raises(SystemExit) as ended:
        main(["Ash", *QUIET, "--report", "report.json"])
    stop.join()
    assert "cannot be written (database or disk is full): the world is as it was at tick 0" in str(
        ended.value.code
    )
    assert not Path("report.json").exists()
