"""Ids as people type them, certificates, charters; and what must hold of whoever reads them.

Used by `tools.fuzz` and by tests of identity.
"""

import base64
import contextlib
import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from city_node.identity.keys import (
    CertificateError,
    chartered_key,
    id_of_certificate,
    issuer_certificate,
)
from city_node.identity.node_id import ALPHABET, node_id, one_of, read_id

ids = st.binary(max_size=50).map(node_id)


def every_wrong_letter_is_caught(shown: str, place: int, letter: str) -> None:
    """No single typo makes one id of another."""
    letters = shown.replace("-", "")
    wrong = letters[:place] + letter + letters[place + 1 :]
    try:
        assert read_id("trust", wrong) == shown
        assert wrong == letters
    except ValueError as error:
        said = f"trust = '{wrong}': there is a typo in "
        assert str(error).startswith(said), error  # noqa: PT017


def what_is_typed_is_an_id_or_one_clear_line(text: str, known: list[str]) -> None:
    """Whatever it is."""
    try:
        meant = one_of("trust", text, known)
    except ValueError as error:
        assert re.fullmatch("trust = .*: .*", str(error))  # noqa: PT017
    else:
        assert meant == read_id("id", meant)


def no_certificate_is_an_accident(der: bytes, place: int, byte: int) -> None:
    """A certificate with one byte changed is of some key, or refused in one clear line."""
    changed = der[:place] + bytes([byte]) + der[place + 1 :]
    with contextlib.suppress(CertificateError):
        node = id_of_certificate(changed)
        assert read_id("id", node) == node


def a_charter_is_its_citys(shown: str) -> None:
    """Nothing but a charter is one."""
    assert chartered_key("A", "RIVERWOOD@ATLAS", shown) is None


IDENTITY: dict[Callable[..., None], tuple[st.SearchStrategy[Any], ...]] = {
    every_wrong_letter_is_caught: (ids, st.integers(0, 55), st.sampled_from(ALPHABET)),
    what_is_typed_is_an_id_or_one_clear_line: (
        st.one_of(st.text(max_size=80), ids),
        st.lists(ids, max_size=3),
    ),
    no_certificate_is_an_accident: (
        st.one_of(st.just(issuer_certificate()), st.binary(max_size=400)),
        st.integers(0, 400),
        st.integers(0, 255),
    ),
    a_charter_is_its_citys: (
        st.one_of(
            st.text(max_size=140),
            st.binary(max_size=100).map(lambda raw: base64.b64encode(raw).decode()),
        ),
    ),
}
"""Each property with what it is given."""
