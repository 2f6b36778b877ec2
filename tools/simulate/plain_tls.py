"""What TLS would prove, said in plain: each side shows its certificate, and is believed.

Stands in for `city_node.identity.tls.secure` on simulated streams, which lie above TLS. A peer's
certificate is that of its node, because nobody here lies; those who do are met by real nodes, in
tests.
"""

import functools
from collections.abc import Collection

import trio

from city_node.identity.keys import Identity, id_of_certificate
from city_node.identity.tls import HANDSHAKE_S_MAX, TLS_FIRST_BYTE, PeerError
from tools.simulate.streams import End

LENGTH_BYTES = 2

known_id = functools.lru_cache(maxsize=4_096)(id_of_certificate)


async def secure(
    stream: End,
    *,
    server_side: bool,
    identity: Identity,
    expected: str | None = None,
    anchors: Collection[bytes] = (),
) -> tuple[End, str]:
    """As `tls.secure`; the dialler shows his certificate first.

    Raises:
        PeerError: no link, and why; the stream is closed.
    """
    size = len(identity.certificate).to_bytes(LENGTH_BYTES)
    shown = (b"" if server_side else TLS_FIRST_BYTE) + size + identity.certificate
    try:
        with trio.fail_after(HANDSHAKE_S_MAX):
            if not server_side:
                await stream.send_all(shown)
            elif (first := await _exactly(stream, 1)) != TLS_FIRST_BYTE:
                raise PeerError("plaintext", f"it began with {first!r}")
            length = int.from_bytes(await _exactly(stream, LENGTH_BYTES))
            stream.certificate = await _exactly(stream, length)
            if server_side:
                await stream.send_all(shown)
        peer_id = known_id(stream.certificate)
        if expected is not None and peer_id != expected:
            raise PeerError("pin", f"it is {peer_id}, and not {expected} as expected")
        if anchors and stream.certificate not in anchors:
            raise PeerError("certificate", "its certificate is not taken")
    except BaseException as error:
        await trio.aclose_forcefully(stream)
        match error:
            case trio.TooSlowError():
                raise PeerError("slow", f"no TLS within {HANDSHAKE_S_MAX:g} s") from None
            case trio.BrokenResourceError() | trio.ClosedResourceError():
                raise PeerError("closed", "it closed while shaking hands") from None
        raise
    return stream, peer_id


async def _exactly(stream: End, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = await stream.receive_some(count - len(data))
        if not more:
            raise trio.BrokenResourceError
        data += more
    return data
