"""The ledger: crashes at any moment, power lost in mid-write, damage, and books that add up."""

import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest
import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from city_node.cities.advance import BalanceError, advance
from city_node.cities.inputs import Scheduled, apply, decode, encode, take
from city_node.durability.books import SETTLED
from city_node.durability.folder import open_database
from city_node.durability.ledger import SCHEMA, Ledger
from city_node.durability.recovery import recover
from city_node.errors import ConfigError
from city_node.network.crossing import give_inputs, take_abroad
from city_node.network.departures import bring_home, leave
from protocol.migration import Settled, Transition
from tests.durable import Kept, database, everything, founded_twin
from tests.roads import close, come, line, road
from tests.worlds import all_roads, city, config

PAGE = 4_096
FULL = 2
"""Of SQLite's ways to sync: every commit is on the disk before it returns."""


def lively(merchants: int = 60):
    cities = [city("Riverwood", merchants=merchants), city("Seaside", merchants=10)]
    return config(cities, all_roads(2))


@pytest.fixture(autouse=True)
def still_clock(monkeypatch):
    """The ledger's tests run without trio: quotas see one moment."""
    monkeypatch.setattr(trio, "current_time", lambda: 0.0)


# --- crashes ---


class Crashes(RuleBasedStateMachine):
    """A world that crashes now and then, and its twin that is told of the same and never does."""

    @initialize()
    def begin(self) -> None:
        self.config = lively()
        self.kept = Kept(self.config)
        self.twin = founded_twin(self.config)
        self.crashed = 0

    @rule(ticks=st.integers(1, 150))
    def window(self, ticks: int) -> None:
        kept, tick = self.kept, self.kept.world.tick
        give_inputs(kept.network, kept.world)
        for given in decode(encode(kept.world.taken), len(kept.world.goods)):
            apply(self.twin, given)
        kept.window(ticks)
        advance(self.twin, kept.world.tick - tick)
        leave(self.twin, "@ATLAS")

    @rule(coins=st.lists(st.sampled_from([0, 1, 999.5, 2000]), min_size=1, max_size=5))
    def guests(self, coins) -> None:
        if self.kept.network.open:
            come(self.kept.network, self.kept.way, *[line(Money=each) for each in coins])

    @rule(later=st.integers(0, 200), coins=st.integers(-5, 5))
    def gift(self, later: int, coins: int) -> None:
        of = self.kept.world
        take(of, Scheduled(of.tick + later, "Seaside", "gift", {"coins": float(coins)}))

    @rule(peer=st.sampled_from(["Seashore", "Portsville@boreas"]))
    def open(self, peer: str) -> None:
        self.kept.network, self.kept.way = road(self.kept.world, peer, self.kept.network)

    @rule()
    def written(self) -> None:
        self.kept.way.outbox.clear()

    @rule()
    def close(self) -> None:
        close(self.kept.network)

    @rule()
    def checkpoint(self) -> None:
        if not self.kept.world.taken:
            self.kept.checkpoint()

    @precondition(lambda self: not self.kept.world.taken)
    @rule()
    def crash(self) -> None:
        self.kept = self.kept.after_a_crash()
        self.crashed += 1

    @invariant()
    def the_same_as_the_one_that_never_crashed(self) -> None:
        if hasattr(self, "kept") and not self.kept.world.taken:
            assert everything(self.kept.world) == everything(self.twin)


TestCrashes = Crashes.TestCase
TestCrashes.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)


def test_what_peers_have_brought_is_known_after_a_crash() -> None:
    """With a checkpoint in between; the bound on a guest's coins is where it was."""
    kept = Kept(lively())
    kept.window(10)
    for _ in range(2):
        come(kept.network, kept.way, *[line(Money=2000)] * 3)
        kept.window(50)
        kept.checkpoint()
    come(kept.network, kept.way, line(Money=1500))
    kept.window(50)
    net = kept.network.quotas[0, "seashore"].net_minor
    again = kept.after_a_crash()
    assert again.recovered.replayed_ticks == 50
    brought = {key: (q.net_minor, q.hour_minor(0.0)) for key, q in kept.network.quotas.items()}
    assert brought == {
        key: (q.net_minor, q.hour_minor(0.0)) for key, q in again.network.quotas.items()
    }
    assert brought[0, "seashore"] == brought[0, "@192.0.2.7"] == (net, net)
    assert 0 < brought[0, "@192.0.2.7 heads"][0] < 7  # and some left
    account = kept.ledger.accounts["Riverwood", "seashore"]
    assert net == account.entered_minor - account.left_minor


def test_the_newest_two_checkpoints_and_the_first_are_kept() -> None:
    kept = Kept(lively())
    for _ in range(6):
        kept.window(100)
        kept.checkpoint()
    assert [int(name[11:29]) for name in kept.shelf.names()] == [100, 500, 600]


# --- power loss ---


def test_power_lost_at_any_moment_takes_back_nothing_that_was_durable(tmp_path) -> None:
    """Images of database and WAL at every commit, and what was not synced after it cut, torn or
    scrambled."""
    chance = random.Random(7)
    path = tmp_path / "ledger.db"
    kept = Kept(lively())
    kept.ledger = Ledger(open_database(path))
    kept.ledger.begin(kept.world, "atlas", "any", {})
    wal = tmp_path / "ledger.db-wal"
    durable = []
    for _ in range(12):
        come(kept.network, kept.way, line(Money=0))
        kept.window(40)
        durable.append(
            (kept.ledger.commits, everything(kept.world), path.read_bytes(), wal.read_bytes())
        )
    assert durable[-1][0] == 12
    seen = 0
    for (commits, was, base, log), (after, _, _, longer) in pairwise(durable):
        assert longer.startswith(log)
        tail = longer[len(log) :]
        torn = bytearray(tail)
        for _ in range(len(tail) // 50):
            torn[chance.randrange(len(tail))] ^= chance.randrange(1, 256)
        cut = tail[: chance.randrange(len(tail))]
        halves = tail[: len(tail) // 2] + chance.randbytes(len(tail) - len(tail) // 2)
        for lost in (b"", cut, bytes(torn), chance.randbytes(len(tail)), halves):
            folder = tmp_path / "image"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            (folder / "ledger.db").write_bytes(base)
            (folder / "ledger.db-wal").write_bytes(log + lost)
            opened = open_database(folder / "ledger.db")
            assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            again = Ledger(opened)
            assert again.commits == commits < after
            assert len(list(again.commits_after(0))) == commits
            if lost in (b"", cut):
                world = found_again(kept.config, again)
                assert everything(world) == was
            opened.close()
            seen += 1
    assert seen >= 50


def test_power_lost_while_the_log_is_copied_into_the_database_takes_back_nothing(tmp_path) -> None:
    """Any of the pages may have been written by then, and the last one in part."""
    chance = random.Random(7)
    path, folder = tmp_path / "ledger.db", tmp_path / "image"
    opened = open_database(path)
    kept = Kept(lively())
    kept.ledger = Ledger(opened)
    kept.ledger.begin(kept.world, "atlas", "any", {})
    copied = 0
    for _ in range(4):
        come(kept.network, kept.way, line(Money=0))
        kept.window(40)
        before, log = path.read_bytes(), (tmp_path / "ledger.db-wal").read_bytes()
        opened.execute("PRAGMA wal_checkpoint(PASSIVE)")
        after = path.read_bytes()
        assert after != before
        pages = [after[at : at + PAGE] for at in range(0, len(after), PAGE)]
        for _ in range(3):
            mixed = [
                page if chance.random() < 0.5 else before[at * PAGE : (at + 1) * PAGE].ljust(PAGE)
                for at, page in enumerate(pages)
            ]
            torn = chance.randrange(len(mixed))
            mixed[torn] = pages[torn][: PAGE // 2] + mixed[torn][PAGE // 2 :]
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            (folder / "ledger.db").write_bytes(b"".join(mixed))
            (folder / "ledger.db-wal").write_bytes(log)
            with closing(open_database(folder / "ledger.db")) as again:
                assert again.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                found = Ledger(again)
                assert (found.commits, found.chain) == (kept.ledger.commits, kept.ledger.chain)
                assert list(found.commits_after(0)) == list(kept.ledger.commits_after(0))
                assert found.books() == kept.ledger.books()
                copied += 1
    assert copied == 12


def found_again(of, ledger: Ledger):
    """What a ledger without checkpoints says, by whatever program."""
    ledger._database.execute("DELETE FROM starts")
    return recover(of, ledger, Kept(of).shelf, say=print).world


def test_a_full_disk_changes_nothing_and_the_next_try_goes_on(tmp_path) -> None:
    kept = Kept(lively())
    opened = open_database(tmp_path / "ledger.db")
    kept.ledger = Ledger(opened)
    kept.ledger.begin(kept.world, "atlas", "any", {})
    kept.window(50)
    pages = opened.execute("PRAGMA page_count").fetchone()[0]
    opened.execute(f"PRAGMA max_page_count = {pages}")
    failed = ""
    for _ in range(200):
        tick = kept.world.tick
        give_inputs(kept.network, kept.world)
        advance(kept.world, 50)
        departures = leave(kept.world, "@ATLAS")
        before = kept.ledger.commits, kept.ledger.chain, dict(kept.ledger.accounts)
        arguments = (kept.world, tick, kept.world.taken, departures)
        try:
            kept.ledger.commit(*arguments, at_s=0.0)
        except sqlite3.OperationalError as error:
            failed = str(error)
        if failed:
            assert (kept.ledger.commits, kept.ledger.chain, kept.ledger.accounts) == before
            opened.execute(f"PRAGMA max_page_count = {10 * pages}")
            kept.ledger.commit(*arguments, at_s=0.0)
            break
        kept.world.taken.clear()
        take_abroad(kept.network, departures)
    assert "full" in failed
    assert everything(found_again(kept.config, Ledger(opened))) == everything(kept.world)


# --- damage ---


def a_history() -> Kept:
    kept = Kept(lively())
    for number in range(8):
        come(kept.network, kept.way, line(Money=number))
        kept.window(60)
        if number in (2, 5):
            kept.checkpoint()
    return kept


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_taken() -> None:
    kept = a_history()
    first, second = kept.shelf.names()
    for damage in (lambda data: data[:-9], lambda data: flipped(data, len(data) - 500), cut_head):
        files = kept.shelf.files | {second: damage(kept.shelf.files[second])}
        again = Kept(kept.config, kept.image(), files)
        (said,) = again.said
        assert said.startswith(f"{second}: ")
        assert said.endswith("; going back to the one before")
        assert again.recovered.replayed_ticks == 480 - 180
        assert everything(again.world) == everything(kept.world)
    files = dict.fromkeys((first, second), b"")
    again = Kept(kept.config, kept.image(), files)
    assert len(again.said) == 2
    assert everything(again.world) == everything(kept.world)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def cut_head(data: bytes) -> bytes:
    return flipped(data, 60)


@pytest.mark.parametrize("column", ["inputs", "departures", "chain", "tick"])
def test_a_damaged_commit_is_named_and_nothing_starts(column: str) -> None:
    kept = a_history()
    broken = database(kept.image())
    number = kept.ledger.commits
    value = 1 if column == "tick" else b"\x90" + bytes(15)
    broken.execute(f"UPDATE commits SET {column} = ? WHERE number = ?", (value, number))
    with pytest.raises(ConfigError, match=rf"ledger.db: commit {number} is damaged"):
        Kept(kept.config, broken.serialize(), kept.shelf.files)


def test_a_missing_commit_is_named() -> None:
    kept = a_history()
    broken = database(kept.image())
    number = kept.ledger.commits - 1
    broken.execute("DELETE FROM commits WHERE number = ?", (number,))
    with pytest.raises(ConfigError, match=rf"ledger.db: commit {number} is damaged or missing"):
        Kept(kept.config, broken.serialize(), kept.shelf.files)


def test_books_that_do_not_balance_never_start() -> None:
    kept = a_history()
    for change in (
        "UPDATE peers SET left_minor = left_minor + 1",
        "UPDATE cities SET holdings_minor = holdings_minor - 1 WHERE name = 'Seaside'",
        "UPDATE cities SET issued_minor = 5 WHERE name = 'Seaside'",
        "INSERT INTO migrations VALUES ('Riverwood', 'Ash@b', 'out', 0, 'COMMITTED', 5, x'', 1)",
        "INSERT INTO migrations VALUES ('Riverwood', 'Ash@b', 'in', 0, 'HELD', 5, x'', 1)",
    ):
        broken = database(kept.image())
        broken.execute(change)
        with pytest.raises(ConfigError, match=r"ledger.db: does not balance"):
            Kept(kept.config, broken.serialize(), kept.shelf.files)


def test_a_ledger_that_was_rolled_back_is_found_out() -> None:
    kept = a_history()
    older = kept.image()
    kept.window(100)
    kept.checkpoint()
    with pytest.raises(ConfigError, match=r"it has been rolled back"):
        Kept(kept.config, older, kept.shelf.files)
    branch = Kept(kept.config, older, dict(list(kept.shelf.files.items())[:2]))
    come(branch.network, branch.way, line(Money=7))
    branch.window(100)
    with pytest.raises(ConfigError, match=r"holds commit .* and the ledger another"):
        Kept(kept.config, branch.image(), kept.shelf.files)


def test_other_departures_than_were_kept_are_found_out() -> None:
    """As when the same inputs make another history, on another machine."""
    kept = a_history()
    other = replace(kept.config, seed=kept.config.seed + 1)
    with pytest.raises(ConfigError, match="other merchants leave than left then"):
        Kept(other, kept.image())


def test_another_program_may_go_on_after_a_clean_end_only(monkeypatch) -> None:
    kept = a_history()
    ours = "tests.durable.program", "city_node.durability.recovery.program"
    for name in ours:
        monkeypatch.setattr(name, lambda: "city-node 9.9.9")
    with pytest.raises(ConfigError, match=r"were run by city-node 0\.1\.0, kernels .* this is"):
        kept.after_a_crash()
    kept.checkpoint()
    newer = kept.after_a_crash()
    assert everything(newer.world) == everything(kept.world)
    newer.window(100)
    again = newer.after_a_crash()
    assert again.recovered.replayed_ticks == 100
    monkeypatch.undo()
    monkeypatch.setattr(trio, "current_time", lambda: 0.0)
    with pytest.raises(ConfigError, match=r"were run by city-node 9\.9\.9"):
        newer.after_a_crash()


def test_a_newer_schema_and_other_databases_are_refused() -> None:
    newer = database(Kept(lively()).image())
    newer.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(ConfigError, match=r"schema = 2: of a newer city-node, this one knows 1"):
        Ledger(newer)
    for change in ("PRAGMA user_version = 1", "CREATE TABLE accounts (name TEXT)"):
        foreign = database()
        foreign.execute(change)
        image = foreign.serialize()
        with pytest.raises(ConfigError, match="not a ledger of a city node"):
            Ledger(foreign)
        assert foreign.serialize() == image


def test_all_that_is_kept_is_synced_but_a_mark_of_time(tmp_path) -> None:
    """What loss of power takes back hangs on this alone."""
    kept = Kept(lively())
    opened = open_database(tmp_path / "ledger.db")
    kept.ledger = Ledger(opened)
    kept.ledger.begin(kept.world, "atlas", "any", {})
    told: list[str] = []

    def rules() -> tuple:
        names = ("journal_mode", "synchronous")
        return tuple(opened.execute(f"PRAGMA {name}").fetchone()[0] for name in names)

    assert rules() == ("wal", FULL)
    opened.set_trace_callback(told.append)
    come(kept.network, kept.way, line(Money=0))
    kept.window(40)
    assert told[0].startswith("BEGIN")
    assert not [sql for sql in told if sql.startswith("PRAGMA")]
    kept.ledger.mark(kept.world)
    opened.execute("PRAGMA query_only = 1")
    with pytest.raises(sqlite3.OperationalError):
        kept.ledger.mark(kept.world)
    changes = [sql.partition("synchronous = ")[2] for sql in told if "synchronous" in sql]
    assert changes == ["NORMAL", "FULL"] * 2
    assert rules() == ("wal", FULL)


# --- migrations ---


def settled(kept: Kept, *transitions: Transition, departures=()) -> None:
    world = kept.world
    kept.ledger.commit(world, world.tick, world.taken, departures, transitions, at_s=0.0)
    world.taken.clear()


def gone_abroad(kept: Kept):
    """Departures of one window, kept as prepared."""
    give_inputs(kept.network, kept.world)
    tick = kept.world.tick
    advance(kept.world, 200)
    left = leave(kept.world, "@ATLAS")
    prepared = [
        Transition(d.city.name, d.peer, "out", d.xid, "PREPARED", d.merchant.money_minor, b"m")
        for d in left
    ]
    kept.ledger.commit(kept.world, tick, kept.world.taken, left, prepared, at_s=0.0)
    kept.world.taken.clear()
    assert len(left) >= 3
    return left, prepared


def test_money_moves_with_migrations() -> None:
    kept = Kept(lively())
    left, prepared = gone_abroad(kept)
    total = sum(each.money_minor for each in prepared)

    def account():
        found = Ledger(database(kept.image())).accounts["Riverwood", "seashore"]
        return found.left_minor, found.in_transit_minor, found.escrow_minor, found.entered_minor

    assert account() == (0, total, 0, 0)
    first, second, third = prepared[:3]
    settled(kept, *(replaced(each, "COMMITTED") for each in (first, second)))
    assert account() == (0, total, 0, 0)
    settled(kept, replaced(first, "GONE"))
    assert account() == (first.money_minor, total - first.money_minor, 0, 0)
    home = next(each for each in left if each.xid == third.xid)
    bring_home(kept.world, home.city, home.row, None)
    settled(kept, replaced(third, "BACK"))
    assert account() == (
        first.money_minor,
        total - first.money_minor - third.money_minor,
        0,
        0,
    )
    held = Transition("Riverwood", "Seashore", "in", 9, "HELD", 500, b"guest")
    settled(kept, held)
    assert account()[2] == 500
    settled(kept, replaced(held, "DROPPED"))
    assert account()[2] == 0
    known = kept.after_a_crash().ledger.migrations()
    live = [each for each in known if each.state not in SETTLED]
    assert {(m.xid, m.state, m.merchant) for m in live} == {
        (each.xid, "COMMITTED" if each is second else "PREPARED", b"m")
        for each in prepared
        if each not in (first, third)
    }
    everyone = {(m.side, m.xid): m for m in kept.ledger.migrations()}
    assert everyone["out", first.xid].state == "GONE"
    assert everyone["out", first.xid].merchant == b"m"
    sums = Settled("Riverwood", "Seashore", "out", second.xid + 1, 2**128 - 1, first.money_minor)
    kept.ledger.commit(kept.world, kept.world.tick, [], [], [], [sums], at_s=0.0)
    again = kept.after_a_crash().ledger
    assert again.settled() == [sums]
    numbers = {m.xid for m in again.migrations() if m.side == "out"}
    assert numbers == {each.xid for each in prepared} - {first.xid}, "who is in doubt stays"


def test_a_guest_who_was_dropped_is_remembered_held_before_or_not() -> None:
    kept = Kept(lively())
    settled(kept, Transition("Riverwood", "Seashore@boreas", "in", 1, "HELD", 7, b"guest"))
    assert kept.ledger.accounts["Riverwood", "seashore@boreas"].escrow_minor == 7
    settled(kept, Transition("Riverwood", "Seashore@boreas", "in", 2, "DROPPED", 0, b""))
    settled(kept, Transition("Riverwood", "Seashore@boreas", "in", 1, "DROPPED", 7))
    rows = kept.after_a_crash().ledger.migrations()
    assert [(row.xid, row.state, row.merchant) for row in rows] == [
        (1, "DROPPED", b"guest"),
        (2, "DROPPED", b""),
    ]
    assert kept.ledger.accounts["Riverwood", "seashore@boreas"].escrow_minor == 0


def replaced(transition: Transition, state: str) -> Transition:
    return msgspec.structs.replace(transition, state=state, merchant=None)


def test_what_would_not_balance_is_not_written() -> None:
    kept = Kept(lively())
    _, prepared = gone_abroad(kept)
    image = kept.image()
    for wrong in (
        Transition("Riverwood", "Seashore", "out", prepared[0].xid, "COMMITTED", 1),
        Transition("Riverwood", "Nowhere", "out", 1, "PREPARED", 5),
    ):
        with pytest.raises(BalanceError):
            settled(kept, wrong)
    assert kept.image() == image
    kept.world.cities[1].ledger.entered_minor += 1
    with pytest.raises(BalanceError, match="the node at tick 200 holds"):
        settled(kept)
    assert kept.image() == image
