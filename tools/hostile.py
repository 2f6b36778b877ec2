"""Peers that mean a node ill, each doing one thing until it is ended: as guests, and as nodes.

Called by `tools/bench/hostile.py`, each in a process of its own, the last in line for the machine's
time: on a network they would have machines of their own.
"""

import contextlib
import itertools
import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from city_node.identity import keys as identity
from city_node.identity.tls import TLS_FIRST_BYTE, PeerError, secure
from protocol.node_lines import encode
from protocol.node_messages import Accept, Message, News, Offer, ranges_of
from tools.node_peer import NodePeer, PeerEndedError, linked, record_of

HOST = "127.0.0.1"
FINE = {
    "Money": 1000,
    "BuysSells": "bed",
    "CarryingCapacity": 20,
    "ExpectedPrices": {"bed": {"VILLAINY": 50.0, "RIVERWOOD": 40.0}},
}

SYBILS = 63
"""As many names as one city lets in, less one."""

LORISES = 60
"""Connections that send a byte now and again: as many as may be silent at once, nearly."""

RESETS_KEEP_S = 0.05
"""A villain who was thrown out is back after so long."""


def line(**changed: object) -> bytes:
    """A merchant that is fine, but for what was changed."""
    return json.dumps(FINE | changed).encode() + b"\n"


def connected(port: int, greeting: bytes) -> socket.socket:
    """A connection that has greeted and was greeted."""
    stream = socket.create_connection((HOST, port), timeout=10.0)
    stream.sendall(greeting)
    if greeting:
        stream.recv(64)
        time.sleep(0.06)  # the quiet after the greeting
    return stream


Attack = Callable[[int, int], None]
"""What a villain does: given a city's port and the node's."""


def again(act: Callable[[int], None]) -> Attack:
    """Do it to a city again and again, however often the node throws one out."""

    def acting(port: int, _: int) -> None:
        os.nice(19)
        while True:
            with contextlib.suppress(OSError):
                act(port)
            time.sleep(RESETS_KEEP_S)

    return acting


def poured(data: bytes) -> Callable[[int], None]:
    """Write the same bytes as fast as they are taken, reading whatever comes back."""

    def pour(port: int) -> None:
        with connected(port, b"Villainy\n") as stream:
            stream.setblocking(False)
            rest = data
            while True:
                with contextlib.suppress(BlockingIOError):
                    rest = rest[stream.send(rest) :] or data
                with contextlib.suppress(BlockingIOError):
                    if not stream.recv(1_000_000):
                        return
                time.sleep(0.0005)

    return pour


def never_read(port: int) -> None:
    """Write merchants that go back, and read none of them."""
    with connected(port, b"Villainy\n") as stream:
        stream.settimeout(60.0)
        while True:
            stream.sendall(line(BuysSells="gold") * 100)


def slow_loris(port: int) -> None:
    """Hold many connections open by a byte now and again."""
    with contextlib.ExitStack() as held:
        streams = [held.enter_context(connected(port, b"")) for _ in range(LORISES)]
        for byte in itertools.cycle(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
            for stream in streams:
                stream.sendall(bytes([byte]))
            time.sleep(0.1)


def newcomers(port: int) -> None:
    """Connect and go, as fast as it can be done."""
    while True:
        socket.create_connection((HOST, port), timeout=10.0).close()


def sybils(port: int) -> None:
    """Many names, each with as many merchants as it may have, and more."""
    with contextlib.ExitStack() as held:
        streams = []
        for number in range(SYBILS):
            with contextlib.suppress(OSError):
                stream = held.enter_context(connected(port, b"Sybil%d\n" % number))
                stream.setblocking(False)
                streams.append(stream)
        while True:
            for stream in streams:
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    stream.send(line() * 10)
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    stream.recv(1_000_000)
            time.sleep(0.01)


# --- as a node ---


class LetInError(Exception):
    """A node has let in whom it must not."""


NodeAttack = Callable[[int], Awaitable[None]]
"""The same, given the node's port, and until it is cancelled."""


def as_node(act: NodeAttack) -> NodeAttack:
    """Do it to a node again and again, however often it throws one out."""

    async def acting(port: int) -> None:
        while True:
            try:
                await act(port)
            except* (OSError, PeerError, PeerEndedError, trio.BrokenResourceError):
                pass
            await trio.sleep(RESETS_KEEP_S)

    return acting


def alone(attack: NodeAttack) -> Attack:
    """In a process of its own."""

    def acting(_: int, port: int) -> None:
        os.nice(19)
        trio.run(attack, port)

    return acting


def on_a_link(act: Callable[[NodePeer], Awaitable[None]]) -> NodeAttack:
    """Do it on a link that is up; each time under a new key, since a key may be kept out."""

    async def linking(port: int) -> None:
        name = f"Villain{secrets.token_hex(4)}"
        with tempfile.TemporaryDirectory() as folder:
            async with linked(Path(folder), port, name, name) as peer:
                await act(peer)

    return as_node(linking)


async def handshakes(port: int) -> None:
    """Shake hands, and go."""
    with tempfile.TemporaryDirectory() as folder:
        own = identity.identity_in(Path(folder))
        while True:
            async with await trio.open_tcp_stream(HOST, port) as stream:
                await secure(stream, server_side=False, identity=own)


async def everybodys_key(port: int) -> None:
    """Come with the key that signs all certificates, and that everybody has."""
    key = identity._ISSUER_KEY
    certificate = identity.certificate_of(key.public_key())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        path.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
        own = identity.Identity("", certificate.public_bytes(Encoding.DER), path, key)
        while True:
            async with await trio.open_tcp_stream(HOST, port) as stream:
                secured, _ = await secure(stream, server_side=False, identity=own)
                await secured.receive_some()


async def another_key(port: int) -> None:
    """Come under a name that is known by another key."""
    name = f"Villain{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory() as folder:
        async with linked(Path(folder) / "known", port, name, name) as peer:
            (xid,) = peer.depart(peer.theirs[0], [record_of()])
            await peer.flush()
            await peer.ended(xid)
        for number in itertools.count():
            with contextlib.suppress(PeerError):  # too many handshakes: on with the next
                await turned_away(Path(folder) / str(number), port, name)


async def turned_away(folder: Path, port: int, name: str) -> str:
    """Try to link; returns what the node said, if it did.

    Raises:
        LetInError: it let us in.
    """
    said = ""
    try:
        async with linked(folder, port, name, name):
            raise LetInError(f"{name} was let in")
    except* (PeerEndedError, trio.BrokenResourceError) as errors:
        said = str(errors.exceptions[0])
    return said


async def slow_nodes(port: int) -> None:
    """Hold many connections open by a byte now and again, within TLS and before it."""
    with tempfile.TemporaryDirectory() as folder:
        own = identity.identity_in(Path(folder))
        async with trio.open_nursery() as nursery:
            for number in range(LORISES):
                nursery.start_soon(crawl, port, own if number % 2 else None)


async def crawl(port: int, own: identity.Identity | None) -> None:
    """A hello that never ends, of one who comes again whenever it is closed.

    Args:
        own: None: the ClientHello of TLS does not end either.
    """
    while True:
        with contextlib.suppress(OSError, PeerError, trio.BrokenResourceError):
            async with await trio.open_tcp_stream(HOST, port) as plain:
                stream: trio.abc.Stream = plain
                if own:
                    stream, _ = await secure(plain, server_side=False, identity=own)
                else:
                    await plain.send_all(TLS_FIRST_BYTE + b"\x03\x01\x02\x00\x01\x00")
                while True:
                    await stream.send_all(b"{" if own else b"\x01")
                    await trio.sleep(0.1)
        await trio.sleep(RESETS_KEEP_S)


async def huge_hello(port: int) -> None:
    """Say a hello as long as the node hears."""
    with tempfile.TemporaryDirectory() as folder:
        own = identity.identity_in(Path(folder))
        async with await trio.open_tcp_stream(HOST, port) as plain:
            stream, _ = await secure(plain, server_side=False, identity=own)
            while True:
                await stream.send_all(b"x" * 65_536)


async def huge_line(peer: NodePeer) -> None:
    """Say a line as long as the node hears."""
    while True:
        await peer.say(b"x" * 65_536)


async def downgrade(port: int) -> None:
    """Greet a node in plain text."""
    async with await trio.open_tcp_stream(HOST, port) as stream:
        await stream.send_all(b"SEASIDE@BOREAS\n" + line() * 100)
        await stream.receive_some()


async def never_commit(peer: NodePeer) -> None:
    """Offer as many as one may, and never commit one who is accepted."""
    hear = peer.hear

    def deaf(message: Message) -> None:
        if not isinstance(message, Accept):
            hear(message)

    peer.hear = deaf  # type: ignore[method-assign]
    while True:
        peer.depart(peer.theirs[0], [record_of(number) for number in range(64)])
        await peer.flush()
        await trio.sleep(0.1)


async def forge(peer: NodePeer) -> None:
    """Offer merchants with more money than there is."""
    while True:
        for xid in peer.depart(peer.theirs[0], [record_of(10**14)] * 32):
            await peer.flush()
            with trio.move_on_after(5.0):
                await peer.ended(xid)


async def replay(peer: NodePeer) -> None:
    """Say again and again what was said once."""
    (xid,) = peer.depart(peer.theirs[0], [record_of()])
    _, record = record_of()
    offer = Offer(
        sender=peer.city,
        receiver=peer.theirs[0],
        xids=ranges_of([xid]),
        merchants=[record],  # type: ignore[list-item]
    )
    while True:
        await peer.flush()
        await peer.say(encode([offer]) * 50)


async def chatter(peer: NodePeer) -> None:
    """Tell the news as fast as it is taken."""
    lines = encode([News(city=peer.city, prices={"bed": 1.0})]) * 500
    while True:
        await peer.say(lines)


NODE_ATTACKS: dict[str, NodeAttack] = {
    "handshakes without end": as_node(handshakes),
    "everybody's key": as_node(everybodys_key),
    "another key than the known one": as_node(another_key),
    "slow-loris between nodes": as_node(slow_nodes),
    "huge hellos": as_node(huge_hello),
    "huge lines between nodes": on_a_link(huge_line),
    "downgrade to plain text": as_node(downgrade),
    "one who never commits": on_a_link(never_commit),
    "forged money between nodes": on_a_link(forge),
    "replay": on_a_link(replay),
    "a flood of news": on_a_link(chatter),
}

ATTACKS: dict[str, Attack] = {
    "a flood of merchants": again(poured(line() * 100)),
    "a flood of lines that go back": again(poured(line(BuysSells="gold") * 100)),
    "forged money": again(poured(line(Money=999_999) * 100)),
    "garbage": again(poured(b'{"Money":NaN}\n' * 15 + b"garbage\n" * 100)),
    "huge lines": again(poured(b"x" * 1_000_000 + b"\n")),
    "deep lines": again(poured(b"[" * 60_000 + b"\n")),
    "one who does not read": again(never_read),
    "slow-loris": again(slow_loris),
    "newcomers without end": again(newcomers),
    "Sybils": again(sybils),
    **{name: alone(attack) for name, attack in NODE_ATTACKS.items()},
}
"""What is done to a node."""
