"""Numbers and lines read by kernels: equal to Python's own reading, or left to others."""

import json
import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numba import njit

from merchants.decimals import read_number
from merchants.lines import read_columns
from protocol.bulk import BulkDecoder
from protocol.events import Merchants, Refused
from protocol.messages import Merchant, encode_merchant

GOODS = ("bed", "chair")


@njit
def number_in(text):
    return read_number(text, 0)


def read(text: str) -> tuple[float, int]:
    return number_in(np.frombuffer(text.encode() + b"\n", np.uint8))


def bits(value: float) -> bytes:
    return struct.pack("d", value)


def halves(mantissa: int, power: int) -> str:
    """The decimal of (2 x mantissa + 1) x 2**-power, half way between two doubles."""
    digits = str((2 * mantissa + 1) * 5**power)
    return f"{digits}e-{power}"


texts = st.one_of(
    st.floats(1e-30, 1e20).map(repr),
    st.floats(-100, 100).map(repr),
    st.builds("{}e{}".format, st.integers(0, 10**19 - 1), st.integers(-64, 22)),
    st.builds("{}.{:017}".format, st.integers(0, 99), st.integers(0, 10**17 - 1)),
    st.builds(halves, st.integers(2**52, 2**53 - 1), st.integers(0, 4)),
)


@given(texts)
@example("9007199254740993")
@example("0.000001")
@example("0e5")
def test_a_number_read_is_the_nearest_double(text: str) -> None:
    value, end = read(text)
    if end >= 0:
        assert end == len(text)
        assert bits(value) == bits(float(text))
    else:
        digits = text.lstrip("-").split("e")[0].replace(".", "").lstrip("0")
        assert len(digits) > 19 or float(text) == 0 or abs(float(text)) < 1e-40 or "e" in text


@given(st.floats(1e-6, 1e9))
def test_what_a_program_prints_is_read(value: float) -> None:
    text = json.dumps(value)
    assert read(text) == (value, len(text))


@pytest.mark.parametrize(
    "text",
    ["", "-", "01", "-01", "1.", ".5", "1e", "1e+", "-0", "-0.0", "1e1234", "1e23", "+1", "9" * 20],
)
def test_what_is_none_or_odd_is_left_to_others(text: str) -> None:
    assert read(text)[1] == -1


@pytest.mark.parametrize("text", ["nan", "1_0", "0x1", "1,5"])
def test_a_number_ends_where_it_ends(text: str) -> None:
    assert read(text)[1] in (-1, 1)


def test_a_block_is_read_at_once_or_not_at_all() -> None:
    merchant = Merchant(
        money_minor=150_000_001, good="bed", capacity=20, expected_prices={"chair": {"A": 0.1}}
    )
    line = encode_merchant(merchant)
    decoder = BulkDecoder(GOODS, read_columns)
    list(decoder.decode(line))
    found = read_columns(line * 1_000, [line] * 1_000, decoder._names)
    assert found is not None
    merchants, named = found
    assert isinstance(merchants, Merchants)
    assert list(merchants) == [merchant] * 1_000
    assert named == {"bed", "chair"}
    for odd in (b"{}\n", b"\n", line[:-2] + b"\n", line.replace(b"20", b"0"), line[1:]):
        assert read_columns(line * 3 + odd + line, [line] * 5, decoder._names) is None


@pytest.mark.parametrize("money", ["0", "100000000000000", "100000000000001", "5.0", "-1", "05"])
def test_between_nodes_money_is_counted(money: str) -> None:
    good = b'{"MoneyMinor":7,"BuysSells":"bed","CarryingCapacity":2}'
    line = good.replace(b"7", money.encode())
    slow, quick = BulkDecoder(GOODS, in_minor=True), BulkDecoder(GOODS, read_columns, in_minor=True)
    for decoder in (slow, quick):
        list(decoder.decode_each([good]))
    expected = list(slow.decode_each([good, line, good]))
    assert read_columns(good + b"\n", [good], quick._names) is not None
    found = list(quick.decode_each([good, line, good]))
    assert [type(event) for event in found] == [type(event) for event in expected]
    pairs = zip(expected, found, strict=True)
    assert all(
        list(one) == list(other) if isinstance(one, Merchants) else one == other
        for one, other in pairs
    )


def test_a_record_is_one_line_whatever_newline_it_holds() -> None:
    line = b'{"MoneyMinor":7,"BuysSells":"bed","CarryingCapacity":2}'
    decoder = BulkDecoder(GOODS, read_columns, in_minor=True)
    list(decoder.decode_each([line]))
    (whole,) = decoder.decode_each([line.replace(b":", b":\n", 1), line])
    assert isinstance(whole, Merchants)
    assert [merchant.money_minor for merchant in whole] == [7, 7]
    assert [type(event) for event in decoder.decode_each([line + b"\n" + line])] == [Refused]
