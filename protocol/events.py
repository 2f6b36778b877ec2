"""What comes out of a connection, for `city_node/network/travelway.py` and client.py to act upon.

Plain data; knows merchants as messages.py does, and nothing of how the events came about.
"""

import enum
from array import array
from collections.abc import Iterator, Sequence
from math import isnan
from typing import TypeAlias

import msgspec

from protocol.messages import Merchant


class Dialect(enum.Enum):
    """The form of a greeting; lines after it are the same in both."""

    CHAPTER_7 = "the name raw, without a newline"
    CHAPTER_8 = "the name and a newline"


class Send(msgspec.Struct, frozen=True):
    """Write these bytes now: they are (part of) our greeting."""

    data: bytes


class Greeted(msgspec.Struct, frozen=True):
    """The peer has said its name.

    Attributes:
        name: in upper case, as names are matched; `NAME@NODE` when it is a node of ours.
        dialect: the form it used.
        spelled: as people should see it; a name all in upper case is a capitalised one.
    """

    name: str
    dialect: Dialect
    spelled: str


class Ready(msgspec.Struct, frozen=True):
    """The quiet after the greeting is over: from now on lines may be written."""


class Merchants(msgspec.Struct, frozen=True, kw_only=True):
    """Merchants have arrived, as columns in the order of their lines.

    Attributes:
        goods: the goods known here, the basis of `good` and of the second axis of `prices`.
        cities: names in upper case, at most 64, the third axis of `prices`.
        money_minor, good, capacity, owned: signed 64 bit, one entry a merchant.
        prices: doubles, merchants × goods × cities, coins, NaN where a merchant does not know.
        traits: names, at most 64, the second axis of `genes`; none when nobody has genes.
        genes: doubles, merchants × traits, 0…1, NaN where a merchant has none of that name.
        lines: the very bytes that came, for a border that sends somebody back.
        dust_minor: what rounding all their money down took, in minor units.
    """

    goods: tuple[str, ...]
    cities: tuple[str, ...]
    money_minor: "array[int]"
    good: "array[int]"
    capacity: "array[int]"
    owned: "array[int]"
    prices: "array[float]"
    traits: tuple[str, ...]
    genes: "array[float]"
    lines: Sequence[bytes]
    dust_minor: float

    def __len__(self) -> int:
        """How many merchants."""
        return len(self.good)

    def __iter__(self) -> Iterator[Merchant]:
        """The merchants one by one, for whoever has no arrays to fill."""
        width = len(self.cities)
        for row, good in enumerate(self.good):
            expected_prices = {}
            for column, name in enumerate(self.goods):
                start = (row * len(self.goods) + column) * width
                known = {
                    city: price
                    for city, price in zip(
                        self.cities, self.prices[start : start + width], strict=True
                    )
                    if not isnan(price)
                }
                if known:
                    expected_prices[name] = known
            yield Merchant(
                money_minor=self.money_minor[row],
                good=self.goods[good],
                capacity=self.capacity[row],
                owned=self.owned[row],
                expected_prices=expected_prices,
                genome=self.genome(row),
            )

    def genome(self, row: int) -> dict[str, float] | None:
        """What genes one merchant has, by name; None for none."""
        width = len(self.traits)
        genes = self.genes[row * width : (row + 1) * width]
        known = zip(self.traits, genes, strict=True)
        return {trait: gene for trait, gene in known if not isnan(gene)} or None


class Returned(msgspec.Struct, frozen=True):
    """A merchant deals in a good unknown here; write `line` back as it stands."""

    reason: str
    line: bytes


class Refused(msgspec.Struct, frozen=True):
    """A line is lost because it broke a rule; `reason` names field, value and limit."""

    reason: str


class Closed(msgspec.Struct, frozen=True):
    """Close the socket; nothing more will come. The reason is for the log."""

    reason: str


Event: TypeAlias = Send | Greeted | Ready | Merchants | Returned | Refused | Closed
