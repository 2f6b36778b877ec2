"""What nodes of ours say to one another: one tagged object a line, version 2 of the wire.

Made and acted upon by outbound.py, inbound.py, pairs.py and node_connection.py; node_lines.py makes
lines of them and back. Knows neither links nor clocks nor what has been said before.

A link joins two nodes and carries every pair of their cities, so a message about migrations names
its pair: `from`, the city merchants leave, and `to`, the city they enter, whoever of the two is
speaking. Migrations are named by their numbers as ranges `[first, count]`, because they are made,
answered and settled in runs. Merchants stay the bytes they came as (`Raw`): the same bytes are
journaled, hashed and sent again. offers.py reads them.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Raw

from protocol.limits import (
    GOODS_MAX,
    LINE_BYTES_MAX,
    NODE_CITIES_MAX,
    OFFERS_IN_FLIGHT_MAX,
    PAIRS_MAX,
    PRICE_COINS_MAX,
    RANGES_MAX,
    ROTATIONS_MAX,
    TEXT_CHARS_MAX,
    XID_MAX,
)

Xid: TypeAlias = Annotated[int, Meta(ge=0, le=XID_MAX)]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=OFFERS_IN_FLIGHT_MAX)]
Ranges: TypeAlias = Annotated[list[tuple[Xid, Count]], Meta(min_length=1, max_length=RANGES_MAX)]
Text: TypeAlias = Annotated[str, Meta(max_length=TEXT_CHARS_MAX, pattern=r"^[ -~]*\Z")]
Word: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z][a-z_]{0,31}\Z")]
Token: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,128}\Z")]
Digest: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Total: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Price: TypeAlias = Annotated[float, Meta(ge=-PRICE_COINS_MAX, le=PRICE_COINS_MAX)]
Version: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class _Message(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="t",
    tag=str.lower,
    rename={"sender": "from", "receiver": "to"},
    omit_defaults=True,
):
    """A line; unknown fields are ignored, so that a later version may add some."""


class _PairMessage(_Message, frozen=True):
    """A line about one ordered pair of cities, by their full names in upper case."""

    sender: str
    receiver: str


class CharteredCity(msgspec.Struct, frozen=True):
    """A city of the speaker: its full name, and what proves that it is its (identity.py)."""

    name: str
    charter: Text = ""


class Hello(_Message, frozen=True):
    """The first line of either side.

    Attributes:
        versions: that it speaks.
        id: of the node, as its certificate has it.
        boot: a random word of this run of the program.
        cities: those the link is for.
        rotations: how its key has changed, the newest last; each signed by both keys.
    """

    versions: Annotated[list[Version], Meta(min_length=1, max_length=16)]
    id: Token
    boot: Token
    cities: Annotated[list[CharteredCity], Meta(max_length=NODE_CITIES_MAX)]
    rotations: Annotated[list[Text], Meta(max_length=ROTATIONS_MAX)] = []


class Leaving(
    msgspec.Struct, frozen=True, kw_only=True, rename={"sender": "from", "receiver": "to"}
):
    """The speaker's books of a pair whose merchants leave it.

    Attributes:
        next: the number its next migration will have.
        settled: every number below is over for good: arrived, or home again.
        digest: of those that arrived, below `settled`.
    """

    sender: str
    receiver: str
    next: Xid
    settled: Xid
    digest: Digest


class Entering(
    msgspec.Struct, frozen=True, kw_only=True, rename={"sender": "from", "receiver": "to"}
):
    """The speaker's books of a pair whose merchants enter it.

    Attributes:
        next: one more than the highest number it has heard of.
        settled: the highest `settled` it has been told.
        credit: numbers below this may be offered.
    """

    sender: str
    receiver: str
    next: Xid
    settled: Xid
    credit: Xid


class Welcome(_Message, frozen=True):
    """You may: the link is up for whoever has said and heard it.

    Attributes:
        version: chosen, the highest that both speak.
        line_bytes: the longest line the speaker takes.
        leaving, entering: the speaker's books of every pair that has any.
    """

    version: Version
    line_bytes: Annotated[int, Meta(ge=LINE_BYTES_MAX, le=2**31 - 1)] = LINE_BYTES_MAX
    leaving: Annotated[list[Leaving], Meta(max_length=PAIRS_MAX)] = []
    entering: Annotated[list[Entering], Meta(max_length=PAIRS_MAX)] = []


class Offer(_PairMessage, frozen=True):
    """Merchants who would come; merchant i has the i-th number of `xids`."""

    xids: Ranges
    merchants: Annotated[list[Raw], Meta(min_length=1, max_length=OFFERS_IN_FLIGHT_MAX)]


class Accept(_PairMessage, frozen=True):
    """They are held and may come once committed."""

    xids: Ranges


class Refuse(_PairMessage, frozen=True):
    """They may not come. `code` says why in one word, `retry_after_s` when to ask again."""

    xids: Ranges
    code: Word
    retry_after_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0


class Commit(_PairMessage, frozen=True):
    """They are yours."""

    xids: Ranges


class Cancel(_PairMessage, frozen=True):
    """They are home again and will not come."""

    xids: Ranges


class Done(_PairMessage, frozen=True):
    """They have entered."""

    xids: Ranges


class News(_Message, frozen=True):
    """Prices of a city of the speaker in coins by good; lossy, at most one a second is heard."""

    city: str
    prices: Annotated[dict[str, Price], Meta(max_length=GOODS_MAX)]


class Credit(_PairMessage, frozen=True):
    """Numbers below `below` may be offered; it never shrinks while a link is up."""

    below: Xid


class Forget(_PairMessage, frozen=True):
    """Every number below `below` is over for good on both sides: settled."""

    below: Xid


class Statement(_PairMessage, frozen=True):
    """The speaker's account with a city of the listener, signed.

    `from` is the speaker's city, `to` the listener's. Two statements about the same settled
    numbers must be each other's mirror.

    Attributes:
        sent_settled, sent_minor: of its own numbers below this, money that arrived there.
        received_settled, received_minor: of the other's numbers below this, money that came.
        balance_minor: received less sent.
        key, signature: of the city; over `signed_bytes`.
    """

    sent_settled: Xid
    sent_minor: Total
    received_settled: Xid
    received_minor: Total
    balance_minor: Annotated[int, Meta(ge=-(2**63) + 1, le=2**63 - 1)]
    key: Text = ""
    signature: Text = ""


class Ping(_Message, frozen=True):
    """Still here."""


class Drain(_Message, frozen=True):
    """The speaker is going away: it offers nobody more and wants no more offers."""


class Error(_Message, frozen=True):
    """What is wrong; a fatal one is the last line."""

    code: Word
    detail: Annotated[str, Meta(max_length=TEXT_CHARS_MAX)] = ""
    fatal: bool = True


PairMessage: TypeAlias = (
    Offer | Accept | Refuse | Commit | Cancel | Done | Credit | Forget | Statement
)
Message: TypeAlias = Hello | Welcome | PairMessage | News | Ping | Drain | Error


def xids_of(ranges: Iterable[tuple[int, int]]) -> list[int]:
    """The numbers that ranges name, in order."""
    return [*chain.from_iterable(range(first, first + count) for first, count in ranges)]


def ranges_of(xids: Sequence[int]) -> list[tuple[int, int]]:
    """Rising numbers as ranges."""
    if xids and xids[-1] - xids[0] == len(xids) - 1:
        return [(xids[0], len(xids))]
    ranges: list[tuple[int, int]] = []
    for xid in xids:
        if ranges and xid == sum(ranges[-1]):
            ranges[-1] = (ranges[-1][0], ranges[-1][1] + 1)
        else:
            ranges.append((xid, 1))
    return ranges
