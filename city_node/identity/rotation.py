"""How a node changes its key and stays the node it is: the new key is vouched for by both.

A rotation is signed by the former key and by the new one; a hello shows the newest, and whoever
knows the node by a former key goes on with it under the new one. Called by `conversation` and by
the verb `rotate`.
"""

import base64
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from city_node.errors import ConfigError
from city_node.identity.keys import (
    Identity,
    id_of_key,
    identity_in,
    is_signed,
    key_of_certificate,
    sign,
    write_key,
)
from city_node.identity.trust import KEY_FILE
from protocol.limits import ROTATIONS_MAX

KEY_BYTES, SIGNATURE_BYTES = 32, 64


def rotated(identity: Identity) -> Identity:
    """The identity with a new key; the file of the old one is replaced.

    Raises:
        ConfigError: it cannot be written.
    """
    new = Ed25519PrivateKey.generate()
    former = identity.key.public_key().public_bytes_raw()
    both = former + new.public_key().public_bytes_raw()
    signatures = sign(identity.key, "rotation", both) + sign(new, "rotation", both)
    latest = base64.b64encode(former + signatures).decode()
    rotations = [*identity.rotations, latest][-ROTATIONS_MAX:]
    try:
        write_key(identity.key_file, new, rotations)
    except OSError as error:
        raise ConfigError(f"{KEY_FILE} = '{identity.key_file}': {error.strerror}") from None
    return identity_in(identity.key_file.parent)


def former_ids(certificate: bytes, rotations: Sequence[str]) -> list[str] | None:
    """The ids a node has had, the newest first; None if a rotation is not signed by both keys.

    Args:
        certificate: DER, proved by TLS: of the key that the last rotation leads to.
    """
    if not rotations:
        return []
    after = key_of_certificate(certificate)
    found = [id_of_key(after)]
    for shown in reversed(rotations):
        try:
            raw = base64.b64decode(shown, validate=True)
        except ValueError:
            return None
        former, signatures = raw[:KEY_BYTES], raw[KEY_BYTES:]
        by_former, by_new = signatures[:SIGNATURE_BYTES], signatures[SIGNATURE_BYTES:]
        both = former + after
        if not (
            is_signed(former, "rotation", both, by_former)
            and is_signed(after, "rotation", both, by_new)
        ):
            return None
        found.append(id_of_key(former))
        after = former
    return found[1:] if len(set(found)) == len(found) else None
