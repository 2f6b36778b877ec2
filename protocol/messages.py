"""One merchant as one line of JSON: what may be said, and what is believed of what was heard.

Called by bulk.py for lines its fast path will not vouch for, by connection.py to send, by
client.py, and by whoever makes records for outbound.py. Decoding here is the rule: bulk.py is only
quicker, and the tests hold the two equal.
It must not know who the peer is, what has been sent before, or what a city does with a merchant.

A line is refused with one `LineError` that names field, value and limit. Two refusals differ in
what follows: a line that is wrong is lost, a line that merely deals in a good unknown here
(`UnknownGoodError`) goes back as it came.
"""

import json
from collections.abc import Container
from math import inf
from operator import index
from typing import Any, Final, NoReturn

import msgspec

from protocol.checks import (
    LineError,
    check_city_name,
    check_count,
    check_name,
    check_number,
    check_whole,
    pairs_of,
    path_of,
    shown,
)
from protocol.limits import (
    CAPACITY_UNITS_MAX,
    CITIES_MAX,
    GOODS_MAX,
    LINE_BYTES_MAX,
    MINOR_PER_COIN,
    MONEY_COINS_MAX,
    MONEY_MINOR_MAX,
    PRICE_COINS_MAX,
    RECORD_BYTES_MAX,
    TRAITS_MAX,
)
from protocol.money import minor_units


class UnknownGoodError(LineError):
    """A line without fault whose merchant deals in a good unknown here.

    `goods_seen` are the goods the line names, known here or not.
    """

    def __init__(self, reason: str, goods_seen: frozenset[str]) -> None:
        super().__init__(reason)
        self.goods_seen = goods_seen


class Merchant(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant between two cities.

    Attributes:
        money_minor: money in minor units (1e-8 coin), 0 to 1e14.
        good: the good he buys and sells.
        capacity: units he can carry, at least 1.
        owned: units of `good` he carries, 0 to `capacity`.
        expected_prices: good → city → coins; cities in upper case; nothing for what he does not
            know.
        genome: trait → 0…1, or None for a merchant without genes.
    """

    money_minor: int
    good: str
    capacity: int
    owned: int = 0
    expected_prices: dict[str, dict[str, float]] = {}
    genome: dict[str, float] | None = None


class Decoded(msgspec.Struct, frozen=True):
    """A merchant out of a line, with what the line said beyond him.

    Attributes:
        merchant: what is left after goods unknown here were cut out of his expected prices.
        goods_seen: every good the line names: the peer knows these.
        cities_seen: every city the line names, in upper case; at most 64.
        dust_minor: what rounding his money down took from him, below one minor unit.
    """

    merchant: Merchant
    goods_seen: frozenset[str]
    cities_seen: set[str]
    dust_minor: float


class _Line(msgspec.Struct, frozen=True):
    """The shape of a line going out: field names as chapters 7 and 8 spell them."""

    Money: float
    BuysSells: str
    CarryingCapacity: int
    Owned: int
    ExpectedPrices: dict[str, dict[str, float]]
    genome: dict[str, float] | msgspec.UnsetType


class _Record(msgspec.Struct, frozen=True):
    """The shape of a merchant between nodes: the same fields, but his money is counted."""

    MoneyMinor: int
    BuysSells: str
    CarryingCapacity: int
    Owned: int
    ExpectedPrices: dict[str, dict[str, float]]
    genome: dict[str, float] | msgspec.UnsetType


_ENCODER: Final = msgspec.json.Encoder()


def encode_merchant(
    merchant: Merchant,
    *,
    goods: Container[str] | None = None,
    home_suffix: str = "",
    genome: bool = True,
) -> bytes:
    """One merchant as a line with its newline, for a peer that knows `goods`.

    City names go out in upper case. Prices that are not finite are what their holder does not
    know; they are left out, as are goods the peer does not know, because either would kill it.
    Of more than 64 cities the first 64 travel.

    Args:
        merchant: who travels.
        goods: the goods the peer knows; None for a peer that takes any.
        home_suffix: `@NODE` in upper case, cut from city names where the peer does not use it.
        genome: whether the peer takes a genome.

    Raises:
        LineError: when this merchant must not be sent there: a good the peer does not know, no
            expected price left, or what a careful peer would refuse.
    """
    money_minor, *checked = _checked(merchant, goods, home_suffix, genome)
    if not checked[3]:
        raise LineError("ExpectedPrices holds no price of a good known to the peer")
    line = _ENCODER.encode(_Line(money_minor / MINOR_PER_COIN, *checked))
    if len(line) >= LINE_BYTES_MAX:
        raise LineError(f"line of {len(line):,} bytes is over {LINE_BYTES_MAX:,}")
    return line + b"\n"


def encode_record(merchant: Merchant) -> bytes:
    """One merchant as an offer between nodes and a journal carry him: no newline, whole money.

    Raises:
        LineError: for what a careful peer would refuse.
    """
    record = _ENCODER.encode(_Record(*_checked(merchant, None, "", True)))
    if len(record) > RECORD_BYTES_MAX:
        raise LineError(f"merchant of {len(record):,} bytes is over {RECORD_BYTES_MAX:,}")
    return record


def _checked(
    merchant: Merchant, goods: Container[str] | None, home_suffix: str, genome: bool
) -> tuple[Any, ...]:
    """The fields of a line going out, in their order, money in minor units."""
    if not merchant.good or (goods is not None and merchant.good not in goods):
        raise LineError(f"BuysSells {shown(merchant.good)} is not known to the peer")
    money_minor = check_whole(index(merchant.money_minor), 0, MONEY_MINOR_MAX, "MoneyMinor")
    capacity = check_whole(index(merchant.capacity), 1, CAPACITY_UNITS_MAX, "CarryingCapacity")
    owned = check_whole(index(merchant.owned), 0, capacity, "Owned")
    prices = _prices_out(merchant.expected_prices, goods, home_suffix)
    traits: dict[str, float] | msgspec.UnsetType = msgspec.UNSET
    if genome and merchant.genome:
        check_count("genome", merchant.genome, TRAITS_MAX, "entries")
        traits = {name: _clamped(value) for name, value in merchant.genome.items()}
    return money_minor, merchant.good, capacity, owned, prices, traits


def _prices_out(
    expected_prices: dict[str, dict[str, float]], goods: Container[str] | None, home_suffix: str
) -> dict[str, dict[str, float]]:
    """What of a merchant's expected prices a peer may hear."""
    prices: dict[str, dict[str, float]] = {}
    cities: set[str] = set()
    for good, by_city in expected_prices.items():
        if goods is not None and good not in goods:
            continue
        told = {}
        for city, price in by_city.items():
            name = city.upper().removesuffix(home_suffix)
            if -PRICE_COINS_MAX <= price <= PRICE_COINS_MAX:
                if name not in cities:
                    if len(cities) == CITIES_MAX:
                        continue
                    cities.add(name)
                told[name] = float(price)
        if told:
            prices[good] = told
    check_count("ExpectedPrices", prices, GOODS_MAX, "goods")
    return prices


def decode_merchant(
    line: bytes, goods: Container[str] | None = None, *, in_minor: bool = False
) -> Decoded:
    """Read one line with every check.

    Field names match ignoring case, the last of a repeated field wins, unknown fields are
    ignored, missing ones are zero or empty. Goods unknown here are cut out of the expected
    prices after they were noted.

    Args:
        line: the bytes of one line, with or without its newline.
        goods: the goods known here; None knows them all.
        in_minor: a merchant between nodes, `MoneyMinor` instead of `Money`.

    Raises:
        UnknownGoodError: all is well but for `BuysSells`; the line should go back.
        LineError: the line is wrong in some other way.
    """
    fields = _fields(line)
    if in_minor:
        money_minor = check_whole(fields.get("moneyminor", 0), 0, MONEY_MINOR_MAX, "MoneyMinor")
        dust_minor = 0.0
    else:
        money_coins = check_number(fields.get("money", 0), 0, MONEY_COINS_MAX, "Money")
        [money_minor], dust_minor = minor_units([float(money_coins)])
    capacity = check_whole(
        fields.get("carryingcapacity", 0), 1, CAPACITY_UNITS_MAX, "CarryingCapacity"
    )
    owned = check_whole(fields.get("owned", 0), 0, capacity, "Owned")
    prices, cities_seen = _prices(fields.get("expectedprices"))
    genome = _genome(fields.get("genome"))
    good = fields.get("buyssells", "")
    if not isinstance(good, str):
        raise LineError(f"BuysSells {shown(good)} is not a string")
    if good:
        check_name("BuysSells", good)
    goods_seen = frozenset(prices) | ({good} if good else set())
    if not good or (goods is not None and good not in goods):
        raise UnknownGoodError(f"BuysSells {shown(good)} is not traded here", goods_seen)
    merchant = Merchant(
        money_minor=money_minor,
        good=good,
        capacity=capacity,
        owned=owned,
        expected_prices={
            known: by_city
            for known, by_city in prices.items()
            if by_city and (goods is None or known in goods)
        },
        genome=genome,
    )
    return Decoded(merchant, goods_seen, cities_seen, dust_minor)


def _fields(line: bytes) -> dict[str, Any]:
    """The fields of a line by case-folded name; inner objects are tuples of pairs.

    The standard parser, because it is the one that shows repeated fields in their order.
    """
    try:
        pairs = json.loads(
            line.decode("utf-8"), object_pairs_hook=tuple, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError:
        raise LineError("line is not UTF-8") from None
    except RecursionError:
        raise LineError("line is nested too deeply") from None
    except json.JSONDecodeError:
        raise LineError(f"line {shown(line.strip())} is not JSON") from None
    except LineError:
        raise
    except ValueError:  # Python's own bound on the digits of an integer
        raise LineError("line holds an integer of thousands of digits") from None
    if not isinstance(pairs, tuple):
        raise LineError(f"line is {shown(pairs)}, not an object")
    return {name.casefold(): value for name, value in pairs}


def _refuse_constant(name: str) -> NoReturn:
    raise LineError(f"line holds {name}, which is no JSON number")


def _prices(value: Any) -> tuple[dict[str, dict[str, float]], set[str]]:
    """Expected prices by good and upper-case city, every one checked, known here or not; and the
    cities among them."""
    prices: dict[str, dict[str, float]] = {}
    cities: set[str] = set()
    for good, by_city in pairs_of(value, "ExpectedPrices"):
        check_name("ExpectedPrices", good)
        if by_city is None:
            raise LineError(f"{path_of('ExpectedPrices', good)} is null, not an object")
        known = prices[good] = {}
        for city, price in pairs_of(by_city, "ExpectedPrices", good):
            name = city.upper()
            if name not in cities:
                check_city_name("ExpectedPrices", name)
                cities.add(name)
            known[name] = float(
                check_number(price, -PRICE_COINS_MAX, PRICE_COINS_MAX, "ExpectedPrices", good, city)
            )
    check_count("ExpectedPrices", prices, GOODS_MAX, "goods")
    check_count("ExpectedPrices", cities, CITIES_MAX, "cities")
    return prices, cities


def _genome(value: Any) -> dict[str, float] | None:
    """Traits clamped to 0…1; names nobody here knows are kept for the road."""
    genome = {}
    for name, trait in pairs_of(value, "genome"):
        check_name("genome", name)
        genome[name] = _clamped(check_number(trait, -inf, inf, "genome", name))
    check_count("genome", genome, TRAITS_MAX, "entries")
    return genome or None


def _clamped(trait: float) -> float:
    """A trait within 0…1; NaN, which compares with nothing, becomes 0 and never a null."""
    return float(min(1, max(0, trait)))
