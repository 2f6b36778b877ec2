"""The process beside the measured one: a node that pours prepared offers, or migrates, through TLS.

Used by `node_wire`, which has the certificate and the offers from here too.
"""

import datetime
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Raw
from msgspec.structs import replace

from protocol.limits import FORGET_EVERY, LINE_BYTES_MAX, OFFERS_IN_FLIGHT_FIRST
from protocol.node_connection import hello_of
from protocol.node_lines import decode, encode
from protocol.node_messages import Accept, Commit, Credit, Done, Forget, Message, Offer, Welcome

FROM, TO = "SEASIDE@BOREAS", "RIVERWOOD@ATLAS"
IN_A_LINE = 100
"""Merchants: a line of 62 KB."""


def made_certificate(folder: Path) -> Path:
    """A key and a certificate for it, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a node")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = folder / "node.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    return path


def calling(certificate: str) -> ssl.SSLContext:
    """TLS for who dials; both sides have the same certificate here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.load_verify_locations(certificate)
    context.load_cert_chain(certificate)
    return context


def called(certificate: str) -> ssl.SSLContext:
    """TLS for who accepts: mutual."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate)
    context.load_cert_chain(certificate)
    return context


@contextmanager
def dialled(port: int, certificate: str) -> Iterator[tuple[ssl.SSLSocket, Any]]:
    """The other process's end: connected, and its lines as a file."""
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        calling(certificate).wrap_socket(plain) as stream,
        stream.makefile("rb", buffering=LINE_BYTES_MAX) as lines,
    ):
        yield stream, lines


def offers(records: list[bytes], count: int, first: int = 0) -> Iterator[Offer]:
    """So many merchants in full lines, numbered from `first`; `IN_A_LINE` divides both."""
    for xid in range(first, first + count, IN_A_LINE):
        place = xid % len(records)
        chunk = [*map(Raw, records[place : place + IN_A_LINE])]
        yield Offer(sender=FROM, receiver=TO, xids=[(xid, len(chunk))], merchants=chunk)


def greet(stream: ssl.SSLSocket, lines: Any) -> None:
    """Say and hear hello and welcome, as a node that dials."""
    hello = hello_of("boreas", "boot", [(FROM, "")])
    stream.sendall(encode([hello]))
    while not isinstance(decode(lines.readline()), Welcome):
        pass
    stream.sendall(encode([Welcome(version=2)]))


def pour(port: int, certificate: str, records: list[bytes], count: int) -> None:
    """Offer, whatever the answers."""
    data = [encode([offer]) for offer in offers(records, count)]
    with dialled(port, certificate) as (stream, lines):
        greet(stream, lines)
        for line in data:
            stream.sendall(line)


def migrate(port: int, certificate: str, records: list[bytes], count: int) -> None:
    """Offer as many as may be in flight, commit whom the other side accepts."""
    credit = OFFERS_IN_FLIGHT_FIRST
    ends, data = [], []
    for offer in offers(records, count):
        xid = offer.xids[0][0]
        few = IN_A_LINE if xid >= 10 * IN_A_LINE else 10  # while credit is small
        for start in range(0, IN_A_LINE, few):
            chunk = offer.merchants[start : start + few]
            part = replace(offer, xids=[(xid + start, few)], merchants=chunk)
            ends.append(xid + start + few)
            data.append(encode([part]))
    offered = done = told = 0
    with dialled(port, certificate) as (stream, lines):
        greet(stream, lines)
        while done < count:
            while offered < len(data) and ends[offered] <= credit:
                stream.sendall(data[offered])
                offered += 1
            said: list[Message] = []
            match decode(lines.readline()):
                case Accept(xids=xids):
                    said.append(Commit(sender=FROM, receiver=TO, xids=xids))
                case Credit(below=below):
                    credit = below
                case Done(xids=xids):
                    done += sum(size for _, size in xids)
            if done - told >= FORGET_EVERY:
                told = done
                said.append(Forget(sender=FROM, receiver=TO, below=done))
            stream.sendall(encode(said))


def pour_lines(port: int, certificate: str, data: bytes, times: int) -> None:
    """Merchants of the legacy wire, through the same TLS."""
    with dialled(port, certificate) as (stream, lines):
        for _ in range(times):
            stream.sendall(data)
        lines.readline()


def drain(port: int, certificate: str) -> None:
    """Greet and read until the end."""
    with dialled(port, certificate) as (stream, lines):
        greet(stream, lines)
        while stream.recv(LINE_BYTES_MAX):
            pass
