"""A running node and other nodes that mean it ill, while an honest one trades with it."""

import pytest
import trio

from city_node.durability.audit import audited
from tests.nodes import GUARD_S, check_balance, free_port, running
from tools.hostile import NODE_ATTACKS
from tools.node_peer import NodePeer, linked, record_of

SERVED = 3
"""Merchants of the honest node that enter under each attack."""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """A node whose border is open to any node: its folder, and its port for nodes."""
    home = tmp_path_factory.mktemp("attacked")
    (home / "open.toml").write_text('[border]\nadmission = "open"\n')
    port, node_port = free_port(), free_port()
    ports = ["--port", str(port), "--node-port", str(node_port), "--no-discovery"]
    asked = ["Riverwood", "--config", str(home / "open.toml"), "--data-dir", str(home / "world")]
    with running(home, *asked, *ports, CITY_NODE_HOME=str(home / "trust")) as node:
        node.wait_for("Riverwood  tick")
        yield node, home, node_port
    check_balance(node.report)
    books = audited([home / "world"])
    assert books["balanced"], books


async def served(peer: NodePeer) -> None:
    """Some merchants enter."""
    for _ in range(SERVED):
        (xid,) = peer.depart(peer.theirs[0], [record_of()])
        await peer.flush()
        with trio.fail_after(GUARD_S):
            assert await peer.ended(xid) == "GONE"


@pytest.mark.parametrize("attack", NODE_ATTACKS)
def test_the_honest_one_is_served(attack: str, attacked) -> None:
    node, home, port = attacked

    name = f"Honesty{list(NODE_ATTACKS).index(attack)}"  # who keeps no journal comes but once

    async def trade() -> None:
        async with linked(home / name, port, name, name) as peer:
            await served(peer)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(NODE_ATTACKS[attack], port)
                await trio.sleep(0.3)
                await served(peer)
                nursery.cancel_scope.cancel()

    trio.run(trade)
    assert node.process.poll() is None
    assert not node.matching("Traceback")
