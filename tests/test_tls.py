"""Who a link is with: two nodes shake hands in memory and over loopback, and others try to."""
# ruff: noqa: ARG001  (pytest-trio looks for its clock among the arguments of a test)

import ssl
from pathlib import Path

import pytest
import trio
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from city_node.identity import keys
from city_node.identity.keys import Identity, certificate_of, identity_in
from city_node.identity.tls import ALPN, HANDSHAKE_S_MAX, PeerError, context, secure


@pytest.fixture
def nodes(tmp_path):
    """Nodes of their own, made when they are asked for by name."""

    def node(name: str) -> Identity:
        (tmp_path / name).mkdir(exist_ok=True)
        return identity_in(tmp_path / name)

    return node


async def tried(*sides) -> list:
    """What became of each side: (stream, id), or the PeerError."""
    ended: list = [None] * len(sides)

    async def run(number: int, side) -> None:
        try:
            ended[number] = await side
        except PeerError as error:
            ended[number] = error

    async with trio.open_nursery() as nursery:
        for number, side in enumerate(sides):
            nursery.start_soon(run, number, side)
    return ended


async def shaken(ours, theirs, accepting: Identity, dialling: Identity, **rules) -> list:
    """Both sides of a handshake; `rules` are those of the one who accepts."""
    return await tried(
        secure(ours, server_side=True, identity=accepting, **rules),
        secure(theirs, server_side=False, identity=dialling),
    )


def of_key(folder: Path, key, certificate: keys.x509.Certificate) -> Identity:
    """An identity that no node makes: any key, any certificate."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "forged.key"
    path.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
    return Identity("forged", certificate.public_bytes(Encoding.DER), path, key)


# --- those who mean it well ---


@pytest.mark.trio
async def test_both_know_who_the_other_is(nodes) -> None:
    atlas, boreas = nodes("atlas"), nodes("boreas")
    (ours, theirs) = await shaken(*memory_stream_pair(), atlas, boreas, expected=boreas.id)
    assert ours[1] == boreas.id
    assert theirs[1] == atlas.id
    assert ours[0].version() == "TLSv1.3"  # type: ignore[attr-defined]
    await theirs[0].send_all(b"hello")
    assert await ours[0].receive_some() == b"hello"
    await ours[0].send_all(b"welcome")
    assert await theirs[0].receive_some() == b"welcome"
    for stream, _ in (ours, theirs):
        await trio.aclose_forcefully(stream)


@pytest.mark.trio
async def test_over_loopback(nodes, nursery) -> None:
    atlas, boreas = nodes("atlas"), nodes("boreas")
    known: list[str] = []

    async def accepted(stream: trio.SocketStream) -> None:
        secured, peer_id = await secure(stream, server_side=True, identity=atlas)
        known.append(peer_id)
        await secured.send_all(await secured.receive_some())

    listeners = await nursery.start(trio.serve_tcp, accepted, 0)
    port = listeners[0].socket.getsockname()[1]
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    secured, peer_id = await secure(stream, server_side=False, identity=boreas, expected=atlas.id)
    await secured.send_all(b"x" * 1000)
    assert await secured.receive_some() == b"x" * 1000
    assert (known, peer_id) == ([boreas.id], atlas.id)
    await trio.aclose_forcefully(stream)
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_where_all_is_closed_only_known_certificates_get_through(nodes) -> None:
    atlas, boreas, stranger = nodes("atlas"), nodes("boreas"), nodes("stranger")
    known = {"anchors": [boreas.certificate]}
    ours, theirs = await shaken(*memory_stream_pair(), atlas, boreas, **known)
    assert (ours[1], theirs[1]) == (boreas.id, atlas.id)
    refused, _ = await shaken(*memory_stream_pair(), atlas, stranger, **known)
    assert refused.fault == "certificate"
    assert str(refused).startswith("its certificate is not taken: ")


# --- those who do not ---


@pytest.mark.trio
async def test_a_wrong_pin_is_noticed_before_a_byte_is_read(nodes) -> None:
    atlas, boreas, villain = nodes("atlas"), nodes("boreas"), nodes("villain")
    ours, theirs = memory_stream_pair()
    accepted, refused = await tried(
        secure(theirs, server_side=True, identity=villain),
        secure(ours, server_side=False, identity=atlas, expected=boreas.id),
    )
    assert refused.fault == "pin"
    assert str(refused) == f"it is {villain.id}, and not {boreas.id} as expected"
    stream, _ = accepted
    with pytest.raises(trio.BrokenResourceError):  # all it ever gets is the end
        await stream.receive_some()
    with pytest.raises(trio.ClosedResourceError):
        await ours.receive_some()


@pytest.mark.trio
@pytest.mark.parametrize("issuer", [False, True])
async def test_the_key_that_is_everybodys_is_nobodys(nodes, tmp_path, issuer: bool) -> None:
    """As a leaf, or as the very certificate that others are checked against."""
    certificate = certificate_of(keys._ISSUER_KEY.public_key(), issuer=issuer)
    forged = of_key(tmp_path, keys._ISSUER_KEY, certificate)
    refused, _ = await shaken(*memory_stream_pair(), nodes("atlas"), forged)
    assert refused.fault == "certificate"
    # to OpenSSL the second is an authority, and the first is as good as any
    assert ("everybody's" in str(refused)) is not issuer


@pytest.mark.trio
async def test_a_certificate_without_its_key_is_of_no_use(nodes, tmp_path) -> None:
    """Certificates are shown to every peer, so anybody may have kept one."""
    kept, villain = nodes("boreas"), nodes("villain")
    certificate = keys.x509.load_der_x509_certificate(kept.certificate)
    forged = of_key(tmp_path, villain.key, certificate)
    with pytest.raises(ssl.SSLError, match=r"(?i)mismatch"):
        context(forged, frozenset(), server_side=False)


class Recording(trio.abc.Stream):
    """Keeps all that its owner sends."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream, self.sent = stream, b""
        self.wait_send_all_might_not_block = stream.wait_send_all_might_not_block
        self.receive_some, self.aclose = stream.receive_some, stream.aclose

    async def send_all(self, data: bytes) -> None:
        self.sent += bytes(data)
        await self.stream.send_all(data)

    async def receive_some(self, max_bytes: int | None = None) -> bytes: ...
    async def aclose(self) -> None: ...
    async def wait_send_all_might_not_block(self) -> None: ...


@pytest.mark.trio
async def test_a_handshake_that_was_recorded_is_of_no_use(nodes) -> None:
    atlas, boreas = nodes("atlas"), nodes("boreas")
    ours, theirs = memory_stream_pair()
    recorded = Recording(theirs)
    _, (stream, _) = await shaken(ours, recorded, atlas, boreas)
    await stream.send_all(b"a hundred coins for Boreas")
    ours, theirs = memory_stream_pair()
    await theirs.send_all(recorded.sent)
    (refused,) = await tried(secure(ours, server_side=True, identity=atlas))
    assert refused.fault == "refused"


@pytest.mark.trio
async def test_an_answer_in_plaintext_ends_it(nodes) -> None:
    ours, theirs = memory_stream_pair()
    await theirs.send_all(b"RIVERWOOD\n")
    (refused,) = await tried(secure(ours, server_side=False, identity=nodes("atlas")))
    assert refused.fault == "plaintext"
    assert str(refused) == "it answered in plaintext; a link is never weakened to that"


@pytest.mark.trio
@pytest.mark.parametrize(
    ("garbage", "fault"),
    [
        (b"\x16" + b"\0" * 20_000, "refused"),
        (b"\x16\x03\x01\x00\x05hello", "refused"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "refused"),
        (b"\x16\x03\x01", "closed"),
        (b"", "closed"),
    ],
)
async def test_garbage(nodes, garbage: bytes, fault: str) -> None:
    ours, theirs = memory_stream_pair()
    await theirs.send_all(garbage)
    await theirs.send_eof()
    (refused,) = await tried(secure(ours, server_side=True, identity=nodes("atlas")))
    assert refused.fault == fault
    assert len(str(refused).splitlines()) == 1


def others_context(**changed) -> ssl.SSLContext:
    """A client of another program."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    for name, value in changed.items():
        setattr(made, name, value)
    return made


@pytest.mark.trio
@pytest.mark.parametrize("old", [False, True])
async def test_a_client_of_another_program(nodes, old: bool) -> None:
    """Without a certificate, and with an older TLS."""
    rules = others_context(maximum_version=ssl.TLSVersion.TLSv1_2) if old else others_context()
    ours, theirs = memory_stream_pair()
    client = trio.SSLStream(theirs, rules)

    async def dial() -> None:
        with pytest.raises(trio.BrokenResourceError):  # noqa: PT012
            await client.do_handshake()
            await client.receive_some()

    refused, _ = await tried(secure(ours, server_side=True, identity=nodes("atlas")), dial())
    assert refused.fault == "refused"


@pytest.mark.trio
async def test_a_node_that_speaks_something_else(nodes) -> None:
    ours, theirs = memory_stream_pair()
    rules = others_context()
    rules.load_cert_chain(nodes("boreas").key_file)
    rules.set_alpn_protocols(["h2"])
    client = trio.SSLStream(theirs, rules)
    refused, _ = await tried(
        secure(ours, server_side=True, identity=nodes("atlas")), client.do_handshake()
    )
    assert refused.fault == "alpn"
    assert str(refused) == f"it does not speak {ALPN}"


@pytest.mark.trio
@pytest.mark.parametrize("server_side", [True, False])
async def test_one_who_takes_his_time(nodes, autojump_clock, server_side: bool) -> None:
    """A byte now and then keeps no place."""
    ours, theirs = memory_stream_pair()

    async def drip() -> None:
        for byte in b"\x16\x03\x01\x02\x00":
            await theirs.send_all(bytes([byte]))
            await trio.sleep(1)

    (refused, _) = await tried(
        secure(ours, server_side=server_side, identity=nodes("atlas")), drip()
    )
    assert refused.fault == "slow"
    assert trio.current_time() >= HANDSHAKE_S_MAX
    with pytest.raises(trio.ClosedResourceError):
        await ours.receive_some()


@pytest.mark.trio
async def test_cancelled_it_leaves_nothing_open(nodes, nursery) -> None:
    ours, theirs = memory_stream_pair()
    nursery.start_soon(lambda: secure(ours, server_side=True, identity=nodes("atlas")))
    await wait_all_tasks_blocked()
    nursery.cancel_scope.cancel()
    with trio.CancelScope(shield=True):
        assert await theirs.receive_some() == b""
