"""Node ids as people see them: a digest of the public key, in groups, each typo of which shows.

SHA-256 of the key's SPKI is written in base32 (RFC 4648, 52 letters), four times thirteen letters
and a check letter (Luhn modulo 32), in groups of seven with dashes, as Syncthing writes its device
ids. This one text of 63 characters is the id everywhere: in files, on the wire, in a log. Called by
`keys`, `trust`, `discovery` and the verbs; knows neither keys nor files.
"""

import base64
import hashlib
from collections.abc import Collection

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}

DIGEST_LETTERS = 52
PART_LETTERS = 13
"""Guarded by one check letter."""

GROUP_LETTERS = 7
ID_LETTERS = DIGEST_LETTERS + DIGEST_LETTERS // PART_LETTERS
PREFIX_LETTERS_MIN = GROUP_LETTERS
"""An id may be shortened to so many letters where only one is meant: 35 bits, so that nobody makes
a key in passing whose id begins like another's."""

_MISREAD = str.maketrans("018", "OIB")
"""What people type for what they see: base32 has none of these digits."""


def node_id(spki: bytes) -> str:
    """The id of a public key, DER of its SubjectPublicKeyInfo."""
    letters = base64.b32encode(hashlib.sha256(spki).digest()).decode().rstrip("=")
    parts = (letters[at : at + PART_LETTERS] for at in range(0, DIGEST_LETTERS, PART_LETTERS))
    return _grouped("".join(part + check_letter(part) for part in parts))


def check_letter(letters: str) -> str:
    """Luhn's check letter modulo 32, counted from the left as Syncthing does.

    It betrays every wrong letter, and of two that were swapped nearly every pair.
    """
    total = 0
    for place, letter in enumerate(letters):
        value = _VALUE[letter] * (1 + place % 2)
        total += value // 32 + value % 32
    return ALPHABET[-total % 32]


def read_id(field: str, text: str) -> str:
    """A whole id as somebody typed it: any case, with or without dashes and spaces.

    Raises:
        ValueError: one line with field, value and what is wrong.
    """
    letters = _letters(field, text)
    if len(letters) != ID_LETTERS:
        raise ValueError(f"{field} = {text!r}: must have {ID_LETTERS} letters, has {len(letters)}")
    _check_parts(field, text, letters)
    return _grouped(letters)


def one_of(field: str, text: str, known: Collection[str]) -> str:
    """The id that is meant: a whole one, which need not be known, or the beginning of one known.

    Raises:
        ValueError: one line with field, value and what is wrong: a typo, too short, none, several.
    """
    letters = _letters(field, text)
    if len(letters) >= ID_LETTERS:
        return read_id(field, text)
    if len(letters) < PREFIX_LETTERS_MIN:
        raise ValueError(f"{field} = {text!r}: must have at least {PREFIX_LETTERS_MIN} letters")
    _check_parts(field, text, letters)
    meant = [each for each in known if each.replace("-", "").startswith(letters)]
    if len(meant) > 1:
        raise ValueError(f"{field} = {text!r}: {len(meant)} ids begin so, type more of it")
    if not meant:
        raise ValueError(f"{field} = {text!r}: no known id begins so, type all of it")
    return meant[0]


def _letters(field: str, text: str) -> str:
    letters = "".join(text.upper().replace("-", "").split()).translate(_MISREAD)
    for letter in letters:
        if letter not in _VALUE:
            raise ValueError(f"{field} = {text!r}: {letter!r} is in no id, only A-Z and 2-7 are")
    return letters


def _check_parts(field: str, text: str, letters: str) -> None:
    """Refuse a part, of those that are whole, whose check letter is not its own."""
    size = PART_LETTERS + 1
    for at in range(0, len(letters) - size + 1, size):
        part = letters[at : at + size]
        if check_letter(part[:-1]) != part[-1]:
            raise ValueError(f"{field} = {text!r}: there is a typo in {_grouped(part)}")


def _grouped(letters: str) -> str:
    return "-".join(
        letters[at : at + GROUP_LETTERS] for at in range(0, len(letters), GROUP_LETTERS)
    )
