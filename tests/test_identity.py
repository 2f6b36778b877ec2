"""Node ids as people type them, keys as they lie in a file, and what cities sign with them."""

import base64
import hashlib
import os
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as other_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import example, given
from hypothesis import strategies as st

from city_node.errors import ConfigError
from city_node.identity.keys import (
    charter,
    chartered_key,
    city_key,
    id_of_certificate,
    identity_in,
    is_signed,
    issuer_certificate,
    sign,
)
from city_node.identity.node_id import ID_LETTERS, node_id, one_of, read_id
from city_node.identity.trust import KEY_FILE
from tools.fuzz import identity as fuzz

ISSUER = "68d8f9efadd13336810fcb93822b7c9914b5e16c1cbb60fff426ea8a874395d8"


# --- ids ---


OF_SYNCTHING = "P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-XZWICQ2"
"""A device id from its own tests."""


def test_an_id_is_written_as_syncthing_writes_its_own() -> None:
    assert read_id("id", OF_SYNCTHING) == OF_SYNCTHING
    letters = node_id(b"a public key").replace("-", "")
    digest = "".join(letters[at : at + 13] for at in range(0, ID_LETTERS, 14))
    assert base64.b32decode(digest + "====") == hashlib.sha256(b"a public key").digest()


@given(fuzz.ids, st.randoms())
def test_an_id_is_read_however_it_is_typed(shown: str, chance: random.Random) -> None:
    assert read_id("id", shown) == shown
    typed = "".join(letter.lower() if chance.random() < 0.5 else letter for letter in shown)
    typed = typed.replace("-", chance.choice(["", " ", "--", "\t"]))
    typed = typed.replace("O", "0").replace("i", "1").replace("B", "8")
    assert read_id("id", typed) == shown


@given(*fuzz.IDENTITY[fuzz.every_wrong_letter_is_caught])
def test_every_wrong_letter_is_caught(shown: str, place: int, letter: str) -> None:
    fuzz.every_wrong_letter_is_caught(shown, place, letter)


@given(*fuzz.IDENTITY[fuzz.what_is_typed_is_an_id_or_one_clear_line])
def test_what_is_typed_is_an_id_or_one_clear_line(text: str, known: list[str]) -> None:
    fuzz.what_is_typed_is_an_id_or_one_clear_line(text, known)


def test_the_beginning_of_an_id() -> None:
    one, other = node_id(b"1"), node_id(b"2")
    assert one_of("trust", one[:7], [one, other]) == one
    assert one_of("trust", one[:20].lower(), [one, other]) == one
    assert one_of("trust", other, [one]) == other  # all of it: need not be known
    for text, known, why in (
        (one[:6], [one], "must have at least 7 letters"),
        (one[:8], [other], "no known id begins so, type all of it"),
        (one[:8], [one, one[:9] + other[9:]], "2 ids begin so, type more of it"),
        (one + "A", [one], "must have 56 letters, has 57"),
        ("ABCDEF!", [one], "'!' is in no id, only A-Z and 2-7 are"),
    ):
        with pytest.raises(ValueError, match=why):
            one_of("trust", text, known)


# --- the key in its file ---


def test_one_folder_one_identity(tmp_path) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    one, other = map(identity_in, folders)
    assert one.id != other.id
    again = identity_in(folders[0])
    assert (again.id, again.certificate) == (one.id, one.certificate)
    assert id_of_certificate(one.certificate) == one.id
    assert [path.name for path in folders[0].iterdir()] == [KEY_FILE]
    assert (folders[0] / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_a_new_key_outlives_a_loss_of_power(tmp_path, monkeypatch) -> None:
    """File and name are synced, in this order."""
    synced = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_ino))
    identity_in(tmp_path)
    assert synced == [(tmp_path / KEY_FILE).stat().st_ino, tmp_path.stat().st_ino]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_is_not_used(tmp_path, mode: int) -> None:
    identity_in(tmp_path)
    (tmp_path / KEY_FILE).chmod(mode)
    with pytest.raises(ConfigError, match=f"mode {mode:o} lets others read it, must be 600"):
        identity_in(tmp_path)


def foreign_pem(folder: Path) -> bytes:
    """The key of one node with the certificate of another."""
    pems = []
    for name in ("one", "other"):
        (folder / name).mkdir()
        identity_in(folder / name)
        pems.append((folder / name / KEY_FILE).read_bytes())
    end = b"-----END PRIVATE KEY-----\n"
    return pems[0].partition(end)[0] + end + pems[1].partition(end)[2]


def other_pem(folder: Path) -> bytes:
    """A key of another kind."""
    identity_in(folder)
    pem = (folder / KEY_FILE).read_bytes().partition(b"-----BEGIN CERTIFICATE")
    key = other_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key + pem[1] + pem[2]


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (lambda _: b"", "damaged; restore it from a copy"),
        (lambda _: b"\0" * 100_000, "damaged; restore it from a copy"),
        (foreign_pem, "key and certificate do not belong together"),
        (other_pem, "key and certificate do not belong together"),
    ],
)
def test_a_damaged_key_is_never_replaced(tmp_path, pem, why: str) -> None:
    path = tmp_path / "world" / KEY_FILE
    path.parent.mkdir(mode=0o700)
    damaged = pem(tmp_path)
    path.write_bytes(damaged)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=why):
        identity_in(path.parent)
    assert path.read_bytes() == damaged


def test_a_folder_that_cannot_be_written_to(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"^identity.key = .*No such file or directory$"):
        identity_in(tmp_path / "nowhere")


@given(*fuzz.IDENTITY[fuzz.no_certificate_is_an_accident])
@example(issuer_certificate(), 12, 1)  # of version 2, which does not exist
def test_no_certificate_is_an_accident(der: bytes, place: int, byte: int) -> None:
    fuzz.no_certificate_is_an_accident(der, place, byte)


# --- what cities sign ---


def test_a_charter_is_good_for_its_city_and_node_alone(tmp_path) -> None:
    (tmp_path / "other").mkdir()
    own, other = identity_in(tmp_path), identity_in(tmp_path / "other")
    shown = charter(own, "Riverwood@atlas")
    public = city_key(own, "RIVERWOOD@ATLAS").public_key().public_bytes_raw()
    assert chartered_key(own.id, "riverwood@ATLAS", shown) == public
    assert chartered_key(own.id, "Seaside@atlas", shown) is None
    assert chartered_key(other.id, "Riverwood@atlas", shown) is None
    forged = base64.b64encode(base64.b64decode(shown)[:-1] + b"x").decode()
    for wrong in ("", "?", "Å", shown[:64], shown + shown, forged):
        assert chartered_key(own.id, "Riverwood@atlas", wrong) is None


@given(st.binary(max_size=100))
def test_a_signature_is_good_for_one_purpose(data: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    public = key.public_key().public_bytes_raw()
    signature = sign(key, "statement", data)
    assert is_signed(public, "statement", data, signature)
    assert not is_signed(public, "charter", data, signature)
    assert not is_signed(public, "statement", data + b"x", signature)


def test_the_issuer_is_always_the_same() -> None:
    """Two builds of the program would not understand each other otherwise."""
    assert hashlib.sha256(issuer_certificate()).hexdigest() == ISSUER
