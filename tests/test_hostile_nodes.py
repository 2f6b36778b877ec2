"""A running node and other nodes that mean it ill, while an honest one trades with it."""

import contextlib

import pytest
import trio

from city_node.durability.audit import audited
from city_node.identity.keys import identity_in
from city_node.identity.tls import TLS_FIRST_BYTE, secure
from city_node.network.sockets import UNGREETED_MAX, UNGREETED_PER_ADDRESS_MAX
from protocol.limits import HELLO_BYTES_MAX, LINE_BYTES_MAX
from tests.nodes import GUARD_S, check_balance, free_port, running
from tools.hostile import HOST, NODE_ATTACKS, turned_away
from tools.node_peer import NodePeer, linked, record_of

MEMORY_BYTES_MAX = 100_000_000
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
    resident_bytes = node.resident_bytes
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
    assert node.resident_bytes < resident_bytes + MEMORY_BYTES_MAX
    assert not node.matching("Traceback")


# --- the bounds of some ---


def test_another_key_under_a_known_name_is_a_hard_stop(attacked) -> None:
    _, home, port = attacked

    async def come() -> str:
        async with linked(home / "known", port, "Known", "known") as peer:
            await served(peer)
        return await turned_away(home / "impostor", port, "Known")

    assert trio.run(come).startswith("the peer says key_changed: Known@known is known as a city of")


def test_a_newcomer_is_served_though_all_places_for_silent_ones_are_taken(attacked) -> None:
    """By more than a node has, let alone for one address."""
    _, home, port = attacked

    async def come() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(UNGREETED_MAX + UNGREETED_PER_ADDRESS_MAX):
                stream = await trio.open_tcp_stream(HOST, port)
                await stream.send_all(TLS_FIRST_BYTE)
                nursery.start_soon(is_closed, stream)
            async with linked(home / "newcomer", port, "Newcomer", "newcomer") as peer:
                await served(peer)
            nursery.cancel_scope.cancel()

    trio.run(come)


async def is_closed(stream: trio.abc.Stream) -> bytes:
    """Wait until the node closes; returns what it said."""
    said = b""
    with contextlib.suppress(trio.BrokenResourceError), trio.fail_after(GUARD_S):
        async with stream:
            async for data in stream:
                said += data
    return said


def test_whoever_says_a_huge_line_before_welcome_is_kept_out(attacked) -> None:
    """It need not even end. The next time nothing is said to him any more, not even hello."""
    _, home, port = attacked

    async def come() -> bytes:
        async with await trio.open_tcp_stream(HOST, port) as plain:
            own = identity_in(home / "huge-hello")
            stream, _ = await secure(plain, server_side=False, identity=own)
            hello = b""
            with contextlib.suppress(trio.BrokenResourceError):
                hello = bytes(await stream.receive_some())
                await stream.send_all(b"x" * HELLO_BYTES_MAX)
            await is_closed(stream)
            return hello

    (home / "huge-hello").mkdir()
    assert trio.run(come).startswith(b'{"t":"hello"')
    assert trio.run(come) == b""


def test_whoever_says_a_huge_line_on_a_link_is_kept_out(attacked) -> None:
    _, home, port = attacked

    async def come() -> None:
        async with linked(home / "huge-line", port, "Huge", "huge") as peer:
            await peer.say(b"x" * LINE_BYTES_MAX)
            with trio.fail_after(GUARD_S):
                await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as ended:
        trio.run(come)
    assert not ended.group_contains(trio.TooSlowError)
    trio.run(turned_away, home / "huge-line", port, "Huge")  # or this raises
