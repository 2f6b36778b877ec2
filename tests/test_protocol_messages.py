"""A merchant as a line: what is refused, what is cut, and that the fast path says the same."""

import json
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants.lines import read_columns
from protocol import bulk
from protocol.bulk import BulkDecoder
from protocol.checks import LineError, check_city_name
from protocol.events import Merchants, Refused, Returned
from protocol.limits import CITIES_MAX, LINE_BYTES_MAX, MINOR_PER_COIN
from protocol.messages import Merchant, decode_merchant, encode_merchant
from protocol.money import minor_units
from tools.fuzz import wire as fuzz

GOODS = ("bed", "chair", "thread", "wood")
EXACT = Context(prec=100, rounding=ROUND_FLOOR)


def line_with(**fields: Any) -> bytes:
    """A good line but for the fields given."""
    line = {
        "Money": 5,
        "BuysSells": "bed",
        "CarryingCapacity": 20,
        "Owned": 3,
        "ExpectedPrices": {"bed": {"RIVERWOOD": 12.5}},
    }
    return json.dumps(line | fields).encode() + b"\n"


def merchant_with(**fields: Any) -> Merchant:
    merchant = decode_merchant(line_with(), GOODS).merchant
    return msgspec.structs.replace(merchant, **fields)


@given(*fuzz.WIRE[fuzz.bulk_equals_careful])
def test_bulk_equals_careful(blocks: list[list[bytes]]) -> None:
    fuzz.bulk_equals_careful(blocks)


@given(*fuzz.WIRE[fuzz.merchants_survive_the_wire])
def test_merchants_survive_the_wire(merchant: Merchant) -> None:
    fuzz.merchants_survive_the_wire(merchant)


class TestMoney:
    @given(st.lists(st.floats(0, 1_000_000), max_size=5))
    def test_double_is_its_shortest_decimal_rounded_down(self, coins: list[float]) -> None:
        minor = [Decimal(repr(amount)) * MINOR_PER_COIN for amount in coins]
        column, dust_minor = minor_units(coins)
        assert column.tolist() == [int(amount) for amount in minor]
        assert dust_minor == pytest.approx(float(sum(amount % 1 for amount in minor)), abs=0.1)

    @given(st.integers(0, 10**15 - 1), st.integers(0, 15))
    def test_text_of_15_digits_is_exact(self, digits: int, decimals: int) -> None:
        text = EXACT.scaleb(Decimal(digits), -decimals)
        if text <= 1_000_000:
            exact = EXACT.multiply(text, Decimal(MINOR_PER_COIN))
            decoded = decode_merchant(line_with().replace(b"5", b"%a" % float(text), 1), GOODS)
            assert decoded.merchant.money_minor == int(exact)

    @given(st.integers(0, 10**14))
    def test_what_goes_out_comes_back(self, money_minor: int) -> None:
        column, dust_minor = minor_units([money_minor / MINOR_PER_COIN])
        assert (column[0], dust_minor) == (money_minor, 0)

    def test_dust_is_reported(self) -> None:
        decoded = decode_merchant(line_with(Money=0.123456789), GOODS)
        assert decoded.merchant.money_minor == 12_345_678
        assert decoded.dust_minor == pytest.approx(0.9)
        [event] = BulkDecoder(GOODS).decode(line_with(Money=0.123456789) * 2)
        assert isinstance(event, Merchants)
        assert event.dust_minor == pytest.approx(1.8)


class TestTraps:
    @pytest.mark.parametrize(
        "line",
        [
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b'{"ExpectedPrices":' + b"[" * 30_000 + b"}",
            b'{"BuysSells":"\xff"}',
            b"\xef\xbb\xbf" + line_with(),
            line_with().decode().encode("utf-16"),
            line_with().replace(b"20", b"9" * 5_000),
            line_with().replace(b"20", b"1" + b"0" * 4_000),
            line_with().replace(b"12.5", b"-1e400"),
            line_with().replace(b"12.5", b"Infinity"),
            line_with().replace(b'"Owned"', b'"Ow\x00ned"'),
            line_with(ExpectedPrices={"bed": {"\ud800": 1}}),
            line_with(ExpectedPrices={"be\u202ed": {}}),
            line_with(ExpectedPrices={"bed": {"X" * 65: 1}}),
            line_with(ExpectedPrices={"bed": {"A@B@C": 1}}),
            line_with(ExpectedPrices={"bed": {"A": True}}),
            line_with(ExpectedPrices=[]),
            line_with(Money=True),
            line_with(BuysSells="be\u0007d"),
            line_with(genome={"greed": None}),
            line_with(genome={f"trait {n}": 0 for n in range(65)}),
            line_with(ExpectedPrices={"bed": {f"C{n}": 1 for n in range(20_000)}}),
            line_with(ExpectedPrices={f"good {n}": {} for n in range(20_000)}),
            b"null",
            b"",
        ],
        ids=lambda line: repr(line[:30]),
    )
    def test_refused_with_one_short_reason(self, line: bytes) -> None:
        with pytest.raises(LineError) as caught:
            decode_merchant(line, GOODS)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 160

    def test_unknown_fields_are_ignored_however_many(self) -> None:
        line = line_with(**{f"field {n}": n for n in range(20_000)})
        assert decode_merchant(line, GOODS).merchant == merchant_with()

    def test_trait_beyond_its_range_is_clamped(self) -> None:
        line = line_with(genome={"greed": 10**400, "thrift": -0.5, "love": 0.25})
        assert decode_merchant(line, GOODS).merchant.genome == {
            "greed": 1.0,
            "thrift": 0.0,
            "love": 0.25,
        }

    @pytest.mark.parametrize("name", ["", "@ATLAS", "RIVERWOOD@", "A{", "A\n", "Å" * 33])
    def test_bad_city_names(self, name: str) -> None:
        with pytest.raises(LineError):
            check_city_name("name", name)

    @pytest.mark.parametrize("name", ["St. John's", "Å" * 32, "X" * 64 + "@" + "Y" * 64])
    def test_good_city_names(self, name: str) -> None:
        check_city_name("name", name)


class TestEncode:
    def test_what_is_not_finite_is_not_said(self) -> None:
        prices = {
            "bed": {"A": float("nan"), "B": 1.0, "C": float("inf"), "D": -2e9},
            "wood": {"A": float("nan")},
        }
        merchant = merchant_with(expected_prices=prices, genome={"greed": float("nan")})
        line = json.loads(encode_merchant(merchant))
        assert line["ExpectedPrices"] == {"bed": {"B": 1.0}}
        assert line["genome"] == {"greed": 0.0}

    @pytest.mark.parametrize(
        "fields",
        [
            {"expected_prices": {}},
            {"expected_prices": {"wood": {"A": 1.0}}},
            {"good": "thread"},
            {"good": ""},
            {"money_minor": -1},
            {"money_minor": 10**14 + 1},
            {"owned": 21},
            {"capacity": 0, "owned": 0},
            {"genome": dict.fromkeys(map(str, range(65)), 0.5)},
        ],
        ids=repr,
    )
    def test_who_must_not_be_sent(self, fields: dict[str, Any]) -> None:
        with pytest.raises(LineError):
            encode_merchant(merchant_with(**fields), goods={"bed", "chair"})

    def test_the_first_64_cities_travel(self) -> None:
        prices = {good: {f"C{n}": 1.0 for n in range(100)} for good in GOODS}
        line = encode_merchant(merchant_with(expected_prices=prices))
        heard = decode_merchant(line, GOODS).merchant.expected_prices
        assert heard == {good: {f"C{n}": 1.0 for n in range(64)} for good in GOODS}

    def test_a_line_is_never_too_long(self) -> None:
        prices = {str(good): {f"{n:0>60}": 1 / 3 for n in range(64)} for good in range(64)}
        with pytest.raises(LineError, match="65,536"):
            encode_merchant(merchant_with(expected_prices=prices))
        few = {good: prices[good] for good in list(prices)[:10]}
        assert len(encode_merchant(merchant_with(expected_prices=few))) < LINE_BYTES_MAX


class TestBulk:
    def test_columns(self) -> None:
        first = line_with(ExpectedPrices={"bed": {"B": 1}, "wood": {"a": 2}})
        second = line_with(BuysSells="wood", Owned=0, ExpectedPrices={"wood": {"B": 3}})
        decoder = BulkDecoder(GOODS, read_columns)
        for _ in range(2):  # carefully, then quickly
            [event] = decoder.decode(first + second)
            assert isinstance(event, Merchants)
            assert (event.goods, event.cities) == (GOODS, ("A", "B"))
            assert event.money_minor.tolist() == [500_000_000] * 2
            assert event.good.tolist() == [0, 3]
            assert event.capacity.tolist() == [20, 20]
            assert event.owned.tolist() == [3, 0]
            none = float("nan")
            expected = [none, 1, *[none] * 4, 2, none, *[none] * 6, none, 3]
            assert event.prices.tolist() == pytest.approx(expected, nan_ok=True)
            assert event.traits == ()
            assert list(event.lines) == [first, second]

    def test_columns_of_genes(self) -> None:
        decoder = BulkDecoder(GOODS, read_columns)
        for _ in range(2):
            [event] = decoder.decode(line_with(genome={"greed": 1, "b": 0}) + line_with())
            assert isinstance(event, Merchants)
            assert event.traits == ("b", "greed")
            none = float("nan")
            assert event.genes.tolist() == pytest.approx([0, 1, none, none], nan_ok=True)
            assert [merchant.genome for merchant in event] == [{"b": 0, "greed": 1}, None]

    @pytest.mark.parametrize(
        "line",
        [
            line_with(),
            line_with(genome={}),
            line_with(ExpectedPrices={"bed": {'ST. "X" \\ Y': 0.001234567890123456}}),
            line_with().replace(b" ", b""),
            line_with().replace(b" ", b"\t ").replace(b"\n", b"\r\n"),
            line_with(ExpectedPrices={"fur": {"SEASIDE": 3}, "wood": {"RIVERWOOD": 1}}),
            line_with(genome={"greed": 0.5}),
            line_with(ExpectedPrices={}),
        ],
    )
    def test_what_was_met_once_is_fast(self, line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        decoder = BulkDecoder(GOODS, read_columns)
        before = fuzz.flat(list(decoder.decode(line)))
        monkeypatch.setattr(bulk, "decode_merchant", None)
        assert fuzz.flat(list(decoder.decode(line * 3))) == before * 3

    def test_trait_names_are_checked_before_they_are_fast(self) -> None:
        decoder = BulkDecoder(GOODS, read_columns)
        list(decoder.decode(line_with(genome={"greed": 0.5})))
        [event] = decoder.decode(line_with(genome={"gr\u0007eed": 0.5}))
        assert isinstance(event, Refused)
        [event] = decoder.decode(line_with(genome=dict.fromkeys(map(str, range(65)), 0.5)))
        assert isinstance(event, Refused)

    def test_order_is_kept(self) -> None:
        fur, bad = line_with(BuysSells="fur"), line_with(Money=-1)
        events = list(
            BulkDecoder(GOODS, read_columns).decode(line_with() + fur + line_with() * 2 + bad)
        )
        assert [type(event) for event in events] == [Merchants, Returned, Merchants, Refused]

    def test_goods_are_learnt_before_they_are_dropped(self) -> None:
        decoder = BulkDecoder(GOODS, read_columns)
        list(decoder.decode(line_with(ExpectedPrices={"fur": {}, "bed": {"A": 1}})))
        assert decoder.goods_seen == {"bed", "fur"}
        list(decoder.decode(line_with(BuysSells="silk", ExpectedPrices={"wood": {}})))
        assert decoder.goods_seen == {"bed", "fur", "silk", "wood"}
        list(decoder.decode(line_with(Money=-1, BuysSells="thread")))
        assert decoder.goods_seen == {"bed", "fur", "silk", "wood"}
        for n in range(100):
            list(decoder.decode(line_with(ExpectedPrices={f"good {n}": {}})))
        assert len(decoder.goods_seen) == 64
        list(decoder.decode(line_with(BuysSells="thread")))
        assert "thread" in decoder.goods_seen

    def test_one_of_a_block_is_enough_to_learn_from(self, monkeypatch: pytest.MonkeyPatch) -> None:
        decoder = BulkDecoder(GOODS, read_columns)
        list(decoder.decode(line_with()))
        monkeypatch.setattr(bulk, "decode_merchant", None)
        wood = line_with(ExpectedPrices={"wood": {"RIVERWOOD": 1}})
        list(decoder.decode(line_with() + wood + line_with()))
        assert decoder.goods_seen == {"bed", "wood"}

    def test_no_event_has_more_traits_than_its_table(self) -> None:
        lines = [line_with(genome={f"t{n} {m}": 0.5 for m in range(40)}) for n in range(5)]
        events = list(BulkDecoder(GOODS, read_columns).decode(b"".join(lines)))
        assert [len(event.traits) for event in events if isinstance(event, Merchants)] == [40] * 5

    def test_no_event_has_more_cities_than_its_table(self) -> None:
        lines = [
            line_with(ExpectedPrices={"bed": {f"C{n} {m}": 1 for m in range(40)}}) for n in range(5)
        ]
        decoder = BulkDecoder(GOODS, read_columns)
        for _ in range(2):
            events = list(decoder.decode(b"".join(lines)))
            assert all(len(e.cities) <= CITIES_MAX for e in events if isinstance(e, Merchants))
            merchants = [merchant for merchant, _ in fuzz.flat(events)]
            assert merchants == [decode_merchant(line, GOODS).merchant for line in lines]

    @pytest.mark.parametrize(
        "block", [b"{}{}\n{}\n", b'{"a":\n1}\n', line_with()[:-2] + b"\n}\n"], ids=repr
    )
    def test_one_line_is_one_object(self, block: bytes) -> None:
        decoder = BulkDecoder(GOODS, read_columns)
        list(decoder.decode(line_with()))
        events = list(decoder.decode(block))
        assert [type(event) for event in events] == [Refused] * 2
