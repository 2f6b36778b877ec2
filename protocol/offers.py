"""The merchants of an offer between nodes: which of them are sound, and what they have.

Called by whoever judges offers (a node's border), between pairs.py and the city. Knows no quota and
no city; an unsound merchant is a code of a refusal, never an error of the link's, for a peer may
have other goods than we.
"""

from collections.abc import Sequence

import msgspec

from protocol.bulk import BulkDecoder
from protocol.events import Merchants, Refused, Returned


class Read(msgspec.Struct, frozen=True):
    """What the records of an offer hold.

    Attributes:
        money_minor: one entry a record; 0 for an unsound one.
        codes: one entry a record: empty when it is sound, else "unknown_good" or "malformed".
        columns: the sound ones in order, each with the index of its first record; those of one
            entry stand together.
        reasons: for the log, one line each, of the unsound ones.
    """

    money_minor: list[int]
    codes: list[str]
    columns: list[tuple[int, Merchants]]
    reasons: list[str]


def read(decoder: BulkDecoder, records: Sequence[bytes]) -> Read:
    """Decode and check records.

    Args:
        decoder: `BulkDecoder(goods, in_minor=True)`, one a peer: it learns its cities.
    """
    money_minor: list[int] = []
    codes: list[str] = []
    columns: list[tuple[int, Merchants]] = []
    reasons: list[str] = []
    for event in decoder.decode_each(list(records)):
        if isinstance(event, Merchants):
            columns.append((len(codes), event))
            money_minor.extend(event.money_minor)
            codes.extend([""] * len(event))
            continue
        money_minor.append(0)
        codes.append("unknown_good" if isinstance(event, Returned) else "malformed")
        assert isinstance(event, Returned | Refused)
        reasons.append(event.reason)
    assert len(codes) == len(records)
    return Read(money_minor, codes, columns, reasons)
