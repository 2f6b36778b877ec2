"""Links nobody can listen to, between nodes that know who the other is: TLS 1.3, both sides.

The standard library has no callback for certificates one would take although no authority signed
them; so every certificate is signed by a public key (`keys`), both sides receive the other's,
and its id is checked here before one byte of application data is read. In TLS 1.3 who dials is
done before the other side has looked at his certificate: a link counts as up at welcome, not when
`secure` returns. Called by `link`; streams may be sockets or memory.
"""

import functools
import ssl
from collections.abc import Collection
from typing import Literal

import trio

from city_node.identity.keys import (
    CertificateError,
    Identity,
    id_of_certificate,
    issuer_certificate,
)

ALPN = "city-node/2"

HANDSHAKE_S_MAX = 5.0
"""Three round trips of the slowest line, and a busy peer."""

TLS_FIRST_BYTE = b"\x16"
"""Of every ClientHello, and of no city's name."""

TLS_BYTES = range(0x14, 0x18)
"""First bytes of TLS records: what an answer in TLS may begin with."""

Fault = Literal["slow", "plaintext", "refused", "closed", "certificate", "pin", "alpn"]


class PeerError(Exception):
    """A peer with whom no link came about; the stream is closed.

    Attributes:
        fault: what it did, for those who count.
    """

    def __init__(self, fault: Fault, line: str) -> None:
        super().__init__(line)
        self.fault = fault


@functools.lru_cache(maxsize=16)
def context(identity: Identity, anchors: frozenset[bytes], *, server_side: bool) -> ssl.SSLContext:
    """The rules of TLS for one side.

    Built directly: the library's default context would also read the machine's own authorities
    and SSLKEYLOGFILE.

    Args:
        anchors: certificates, DER, of the only peers to speak with; none: any well-formed one.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False  # ids, not names, are checked
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    made.set_alpn_protocols([ALPN])
    if server_side:
        made.num_tickets = 0  # resumption would leave the certificate out
    for der in anchors or (issuer_certificate(),):
        made.load_verify_locations(cadata=der)
    made.load_cert_chain(identity.key_file)
    return made


async def secure(
    stream: trio.abc.Stream,
    *,
    server_side: bool,
    identity: Identity,
    expected: str | None = None,
    anchors: Collection[bytes] = (),
) -> tuple["trio.SSLStream[Transport]", str]:
    """Shake hands, and find out who is there.

    Args:
        expected: the id the peer must have; None: any.
        anchors: certificates, DER, of the only peers to speak with; none: any well-formed one.

    Returns:
        The secured stream, of which nothing has been read, and the peer's id.

    Raises:
        PeerError: no link, and why; the stream is closed.
    """
    transport = Transport(stream)
    rules = context(identity, frozenset(anchors), server_side=server_side)
    secured = trio.SSLStream(transport, rules, server_side=server_side)
    try:
        with trio.fail_after(HANDSHAKE_S_MAX):
            await secured.do_handshake()
        peer_id = _check(secured, expected)
    except BaseException as error:
        await trio.aclose_forcefully(stream)
        match error:
            case trio.TooSlowError():
                raise PeerError("slow", f"no TLS within {HANDSHAKE_S_MAX:g} s") from None
            case trio.BrokenResourceError() | trio.ClosedResourceError() | OSError():
                raise _told(error, transport.first) from None
            case CertificateError():
                raise PeerError("certificate", str(error)) from None
        raise
    return secured, peer_id


def _check(secured: "trio.SSLStream[Transport]", expected: str | None) -> str:
    certificate = secured.getpeercert(binary_form=True)
    if not certificate:
        raise PeerError("certificate", "it showed no certificate")
    peer_id = id_of_certificate(certificate)
    if expected is not None and peer_id != expected:
        raise PeerError("pin", f"it is {peer_id}, and not {expected} as expected")
    if secured.selected_alpn_protocol() != ALPN:
        raise PeerError("alpn", f"it does not speak {ALPN}")
    return peer_id


def _told(error: BaseException, first: bytes) -> PeerError:
    """What a broken handshake means."""
    why = error.__cause__
    if first and first[0] not in TLS_BYTES:
        return PeerError("plaintext", "it answered in plaintext; a link is never weakened to that")
    if isinstance(why, ssl.SSLCertVerificationError):
        return PeerError("certificate", f"its certificate is not taken: {why.verify_message}")
    if isinstance(why, ssl.SSLError) and why.reason and not isinstance(why, ssl.SSLEOFError):
        return PeerError("refused", f"no TLS: {why.reason.lower().replace('_', ' ')}")
    return PeerError("closed", "it closed while shaking hands")


class Transport(trio.abc.Stream):
    """A stream that remembers the first byte it heard."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.first = b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As the stream does it."""
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream does it."""
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As the stream does it."""
        data = await self.stream.receive_some(max_bytes)
        self.first = self.first or bytes(data[:1])
        return data

    async def aclose(self) -> None:
        """As the stream does it."""
        await self.stream.aclose()
