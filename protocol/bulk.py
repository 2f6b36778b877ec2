"""Many merchants at once into flat columns.

connection.py hands over blocks of whole lines, offers.py the merchants of an offer between nodes.
This must not know
greetings, clocks or how often a peer may err.

The fast path is a decoder shaped like the table it fills: a struct with one field a good, each a
struct with one field a city, so that types, ranges and names are checked while parsing and no
dictionary is made. Whatever does not fit exactly (a city not met before, a field in another case,
anything wrong) sends the whole block through `messages.decode_merchant`, line by line; cities and
goods met there widen the shape for the next block. So the fast path may refuse what is right but
never accepts what the careful path would not.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import chain, starmap
from math import nan
from operator import attrgetter, gt, itemgetter
from struct import Struct
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec.structs import astuple

from protocol.checks import LineError
from protocol.events import Merchants, Refused, Returned
from protocol.limits import (
    CAPACITY_UNITS_MAX,
    CITIES_MAX,
    GOODS_MAX,
    MONEY_COINS_MAX,
    MONEY_MINOR_MAX,
    PRICE_COINS_MAX,
    TRAITS_MAX,
)
from protocol.messages import Decoded, UnknownGoodError, decode_merchant
from protocol.money import minor_units


class _Shape(NamedTuple):
    """A decoder for lines that name exactly these goods and cities, what it leaves unsaid, and
    what turns the prices of one good into bytes."""

    decode: Callable[[bytes], Any]
    no_prices: Any
    pack: Callable[..., bytes]


class BulkDecoder:
    """Reads the lines of one peer and remembers which goods and cities it has named.

    Args:
        goods: the goods known here, in the order their numbers should have.
        in_minor: merchants between nodes, `MoneyMinor` instead of `Money`.
    """

    def __init__(self, goods: Iterable[str], *, in_minor: bool = False) -> None:
        self.goods: Final = tuple(goods)
        self.goods_seen: set[str] = set()
        """Goods the peer has named, known here or not, at most 64."""
        self._number_of = {good: number for number, good in enumerate(self.goods)}
        self._cities: tuple[str, ...] = ()
        self._traits: set[str] = set()
        self._in_minor = in_minor

    def decode(self, block: bytes) -> Iterator[Merchants | Returned | Refused]:
        """Decode a block of whole lines, each with its newline.

        Yields:
            What the lines were, in their order; neighbouring merchants share one event.
        """
        # One decode a line: `decode_lines` would take two objects on one line, or one on two.
        return self.decode_each(BytesIO(block).readlines())

    def decode_each(self, lines: list[bytes]) -> Iterator[Merchants | Returned | Refused]:
        """Decode lines already cut, with or without their newlines; as `decode`."""
        try:
            merchants = self._columns(lines)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
            yield from self._decode_carefully(lines)
        else:
            yield merchants

    def _columns(self, lines: list[bytes]) -> Merchants:
        """The fast path.

        Raises:
            msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError: not for this path.
        """
        foreign = sorted(self.goods_seen.difference(self.goods))
        shape = _shape((*self.goods, *foreign), self._cities, self._in_minor)
        rows = list(map(shape.decode, lines))
        money, good, capacity, owned, prices, genomes = zip(*map(astuple, rows), strict=True)
        numbers = array("q", map(self._number_of.__getitem__, good))
        if any(map(gt, owned, capacity)):
            raise msgspec.DecodeError("Owned")
        if any(genomes):
            self._check_genomes(genomes)
        if not self.goods_seen.issuperset(self.goods):
            self.goods_seen.update(good)
        for number, name in enumerate(self.goods):
            if name not in self.goods_seen:
                field = f"_{number}"
                unsaid = getattr(shape.no_prices, field)
                if any(said is not unsaid for said in map(attrgetter(field), prices)):
                    self.goods_seen.add(name)
        if self._in_minor:
            money_minor, dust_minor = array("q", money), 0.0
        else:
            money_minor, dust_minor = minor_units(money)
        by_good = map(astuple, prices)
        if foreign:
            by_good = map(itemgetter(slice(len(self.goods))), by_good)
        return Merchants(
            goods=self.goods,
            cities=self._cities,
            money_minor=money_minor,
            good=numbers,
            capacity=array("q", capacity),
            owned=array("q", owned),
            prices=_doubles(starmap(shape.pack, map(astuple, chain.from_iterable(by_good)))),
            genomes=tuple(genome or None for genome in genomes) if any(genomes) else (),
            lines=lines,
            dust_minor=dust_minor,
        )

    def _check_genomes(self, genomes: Iterable[dict[str, float] | None]) -> None:
        for genome in filter(None, genomes):
            if len(genome) > TRAITS_MAX or not genome.keys() <= self._traits:
                raise msgspec.DecodeError("genome")

    def _decode_carefully(self, lines: list[bytes]) -> Iterator[Merchants | Returned | Refused]:
        """The careful path; at most CITIES_MAX cities an event, which bounds its table."""
        accepted: list[tuple[Decoded, bytes]] = []
        cities: set[str] = set()
        for line in lines:
            if line.isspace():
                continue
            outcome: Returned | Refused | None = None
            try:
                decoded = decode_merchant(line, self._number_of, in_minor=self._in_minor)
            except UnknownGoodError as error:
                self._see(error.goods_seen)
                outcome = Returned(str(error), line)
            except LineError as error:
                outcome = Refused(str(error))
            if outcome is not None:
                if accepted:
                    yield self._table(accepted, cities)
                    accepted, cities = [], set()
                yield outcome
                continue
            self._see(decoded.goods_seen)
            if len(cities | decoded.cities_seen) > CITIES_MAX:
                yield self._table(accepted, cities)
                accepted, cities = [], set()
            accepted.append((decoded, line))
            cities |= decoded.cities_seen
        if accepted:
            yield self._table(accepted, cities)

    def _see(self, goods: Iterable[str]) -> None:
        for good in sorted(goods):
            if good in self._number_of or len(self.goods_seen) < GOODS_MAX:
                self.goods_seen.add(good)

    def _table(self, accepted: list[tuple[Decoded, bytes]], cities: set[str]) -> Merchants:
        """Columns out of merchants read one by one; the fast path learns their cities."""
        self._cities = tuple(sorted(_widened(self._cities, cities, CITIES_MAX)))
        merchants = [decoded.merchant for decoded, _ in accepted]
        genomes = tuple(merchant.genome for merchant in merchants)
        for genome in filter(None, genomes):
            self._traits = _widened(self._traits, genome, TRAITS_MAX)
        place_of = {city: place for place, city in enumerate(sorted(cities))}
        prices = array("d", [nan]) * (len(merchants) * len(self.goods) * len(cities))
        for row, merchant in enumerate(merchants):
            for good, by_city in merchant.expected_prices.items():
                start = (row * len(self.goods) + self._number_of[good]) * len(cities)
                for city, price in by_city.items():
                    prices[start + place_of[city]] = price
        return Merchants(
            goods=self.goods,
            cities=tuple(place_of),
            money_minor=array("q", [merchant.money_minor for merchant in merchants]),
            good=array("q", [self._number_of[merchant.good] for merchant in merchants]),
            capacity=array("q", [merchant.capacity for merchant in merchants]),
            owned=array("q", [merchant.owned for merchant in merchants]),
            prices=prices,
            genomes=genomes if any(genomes) else (),
            lines=[line for _, line in accepted],
            dust_minor=sum(decoded.dust_minor for decoded, _ in accepted),
        )


def _widened(known: Iterable[str], met: Iterable[str], limit: int) -> set[str]:
    """Both together while they fit, else only what was met last."""
    both = {*known, *met}
    return both if len(both) <= limit else set(met)


def _doubles(packed: Iterable[bytes]) -> "array[float]":
    """Three times as quick as array("d", values)."""
    column = array("d")
    column.frombytes(b"".join(packed))
    return column


@lru_cache(maxsize=64)
def _shape(goods: tuple[str, ...], cities: tuple[str, ...], in_minor: bool = False) -> _Shape:
    """The struct of a line for these goods and cities; positional names, so that any name may be
    one, and no garbage collection, since nothing in it can form a cycle."""
    price = Annotated[float, msgspec.Meta(ge=-PRICE_COINS_MAX, le=PRICE_COINS_MAX)]
    trait = Annotated[float, msgspec.Meta(ge=0, le=1)]

    def struct(name: str, wire_names: Sequence[str], kind: Any, default: Any) -> Any:
        return msgspec.defstruct(
            name,
            [(f"_{number}", kind, default) for number in range(len(wire_names))],
            rename={f"_{number}": wire_name for number, wire_name in enumerate(wire_names)},
            frozen=True,
            gc=False,
            forbid_unknown_fields=True,
        )

    by_city = struct("ByCity", cities, price, nan)
    by_good = struct("ByGood", goods, by_city, by_city())
    no_prices = by_good()
    money: tuple[str, Any, Any] = (
        ("MoneyMinor", Annotated[int, msgspec.Meta(ge=0, le=MONEY_MINOR_MAX)], 0)
        if in_minor
        else ("Money", Annotated[float, msgspec.Meta(ge=0, le=MONEY_COINS_MAX)], 0.0)
    )
    line = msgspec.defstruct(
        "Line",
        [
            money,
            ("BuysSells", str),
            ("CarryingCapacity", Annotated[int, msgspec.Meta(ge=1, le=CAPACITY_UNITS_MAX)]),
            ("Owned", Annotated[int, msgspec.Meta(ge=0)], 0),
            ("ExpectedPrices", by_good, no_prices),
            ("genome", dict[str, trait] | None, None),
        ],
        kw_only=True,
        frozen=True,
        gc=False,
        forbid_unknown_fields=True,
    )
    return _Shape(msgspec.json.Decoder(line).decode, no_prices, Struct(f"{len(cities)}d").pack)
