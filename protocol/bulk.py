"""Many merchants at once into flat columns.

connection.py hands over blocks of whole lines, offers.py the merchants of an offer between nodes.
This must not know greetings, clocks or how often a peer may err.

The careful path is `messages.decode_merchant`, line by line: it is the rule. A caller may bring a
quick reader for blocks in which every line names only cities, goods and traits that the careful
path has met before; whatever that reader leaves unread goes the careful path.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from math import nan
from typing import Final, NamedTuple, TypeAlias

from protocol.checks import LineError
from protocol.events import Merchants, Refused, Returned
from protocol.limits import CITIES_MAX, GOODS_MAX, TRAITS_MAX
from protocol.messages import Decoded, UnknownGoodError, decode_merchant


class Names(NamedTuple):
    """What the lines of one peer may name, as far as it has named it before.

    Attributes:
        goods: known here, in the order their numbers have.
        foreign: goods not known here.
        cities: in upper case, at most 64.
        traits: at most 64.
        in_minor: merchants between nodes, `MoneyMinor` instead of `Money`.
    """

    goods: tuple[str, ...]
    foreign: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    in_minor: bool = False


ReadColumns: TypeAlias = Callable[[bytes, list[bytes], Names], tuple[Merchants, set[str]] | None]
"""A quick reader: a block of lines, each with its newline, and the lines one by one, into merchants
and the goods that these name, or None for a block that has to be read carefully. It must never read
a line otherwise than the careful path."""


class BulkDecoder:
    """Reads the lines of one peer and remembers which goods, cities and traits it has named.

    Args:
        goods: the goods known here, in the order their numbers should have.
        read_columns: a quick reader; None reads every line carefully.
        in_minor: merchants between nodes, `MoneyMinor` instead of `Money`.
    """

    def __init__(
        self,
        goods: Iterable[str],
        read_columns: ReadColumns | None = None,
        *,
        in_minor: bool = False,
    ) -> None:
        self.goods: Final = tuple(goods)
        self.goods_seen: set[str] = set()
        """Goods the peer has named, known here or not, at most 64."""
        self._number_of = {good: number for number, good in enumerate(self.goods)}
        self._names = Names(self.goods, in_minor=in_minor)
        self._read_columns = read_columns

    def decode(self, block: bytes) -> Iterator[Merchants | Returned | Refused]:
        """Decode a block of whole lines, each with its newline.

        Yields:
            What the lines were, in their order; neighbouring merchants share one event.
        """
        return self._decode(block, BytesIO(block).readlines())

    def decode_each(self, lines: list[bytes]) -> Iterator[Merchants | Returned | Refused]:
        """Decode lines already cut, with or without their newlines; as `decode`."""
        if not lines:
            return iter(())
        block = b"".join(line if line.endswith(b"\n") else line + b"\n" for line in lines)
        return self._decode(block, lines)

    def _decode(self, block: bytes, lines: list[bytes]) -> Iterator[Merchants | Returned | Refused]:
        read = self._read_columns
        found = read(block, lines, self._names) if read else None
        if found is None:
            yield from self._decode_carefully(lines)
        else:
            merchants, goods = found
            self._see(goods)
            yield merchants

    def _decode_carefully(self, lines: list[bytes]) -> Iterator[Merchants | Returned | Refused]:
        """The careful path."""
        group = _Group()
        for line in lines:
            if line.isspace():
                continue
            outcome: Returned | Refused | None = None
            try:
                decoded = decode_merchant(line, self._number_of, in_minor=self._names.in_minor)
            except UnknownGoodError as error:
                self._see(error.goods_seen)
                outcome = Returned(str(error), line)
            except LineError as error:
                outcome = Refused(str(error))
            if group.lines and (outcome is not None or not group.has_room_for(decoded)):
                yield self._columns(group)
                group = _Group()
            if outcome is not None:
                yield outcome
                continue
            self._see(decoded.goods_seen)
            group.add(decoded, line)
        if group.lines:
            yield self._columns(group)

    def _see(self, goods: set[str] | frozenset[str]) -> None:
        for good in sorted(goods - self.goods_seen):
            if good in self._number_of or len(self.goods_seen) < GOODS_MAX:
                self.goods_seen.add(good)

    def _columns(self, group: "_Group") -> Merchants:
        """Columns out of merchants read one by one; the quick reader learns their names."""
        self._names = self._names._replace(
            foreign=tuple(sorted(self.goods_seen.difference(self.goods))),
            cities=_widened(self._names.cities, group.cities, CITIES_MAX),
            traits=_widened(self._names.traits, group.traits, TRAITS_MAX),
        )
        merchants = [decoded.merchant for decoded in group.decoded]
        cities, traits = tuple(sorted(group.cities)), tuple(sorted(group.traits))
        nothing: dict[str, float] = {}
        told = [
            merchant.expected_prices.get(good, nothing)
            for merchant in merchants
            for good in self.goods
        ]
        return Merchants(
            goods=self.goods,
            cities=cities,
            traits=traits,
            money_minor=array("q", [merchant.money_minor for merchant in merchants]),
            good=array("q", [self._number_of[merchant.good] for merchant in merchants]),
            capacity=array("q", [merchant.capacity for merchant in merchants]),
            owned=array("q", [merchant.owned for merchant in merchants]),
            prices=_cells(told, cities),
            genes=_cells([merchant.genome or nothing for merchant in merchants], traits),
            lines=group.lines,
            dust_minor=sum(decoded.dust_minor for decoded in group.decoded),
        )


@dataclass
class _Group:
    """Neighbouring merchants that become one event: bounded in the names that they tell, which are
    the columns of its tables."""

    decoded: list[Decoded] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    cities: set[str] = field(default_factory=set)
    traits: set[str] = field(default_factory=set)

    def has_room_for(self, decoded: Decoded) -> bool:
        """Whether one more merchant leaves the tables within their bounds."""
        traits = self.traits.union(decoded.merchant.genome or ())
        cities = self.cities | decoded.cities_seen
        return len(cities) <= CITIES_MAX and len(traits) <= TRAITS_MAX

    def add(self, decoded: Decoded, line: bytes) -> None:
        """Take one more merchant in."""
        self.decoded.append(decoded)
        self.lines.append(line)
        self.cities |= decoded.cities_seen
        self.traits.update(decoded.merchant.genome or ())


def _cells(rows: Sequence[Mapping[str, float]], names: tuple[str, ...]) -> "array[float]":
    """A table with a column a name, NaN where a row says nothing."""
    return array("d", [row.get(name, nan) for row in rows for name in names])


def _widened(known: Iterable[str], met: Iterable[str], limit: int) -> tuple[str, ...]:
    """Both together while they fit, else only what was met last; in order."""
    both = {*known, *met}
    return tuple(sorted(both if len(both) <= limit else met))
