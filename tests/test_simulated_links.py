"""Links between real nodes on simulated streams and disks: for which cities they are, and what is
said on them while a disk is full."""

import contextlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest
import trio
from trio.testing import MockClock

from city_node.network.meeting import NODE_PORT_FIRST
from city_node.settings.network import Dialling
from protocol.limits import GIVE_UP_S
from tools.simulate.audit import count_all
from tools.simulate.founding import address_of, founded
from tools.simulate.internet import Internet
from tools.simulate.nodes import Node
from tools.simulate.simulation import seeded

CUTS, BETWEEN_CUTS_S = 20, 8.0
CALM_S = GIVE_UP_S + 20.0
WATCHED_S = 100.0

ANSWERED_S = 5.0
FULL_S = 40.0
"""Shorter than whom nobody answers waits before he goes home."""


@asynccontextmanager
async def two_nodes(seed: int, *wishes: list[int | None]) -> AsyncIterator[list[Node]]:
    """Bazaars of two cities each, alive.

    Args:
        wishes: of each node, for which of its cities it dials the other; None: for all.
    """
    random, nodes = Random(seed), []
    async with trio.open_nursery() as nursery:
        internet = Internet(Random(seed), nursery)
        for here, cities in enumerate(wishes):
            dials = [Dialling(city, address_of(1 - here), NODE_PORT_FIRST) for city in cities]
            nodes.append(founded(here, "bazaar", 2, dials, internet, random))
            nursery.start_soon(nodes[-1].live)
        yield nodes
        nursery.cancel_scope.cancel()


def run(test, seed: int, *arguments):
    """What a test returns that runs on a clock that leaps."""
    with seeded(seed), contextlib.redirect_stderr(io.StringIO()):
        return trio.run(test, seed, *arguments, clock=MockClock(autojump_threshold=0))


# --- links for some cities: --connect CITY=HOST:PORT ---


def traders(nodes: list[Node], since: dict[tuple[str, str], int]) -> set[str]:
    """Cities that another node's merchants have entered since, which is brought up to now."""
    found = set()
    for node in nodes:
        for pair, account in node.books().read.accounts.items():
            if account.entered > since.get(pair, 0):
                found.add(pair[0])
            since[pair] = account.entered
    return found


async def traders_of(seed: int, wishes: tuple[list[int | None], ...]) -> set[str]:
    """Cities that trade after the link has been cut now and again."""
    random, since = Random(seed), {}
    async with two_nodes(seed, *wishes) as nodes:
        for _ in range(CUTS):
            await trio.sleep(random.uniform(0, BETWEEN_CUTS_S))
            nodes[0].internet.cut(address_of(0), address_of(1))
        open_then = count_all(nodes).open
        await trio.sleep(CALM_S)
        count = count_all(nodes)
        count.check()
        assert not open_then & count.open
        traders(nodes, since)
        await trio.sleep(WATCHED_S)
        return traders(nodes, since)


@pytest.mark.parametrize(
    ("seed", "wishes", "trading"),
    [
        (0, ([0], [None]), {"Town 0-0", "Town 1-0", "Town 1-1"}),
        (0, ([0], [1]), {"Town 0-0", "Town 1-1"}),
        (0, ([0, 1], []), {"Town 0-0", "Town 0-1", "Town 1-0", "Town 1-1"}),
        (1, ([None, 0], [1]), {"Town 0-0", "Town 0-1", "Town 1-1"}),
    ],
)
def test_the_cities_that_were_asked_for_trade_whoever_dials(seed, wishes, trading) -> None:
    """And nobody is in doubt for ever on a pair that the link which is left would not carry."""
    assert run(traders_of, seed, wishes) == trading


# --- a full disk ---


def states(node: Node, side: str) -> dict[tuple[str, str, int], str]:
    """Of all migrations, by city, peer and number."""
    found = node.books().read.migrations
    return {(each.city, each.peer, each.xid): each.state for each in found if each.side == side}


async def a_full_disk(seed: int) -> None:
    async with two_nodes(seed, [None], []) as (full, other):
        await trio.sleep(60.0)
        full.disk.full = True
        await trio.sleep(ANSWERED_S)  # what was said before is heard and answered
        links = list(full.internet.ends)
        tick, ours, theirs = full.ledger.tick(), full.books(), states(other, "in")
        began_s = trio.current_time()
        await trio.sleep(FULL_S)
        assert list(full.internet.ends) == links  # it says ping
        assert (full.ledger.tick(), full.books()) == (tick, ours)
        assert states(other, "in") == theirs
        waiting = {key for key, state in states(other, "out").items() if state == "PREPARED"}
        assert waiting
        full.disk.full = False
        await trio.sleep(2 * ANSWERED_S)
        assert trio.current_time() < began_s + GIVE_UP_S
        now = states(other, "out")
        assert {now.get(key, "GONE") for key in waiting} == {"GONE"}
        assert full.ledger.tick() > tick
        count_all([full, other]).check()


def test_on_a_full_disk_the_world_stands_still_and_nothing_is_said_of_merchants() -> None:
    """The link stays up meanwhile, and whoever waited on it arrives."""
    run(a_full_disk, 0)
