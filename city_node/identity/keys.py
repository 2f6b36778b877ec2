"""Who a node is: one Ed25519 key a world, its certificate, and the keys its cities sign with.

A node's certificate is signed by a key that anybody can derive from `WELL_FORMED`: that means only
"well-formed", and makes both sides of a connection receive the other's certificate (`tls`). Who is
trusted is nobody's business here. Called by `tls`, `link` and `node`; imports `cryptography`, so
only where keys are needed.
"""

import base64
import datetime
import hashlib
import os
import re
import stat
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from city_node.durability.shelf import sync_folder
from city_node.errors import ConfigError
from city_node.identity.node_id import node_id
from city_node.identity.trust import KEY_FILE, Trusted, enter_own, home_folder

WELL_FORMED = b"city-node/2: this certificate is well-formed, and nothing more is promised"
"""The public key of all certificates is derived from this text: its SHA-256 is the private key."""

KEY_FILE_BYTES_MAX = 16_384

VALID_FROM = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
VALID_TO = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
"""Always: a node whose clock is wrong is still the node it is."""

_ISSUER_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(WELL_FORMED).digest())
_ROTATION = re.compile(rb"^Rotation: ([A-Za-z0-9+/=]+)$", re.MULTILINE)
"""A line of the key's file, which readers of PEM pass over."""

_ISSUER_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "city-node/2 well-formed")])


@dataclass(frozen=True, eq=False)
class Identity:
    """A node's own.

    Attributes:
        id: as people see it.
        certificate: DER; what others may keep to know it again.
        key_file: PEM of private key and certificate, as OpenSSL reads them.
        key: the private key.
        rotations: how the key has changed, the newest last, as `rotation` makes and reads them.
    """

    id: str
    certificate: bytes
    key_file: Path
    key: Ed25519PrivateKey
    rotations: tuple[str, ...] = ()


class CertificateError(ValueError):
    """A certificate that no node of good faith shows."""


def identity_in(folder: Path) -> Identity:
    """The identity that lies in a folder, which the caller has to himself; a new one where there is
    none.

    Raises:
        ConfigError: its file can be read by others, is damaged, or cannot be read or made.
    """
    path = folder / KEY_FILE
    try:
        if not path.exists():
            write_key(path, Ed25519PrivateKey.generate())
        pem = _read_private(path)
    except OSError as error:
        raise ConfigError(f"{KEY_FILE} = '{path}': {error.strerror}") from None
    try:
        key = load_pem_private_key(pem, password=None)
        certificate = x509.load_pem_x509_certificate(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(f"{KEY_FILE} = '{path}': damaged; restore it from a copy") from None
    if not isinstance(key, Ed25519PrivateKey) or key.public_key() != certificate.public_key():
        raise ConfigError(f"{KEY_FILE} = '{path}': key and certificate do not belong together")
    der = certificate.public_bytes(Encoding.DER)
    rotations = tuple(each.decode() for each in _ROTATION.findall(pem))
    return Identity(id_of_certificate(der), der, path, key, rotations)


def introduce(identity: Identity, node: str, now_s: float) -> None:
    """Let the user's other nodes trust this one from now on.

    Args:
        node: the node's name, for people.
        now_s: Unix time.

    Raises:
        ConfigError: the user's home of trust cannot be used.
    """
    world = str(identity.key_file.parent.resolve())
    own = Trusted(identity.id, node, now_s, identity.certificate, world=world)
    enter_own(home_folder(), own)


def write_key(path: Path, key: Ed25519PrivateKey, rotations: Sequence[str] = ()) -> None:
    """Write a key, and how it came after others, whole or not at all; durable on return, since
    whoever has met a node under a key must meet it again under that."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem += certificate_of(key.public_key()).public_bytes(Encoding.PEM)
    pem += b"".join(b"Rotation: %s\n" % each.encode() for each in rotations)
    unfinished = path.with_name(f".{path.name}")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    sync_folder(path.parent)


def _read_private(path: Path) -> bytes:
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077:
            raise ConfigError(
                f"{KEY_FILE} = '{path}': mode {mode:03o} lets others read it, must be 600; "
                f"if nobody has: chmod 600 '{path}'"
            )
        if found.st_uid != os.geteuid():
            raise ConfigError(f"{KEY_FILE} = '{path}': belongs to another user")
        return file.read(KEY_FILE_BYTES_MAX)


# --- certificates ---


def certificate_of(public: Ed25519PublicKey, *, issuer: bool = False) -> x509.Certificate:
    """The certificate of a key; it follows from the key alone.

    Args:
        issuer: that of the public key which signs them all.
    """
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node_id(spki))])
    builder = (
        x509.CertificateBuilder()
        .issuer_name(_ISSUER_NAME)
        .subject_name(_ISSUER_NAME if issuer else name)
        .public_key(public)
        .serial_number(int.from_bytes(hashlib.sha256(spki).digest()[:16]) >> 1 | 1)
        .not_valid_before(VALID_FROM)
        .not_valid_after(VALID_TO)
        .add_extension(x509.BasicConstraints(ca=issuer, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=issuer), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(  # strict verification, the default of later Pythons, insists on both
            x509.AuthorityKeyIdentifier.from_issuer_public_key(_ISSUER_KEY.public_key()),
            critical=False,
        )
    )
    return builder.sign(_ISSUER_KEY, None)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def issuer_certificate() -> bytes:
    """DER of the certificate that all others are checked against."""
    return certificate_of(_ISSUER_KEY.public_key(), issuer=True).public_bytes(Encoding.DER)


def id_of_certificate(der: bytes) -> str:
    """The id of the node that a certificate belongs to.

    Raises:
        CertificateError: as of `key_of_certificate`.
    """
    return id_of_key(key_of_certificate(der))


def id_of_key(public: bytes) -> str:
    """The id of the node that has this public key, 32 bytes."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return node_id(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def key_of_certificate(der: bytes) -> bytes:
    """The public key of a certificate, 32 bytes.

    Raises:
        CertificateError: unreadable, of another kind of key, or of the key that is everybody's.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # what is odd but readable is no matter
            public = x509.load_der_x509_certificate(der).public_key()
    except Exception:  # the library has more kinds of errors for these than it documents
        raise CertificateError("its certificate cannot be read") from None
    if not isinstance(public, Ed25519PublicKey):
        raise CertificateError("its key is not Ed25519")
    if public == _ISSUER_KEY.public_key():
        raise CertificateError("its key is the one that signs all certificates, and everybody's")
    return public.public_bytes_raw()


# --- what cities sign ---


def city_key(identity: Identity, city: str) -> Ed25519PrivateKey:
    """The key a city signs with: derived from the node's, so that there is one secret to keep.

    Args:
        city: its full name; case does not matter.
    """
    secret = HKDF(hashes.SHA256(), 32, salt=None, info=b"city-node/2 city " + _folded(city))
    return Ed25519PrivateKey.from_private_bytes(secret.derive(identity.key.private_bytes_raw()))


def sign(key: Ed25519PrivateKey, purpose: str, data: bytes) -> bytes:
    """Sign, for one purpose ("charter", "statement"): 64 bytes that are good for no other."""
    return key.sign(_signed(purpose, data))


def is_signed(public: bytes, purpose: str, data: bytes, signature: bytes) -> bool:
    """Whether a signature was made for this purpose by the key whose 32 public bytes these are."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _signed(purpose, data))
    except (InvalidSignature, ValueError):
        return False
    return True


def _signed(purpose: str, data: bytes) -> bytes:
    return b"city-node/2 " + purpose.encode() + b"\0" + data


def _folded(city: str) -> bytes:
    return city.casefold().encode()


def charter(identity: Identity, city: str) -> str:
    """What a city shows of itself: its public key, and its word that it belongs to this node.

    Args:
        city: its full name; case does not matter.

    Returns:
        128 characters: base64 of the 32 bytes of the key and the 64 of the signature.
    """
    key = city_key(identity, city)
    signature = sign(key, "charter", _chartered(identity.id, city))
    return base64.b64encode(key.public_key().public_bytes_raw() + signature).decode()


def chartered_key(peer_id: str, city: str, shown: str) -> bytes | None:
    """The public key of a peer's city, 32 bytes; None if its charter is not of its own making, or
    says that it belongs to another node or is another city.

    Args:
        peer_id: proved by TLS.
    """
    try:
        raw = base64.b64decode(shown, validate=True)
    except ValueError:
        return None
    public, signature = raw[:32], raw[32:]
    return public if is_signed(public, "charter", _chartered(peer_id, city), signature) else None


def _chartered(peer_id: str, city: str) -> bytes:
    return peer_id.encode() + b"\0" + _folded(city)
