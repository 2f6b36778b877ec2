"""Links that the user wants for some cities only (`--connect CITY=HOST:PORT`), between real nodes
on simulated streams: whoever dials, the same cities trade, and nobody is in doubt for ever."""

import contextlib
import io
from random import Random

import pytest
import trio
from trio.testing import MockClock

from city_node.config import Dialling
from city_node.meeting import NODE_PORT_FIRST
from protocol.limits import GIVE_UP_S
from tools.simulate.audit import count_all
from tools.simulate.internet import Internet
from tools.simulate.nodes import Node, address_of, founded
from tools.simulate.simulation import seeded

CUTS, BETWEEN_CUTS_S = 20, 8.0
CALM_S = GIVE_UP_S + 20.0
WATCHED_S = 100.0


def traders(nodes: list[Node], since: dict[tuple[str, str], int]) -> set[str]:
    """Cities that another node's merchants have entered since, which is brought up to now."""
    found = set()
    for node in nodes:
        for pair, account in node.books().read.accounts.items():
            if account.entered > since.get(pair, 0):
                found.add(pair[0])
            since[pair] = account.entered
    return found


async def live(seed: int, wishes: tuple[list[int | None], ...]) -> set[str]:
    """Two nodes of two cities, cut now and again, then in peace; returns which cities trade.

    Args:
        wishes: of each node, for which of its cities it dials the other; None: for all.
    """
    random, since = Random(seed), {}
    async with trio.open_nursery() as nursery:
        internet, nodes = Internet(Random(seed), nursery), []
        for here, cities in enumerate(wishes):
            there = address_of(1 - here)
            dials = [Dialling(city, there, NODE_PORT_FIRST) for city in cities]
            nodes.append(founded(here, 2, dials, internet, random))
            nursery.start_soon(nodes[-1].live)
        for _ in range(CUTS):
            await trio.sleep(random.uniform(0, BETWEEN_CUTS_S))
            internet.cut(address_of(0), address_of(1))
        open_then = count_all(nodes).open
        await trio.sleep(CALM_S)
        count = count_all(nodes)
        count.check()
        assert not open_then & count.open
        traders(nodes, since)
        await trio.sleep(WATCHED_S)
        found = traders(nodes, since)
        nursery.cancel_scope.cancel()
    return found


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
    with seeded(seed), contextlib.redirect_stderr(io.StringIO()):
        found = trio.run(live, seed, wishes, clock=MockClock(autojump_threshold=0))
    assert found == trading
