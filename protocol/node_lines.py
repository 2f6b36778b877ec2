"""Lines between nodes: messages into bytes, and bytes into messages with every check.

Called by node_connection.py, which cuts the lines. The merchants in an offer stay bytes: offers.py
reads them. Knows neither links nor what has been said before. Whatever a line holds, it becomes a
message within its limits or one `LineError`.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

import msgspec

from protocol.checks import LineError, check_city_name, check_name, shown
from protocol.limits import LINE_BYTES_MAX, OFFERS_IN_FLIGHT_MAX, XID_MAX
from protocol.node_messages import (
    Accept,
    Cancel,
    Commit,
    Credit,
    Done,
    Error,
    Forget,
    Hello,
    Message,
    News,
    Offer,
    Refuse,
    Statement,
    Welcome,
)

_DECODE: Final = msgspec.json.Decoder(Message).decode
_ENCODER: Final = msgspec.json.Encoder()


def decode(line: bytes) -> Message:
    """Read one line with every check except those of merchants in an offer.

    Raises:
        LineError: the whole reason in one line: field, value or type, limit.
    """
    try:
        message: Message = _DECODE(line)
    except RecursionError:
        raise LineError("line is nested too deeply") from None
    except UnicodeDecodeError:
        raise LineError("line is not UTF-8") from None
    except msgspec.ValidationError as error:
        raise LineError(_one_line(str(error))) from None
    except msgspec.DecodeError:
        raise LineError(f"line {shown(line.strip())} is not JSON") from None
    _check(message)
    return message


def encode(messages: Iterable[Message]) -> bytes:
    """Lines for a link, each with its newline.

    Raises:
        LineError: a line is longer than a careful peer takes.
    """
    lines = list(map(_ENCODER.encode, messages))
    for line in lines:
        if len(line) >= LINE_BYTES_MAX:
            raise LineError(f"line of {len(line):,} bytes is over {LINE_BYTES_MAX:,}")
    return b"".join(chain.from_iterable((line, b"\n") for line in lines))


def _one_line(reason: str) -> str:
    """msgspec names field and limit, and of values only tags, at a length of their own choice."""
    start = reason.find("Invalid value '")
    if start >= 0:
        return (
            f"line has a tag t unknown here: {shown(reason[start + 15 :].rpartition(chr(39))[0])}"
        )
    return "".join(c if c.isprintable() else "?" for c in reason)[:200]


def _check(message: Message) -> None:
    match message:
        case Offer() | Accept() | Refuse() | Commit() | Cancel() | Done():
            _check_pair(message.sender, message.receiver)
            count = sum(count for _, count in message.xids)
            if count > OFFERS_IN_FLIGHT_MAX:
                raise LineError(f"xids names {count:,} migrations, at most {OFFERS_IN_FLIGHT_MAX}")
            if isinstance(message, Offer) and count != len(message.merchants):
                raise LineError(f"xids names {count:,} of {len(message.merchants):,} merchants")
            if max(first + count for first, count in message.xids) > XID_MAX:
                raise LineError(f"xids is not within 0 … {XID_MAX:,}")
            _check_rising(message.xids)
        case Credit() | Forget() | Statement():
            _check_pair(message.sender, message.receiver)
        case Welcome():
            for leaving in message.leaving:
                _check_pair(leaving.sender, leaving.receiver)
            for entering in message.entering:
                _check_pair(entering.sender, entering.receiver)
        case Hello():
            names = [city.name for city in message.cities]
            for name in names:
                check_full_name("cities", name)
            if len(set(names)) < len(names):
                raise LineError("cities names one twice")
        case News():
            check_full_name("city", message.city)
            for good in message.prices:
                check_name("prices", good)
        case Error():
            if not message.detail.isprintable():
                raise LineError(f"detail {shown(message.detail)} has a control character")


def _check_rising(xids: Sequence[tuple[int, int]]) -> None:
    """Each number once, in their order: nothing honest makes others."""
    after = 0
    for first, count in xids:
        if first < after:
            raise LineError(f"xids {first} stands after {after - 1}")
        after = first + count


@lru_cache(maxsize=4_096)
def _check_pair(sender: str, receiver: str) -> None:
    check_full_name("from", sender)
    check_full_name("to", receiver)


def check_full_name(field: str, name: str) -> None:
    """Check `NAME@NODE` in upper case, as cities are called between nodes.

    Raises:
        LineError: when it is anything else.
    """
    check_city_name(field, name)
    if "@" not in name or name != name.upper():
        raise LineError(f"{field} {shown(name)} is not NAME@NODE in upper case")


def signed_bytes(statement: Statement) -> bytes:
    """What a city signs: the statement's line without signature, without newline."""
    return _ENCODER.encode(msgspec.structs.replace(statement, signature=""))
