"""The observer socket of a node in this process: snapshots out, commands in, nobody waits."""

import contextlib
import json
import sqlite3

import pytest
import trio

from city_node.cities.report import report
from city_node.cities.world import found_world
from city_node.node import run_node
from city_node.observing.history import CsvSink, SqliteSink
from city_node.running import running_nodes
from city_node.settings.config import resolve
from city_node.settings.wishes import Run, Wishes
from protocol import observe
from protocol.observe_lines import SnapshotReader, encode

GUARD_S = 60.0


class Running:
    """A node of this process, and a way to talk to it."""

    def __init__(self, **wishes):
        asked = {"cities": ("Riverwood", "Seaside"), "seed": 7, "discovery": False} | wishes
        self.config = resolve(Wishes(**asked))
        self.world = found_world(self.config)

    async def run(self, **asked):
        with trio.fail_after(GUARD_S):
            await run_node(self.world, self.config, "observed", Run(headless=True, **asked))

    async def connect(self):
        while not (found := [note for note in running_nodes() if note.node == "observed"]):
            await trio.sleep(0.01)
        host, port = found[0].observe.split(":")
        return Talk(await trio.open_tcp_stream(host, int(port))), found[0]

    def report(self):
        return report(self.world, "observed", 0.0)


class Talk:
    """One observer's end."""

    def __init__(self, stream):
        self.stream = stream
        self.reader = SnapshotReader()
        self.heard = []

    async def say(self, *commands):
        await self.stream.send_all(b"".join(map(encode, commands)))

    async def next(self, kind):
        """The next message of a kind; None when the node has closed."""
        while True:
            while self.heard:
                message = self.heard.pop(0)
                if isinstance(message, kind):
                    return message
            data = await self.stream.receive_some(65_536)
            if not data:
                return None
            self.heard += self.reader.receive(data)


@contextlib.asynccontextmanager
async def observed(node, **asked):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: node.run(**asked))
        with trio.fail_after(GUARD_S):
            talk, _ = await node.connect()
            async with talk.stream:
                yield talk
        nursery.cancel_scope.cancel()


@pytest.fixture(autouse=True)
def own_runtime_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.mark.trio
async def test_a_snapshot_says_what_the_world_is():
    node = Running()
    async with observed(node) as talk:
        hello = await talk.next(observe.Hello)
        assert (hello.node, hello.cities) == ("observed", ["Riverwood", "Seaside"])
        shown = await talk.next(observe.Snapshot)
        assert [city.full_name for city in shown.cities] == [
            "Riverwood@observed",
            "Seaside@observed",
        ]
        assert shown.goods == ["wood", "chair", "thread", "bed"]
        for city in shown.cities:
            assert city.locals == 20
            assert set(city.prices) == set(shown.goods)
            low, high = city.bands["wood"]
            assert low <= city.prices["wood"] <= high
        later = await talk.next(observe.Snapshot)
        assert later.tick > shown.tick


@pytest.mark.trio
async def test_pause_step_speed_resume_stop():
    node = Running()
    async with observed(node) as talk:
        await talk.say(observe.Pause(id=1))
        paused_at = (await talk.next(observe.Accepted)).tick
        await talk.say(observe.Step(ticks=1, id=2), observe.Step(ticks=3, id=3))
        assert (await talk.next(observe.Accepted)).id == 2
        assert (await talk.next(observe.Accepted)).id == 3
        stepped = paused_at + 4
        while (shown := await talk.next(observe.Snapshot)).tick != stepped:
            assert shown.tick < stepped
        assert shown.paused
        await talk.say(observe.SetSpeed(ticks_per_s=60, id=4))
        await talk.next(observe.Accepted)
        while (shown := await talk.next(observe.Snapshot)).speed != 60:
            pass
        assert shown.tick == stepped  # still paused
        await talk.say(observe.Resume(), observe.Stop(id=5))
        while await talk.next(observe.Snapshot) is not None:  # until the node has closed
            pass


@pytest.mark.trio
async def test_steps_add_up_to_the_tick():
    node = Running(speed="60")
    async with observed(node) as talk:
        await talk.say(observe.Pause(id=1))
        await talk.next(observe.Accepted)
        await talk.next(observe.Snapshot)
        before = node.world.tick
        await talk.say(observe.Step(ticks=250))
        while node.world.tick < before + 250:
            await trio.sleep(0.01)
        await trio.sleep(0.1)
        assert node.world.tick == before + 250


@pytest.mark.trio
async def test_an_event_is_an_input_of_the_world():
    node = Running()
    async with observed(node) as talk:
        await talk.say(
            observe.ScheduleEvent(event="gift", city="Riverwood", arguments={"coins": 5.0}, id=1),
            observe.ScheduleEvent(event="gift", city="Atlantis", arguments={"coins": 5.0}, id=2),
            observe.ScheduleEvent(event="gift", arguments={"good": "wood"}, id=3),
            observe.ScheduleEvent(
                event="failed_harvest", arguments={"good": "x", "share": 1.0}, id=4
            ),
            observe.ScheduleEvent(
                event="close_road", city="Seaside", arguments={"to": "Riverwood"}
            ),
        )
        assert (await talk.next(observe.Accepted | observe.Refused)).id == 1
        refused = [await talk.next(observe.Refused) for _ in range(3)]
        assert [line.id for line in refused] == [2, 3, 4]
        assert "Atlantis" in refused[0].why
        assert "coins" in refused[1].why
        assert "'x'" in refused[2].why
        while not (shown := await talk.next(observe.Snapshot)).events:
            pass
        assert "gift in Riverwood" in [event.label for event in shown.events]
        closed = [road for road in shown.roads if not road.open]
        assert [road.origin for road in closed] == ["Seaside@observed"]
    riverwood, seaside = node.report()["cities"]
    assert riverwood["money"]["issued"] == 20 * 5 * 10**8
    assert seaside["money"]["issued"] == 0


@pytest.mark.trio
async def test_nothing_after_a_line_that_is_no_command_is_acted_on():
    node = Running()
    async with observed(node) as talk:
        await talk.stream.send_all(b"POST / HTTP/1.1\r\n\r\n" + encode(observe.Stop()))
        refused = await talk.next(observe.Refused)
        assert refused.closing
        assert await talk.next(observe.Refused) is None
        again, _ = await node.connect()
        async with again.stream:
            first = await again.next(observe.Snapshot)
            assert (await again.next(observe.Snapshot)).tick > first.tick  # nobody stopped it


@pytest.mark.trio
async def test_beyond_loopback_a_token_is_asked():
    node = Running(observe_bind="0.0.0.0")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.run)
        with trio.fail_after(GUARD_S):
            stranger, note = await node.connect()
            async with stranger.stream:
                await stranger.say(observe.Pause())
                assert "token" in (await stranger.next(observe.Refused)).why
                assert await stranger.next(observe.Snapshot) is None
            with open(note.token_file) as file:
                token = file.read().strip()
            friend, _ = await node.connect()
            async with friend.stream:
                await friend.say(observe.Hello(token=token), observe.Pause(id=9))
                assert (await friend.next(observe.Accepted)).id == 9
                assert not node.world.abroad
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_no_window_waits_for_an_observer_that_never_reads():
    node = Running(speed="max")
    async with observed(node) as talk:
        with trio.fail_after(GUARD_S):
            while node.world.tick < 200_000:
                await trio.sleep(0.05)
        first = await talk.next(observe.Snapshot)
        shown = [first]
        while shown[-1].tick < 200_000:
            shown.append(await talk.next(observe.Snapshot))
        ticks = [each.tick for each in shown]
        assert ticks == sorted(ticks)


@pytest.mark.trio
async def test_watched_or_not_the_report_is_the_same():
    alone = Running()
    await alone.run(ticks=3_000)
    watched = Running()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: watched.run(ticks=3_000))
        talk, _ = await watched.connect()
        seen = 0
        async with talk.stream:
            while await talk.next(observe.Snapshot) is not None:
                seen += 1
    assert seen > 0
    assert watched.report() == alone.report()


@pytest.mark.trio
async def test_the_history_holds_every_city_by_tick(tmp_path):
    path = tmp_path / "history.jsonl"
    node = Running()
    await node.run(ticks=1_000, history=path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert {row["city"] for row in rows} == {"Riverwood", "Seaside"}
    ticks = [row["tick"] for row in rows if row["city"] == "Seaside"]
    assert ticks == sorted(set(ticks))
    assert len(ticks) >= 5
    for row in rows:
        if row["tick"] == 1_000:
            city = next(c for c in node.report()["cities"] if c["name"] == row["city"])
            assert row["price_bed"] == city["prices"]["bed"]
            assert row["money_minor"] == city["money"]["holdings"]


MIXED = [
    [
        {"tick": tick, "city": "Ash", "gini": 0.5},
        {"tick": tick, "city": "Elm", "output": 9.0},
    ]
    for tick in (100, 200)
]
"""Rows of two cities whose economies have different series."""


def test_a_history_has_the_series_of_every_economy(tmp_path):
    table, database = CsvSink(tmp_path / "h.csv"), SqliteSink(tmp_path / "h.sqlite")
    for sink in (table, database):
        for rows in MIXED:
            sink.write(rows)
        sink.close()
    assert (tmp_path / "h.csv").read_text().splitlines() == [
        "tick,city,gini,output",
        "100,Ash,0.5,",
        "100,Elm,,9.0",
        "200,Ash,0.5,",
        "200,Elm,,9.0",
    ]
    with contextlib.closing(sqlite3.connect(tmp_path / "h.sqlite")) as found:
        kept = found.execute("SELECT tick, city, gini, output FROM history").fetchall()
    assert kept == [
        (row["tick"], row["city"], row.get("gini"), row.get("output"))
        for rows in MIXED
        for row in rows
    ]


def test_a_snapshot_is_small_and_has_no_null_where_numbers_are():
    node = Running(cities=tuple(f"City {number}" for number in range(20)))

    async def one():
        async with observed(node) as talk:
            return await talk.next(observe.Snapshot)

    shown = trio.run(one)
    assert len(encode(shown)) < 200_000
    for city in shown.cities:
        assert None not in city.prices.values()
