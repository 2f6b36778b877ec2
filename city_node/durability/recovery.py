"""A world as it was when its node ended, however it ended: the newest checkpoint, then the inputs.

What is replayed must come out as it did: the same departures with the same numbers, and books that
balance. Nothing is guessed: what cannot be read is named, an older checkpoint is tried, and else
the node does not start. Called by `opened` at a node's start and by the verb `replay`.
"""

import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numba
import numpy as np

from city_node import VERSION, kernel_cache
from city_node.cities.advance import BalanceError, Job, advance, run_in_turn
from city_node.cities.inputs import Arrivals, Homecomer, apply, decode
from city_node.cities.world import World, found_world
from city_node.durability.books import check_books, check_migrations, issue, money_of
from city_node.durability.checkpoint import DamagedError, Quotas, restore
from city_node.durability.ledger import Ledger
from city_node.durability.records import CityBooks, Commit, Left, kept
from city_node.durability.shelf import Shelf, tick_of
from city_node.errors import ConfigError
from city_node.network.departures import leave
from city_node.network.quotas import Brought, Quota, quota_keys
from city_node.settings.config import Config

TELL_S = 2.0
"""What takes longer shows how far it is."""

REPLAY_TICKS = 1_000
"""At a time, to tell in between."""

RunJobs = Callable[[list[Job]], object]
Say = Callable[[str], object]


@dataclass(frozen=True)
class Recovered:
    """A world that goes on.

    Attributes:
        quotas: what peers have brought; times are the node's clock.
        replayed_ticks: since the checkpoint.
    """

    world: World
    quotas: Quotas
    replayed_ticks: int


def program() -> str:
    """What must be the same for a history to come out the same again."""
    return (
        f"city-node {VERSION}, kernels {kernel_cache.digest()}, "
        f"numba {numba.__version__}, numpy {np.__version__}"
    )


def recover(
    config: Config,
    ledger: Ledger,
    shelf: Shelf,
    *,
    say: Say,
    to_tick: int | None = None,
    run_jobs: RunJobs = run_in_turn,
) -> Recovered:
    """The world of a ledger at its last durable tick.

    Args:
        config: what the world was founded with.
        to_tick: an earlier tick.
        run_jobs: runs the jobs of a window.
        say: is told what was found damaged.

    Raises:
        ConfigError: one line: what is damaged, does not balance, or needs another program.
    """
    try:
        world, commit, quotas = _start(config, ledger, shelf, to_tick, say)
        began_tick = world.tick
        _bring_forward(world, commit, ledger, to_tick, quotas, run_jobs)
        if to_tick is None:
            _check(world, ledger)
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"{ledger.name}: damaged ({error})") from None
    return Recovered(world, quotas, world.tick - began_tick)


def _bring_forward(
    world: World,
    commit: int,
    ledger: Ledger,
    to_tick: int | None,
    quotas: Quotas,
    run_jobs: RunJobs,
) -> None:
    """Replay what came after a commit."""
    if to_tick is not None and to_tick > ledger.tick():
        raise ConfigError(f"to = {to_tick}: must be from 0 to {ledger.tick()}, where this world is")
    end = max(ledger.tick(), world.tick) if to_tick is None else to_tick
    if end > world.tick or commit < ledger.commits:
        _check_program(ledger, world.tick, commit, end)
    _replay(world, ledger, commit, end, quotas, run_jobs)


def _start(
    config: Config, ledger: Ledger, shelf: Shelf, to_tick: int | None, say: Say
) -> tuple[World, int, Quotas]:
    """The newest checkpoint that can be read; without any, the world as it was founded.

    And the last commit that is in it.
    """
    try:
        world = found_world(config)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    for name in reversed(shelf.names()):
        if to_tick is not None and tick_of(name) > to_tick:
            continue
        try:
            header, quotas = restore(shelf.read(name), world)
        except (DamagedError, msgspec.MsgspecError, OSError) as error:
            say(f"{name}: {error}; going back to the one before")
            continue
        if ledger.chain_at(header.commit) != header.chain:
            raise ConfigError(
                f"{ledger.name}: {name} holds commit {header.commit:,}, and the ledger another or "
                "none (it has been rolled back): put back the ledger that belongs to it"
            )
        return world, header.commit, quotas
    return world, 0, {}


def _check_program(ledger: Ledger, tick: int, commit: int, end: int) -> None:
    """Only the program that made a history can make it again."""
    before = [start for start in ledger.starts() if start[:2] <= (tick, commit)]
    since = [start for start in ledger.starts() if (tick, commit) < start[:2] and start[0] < end]
    for start_tick, _, _, made_by in before[-1:] + since:
        if made_by != program():
            raise ConfigError(
                f"{ledger.name}: tick {max(tick, start_tick):,} and those after it were run by "
                f"{made_by}; this is {program()}: "
                "run that version once and end it with Ctrl-C, then this one goes on"
            )


def _replay(
    world: World, ledger: Ledger, number: int, end: int, quotas: Quotas, run_jobs: RunJobs
) -> None:
    """Apply the commits after one and advance to a tick."""
    told = _Progress(world.tick, end)

    def pass_to(tick: int) -> None:
        while world.tick < tick:
            advance(world, min(REPLAY_TICKS, tick - world.tick), run_jobs)
            told.look(world.tick)

    try:
        for commit in ledger.commits_after(number):
            if commit.tick > end:
                break
            pass_to(commit.tick)
            _no_more_than(world, [], ledger, commit)
            _apply(world, commit, quotas)
            pass_to(min(commit.until, end))
            if commit.until <= end:
                left = msgspec.msgpack.decode(commit.departures, type=list[Left])
                _book(world, left, commit, quotas)
                _no_more_than(world, left, ledger, commit)
            else:
                leave(world, "")
            number = commit.number
        pass_to(end)
        _no_more_than(world, [], ledger, None)
    except (BalanceError, ValueError, IndexError, KeyError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{ledger.name}: after commit {number:,}: {error}") from None


def _apply(world: World, commit: Commit, quotas: Quotas) -> None:
    for given in decode(commit.inputs, len(world.goods)):
        if isinstance(given, Arrivals | Homecomer) and given.address:
            brought = _brought(quotas, given.city, given.peer, given.address)
            brought.book(commit.at_s, money_of(given), int(given.rows.size[0]))
        apply(world, given)


def _book(world: World, left: list[Left], commit: Commit, quotas: Quotas) -> None:
    here = {city.name: city.here for city in world.cities}
    for each in left:
        if each.address:
            brought = _brought(quotas, here[each.city], each.peer, each.address)
            brought.book(commit.at_s, -each.money_minor, -1)


def _brought(quotas: Quotas, here: int, peer: str, address: str) -> Brought:
    keys = quota_keys(here, peer, address)
    return Brought(*(quotas.setdefault(key, Quota()) for key in keys))


def _no_more_than(
    world: World, expected: list[Left], ledger: Ledger, commit: Commit | None
) -> None:
    """Who has left must be who left then, with the same numbers."""
    found = kept(leave(world, ""))
    expected = [each._replace(address="") for each in expected]  # no part of the world
    if found != expected:
        where = f"commit {commit.number:,}" if commit else "the last commit"
        odd = next(iter(set(found) ^ set(expected)))
        raise ConfigError(
            f"{ledger.name}: {where}: other merchants leave than left then, "
            f"as number {odd.xid} from {odd.city} to {odd.peer}"
        )


def _check(world: World, ledger: Ledger) -> None:
    """A city never starts on books that do not balance, nor on others than were kept."""
    try:
        check_books(ledger.accounts, world)
        migrations = ((each.state, each.money_minor) for each in ledger.migrations())
        check_migrations(ledger.accounts.values(), migrations, "books")
        books = ledger.books()
        for city in world.cities if books.tick == world.tick and books.cities else ():
            found = CityBooks(*issue(city), city.ledger.expected_minor())
            if found != books.cities[city.name]:
                raise BalanceError(f"{city.name}: {found}, but kept were {books.cities[city.name]}")
    except BalanceError as error:
        raise ConfigError(f"{ledger.name}: does not balance: {error}") from None


class _Progress:
    """Says how far a long replay is, once a while."""

    def __init__(self, begin: int, end: int) -> None:
        self._begin, self._end = begin, end
        self._due_s = time.monotonic() + TELL_S

    def look(self, tick: int) -> None:
        if time.monotonic() >= self._due_s:
            self._due_s += TELL_S
            share = (tick - self._begin) / (self._end - self._begin)
            print(f"city-node: replaying … tick {tick:,} ({share:.0%})", file=sys.stderr)
