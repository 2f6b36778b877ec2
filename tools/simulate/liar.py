"""A node that lies: what a real one says between nodes, changed on its way out.

It has its own key and its own link, so that peers cannot tell it from an honest one but by what it
says. A crude liar leaves lines out, says them twice or again much later, and changes them: other
numbers, other money, other cities, other types; the first malformed one gets it kept out for an
hour. A polite one is not caught so: it says the largest and the smallest numbers that the wire
allows, where no rule forbids them. Used by `nemesis`; set as `lies` of a host.
"""

import copy
from collections import deque
from random import Random
from typing import Any

import msgspec

from protocol.limits import OFFERS_IN_FLIGHT_MAX, XID_MAX

POLITE_SHARE = 0.5
"""Of liars."""

LIE_SHARE = 0.1
"""Of the lines that are said."""

REMEMBERED_MAX = 200
"""Lines that may be said again."""

UNTOUCHED = frozenset({"hello", "welcome"})
"""Else no link would ever come up, and nothing could be lied about."""

EXTREMES = (2**31, 2**40, XID_MAX - 1, XID_MAX)
LAST = [[XID_MAX - OFFERS_IN_FLIGHT_MAX, OFFERS_IN_FLIGHT_MAX]]
"""Numbers of migrations, and as many of the last of them as one line may name."""

NUMBERS = ("below", "next", "settled", "credit")
"""Of a line, or of the books in a welcome."""

TOLD = {
    **dict.fromkeys(("offer", "commit", "cancel"), ("forget", "cancel")),
    **dict.fromkeys(("accept", "refuse", "done"), ("credit",)),
}
"""What whoever says the one may say of the same pair, too."""

MONEY = "MoneyMinor"
XIDS = "xids"


class Liar:
    """Changes lines.

    Attributes:
        told: lies so far.
    """

    def __init__(self, random: Random) -> None:
        self.told = 0
        self._random = random
        self._is_polite = random.random() < POLITE_SHARE
        self._said: deque[bytes] = deque(maxlen=REMEMBERED_MAX)

    def __call__(self, data: bytes) -> bytes:
        """What is said instead of some lines."""
        if not data.startswith(b"{"):  # not between nodes, or not a message yet
            return data
        return b"".join(map(self._line, data.splitlines(keepends=True)))

    def _line(self, line: bytes) -> bytes:
        try:
            message = msgspec.json.decode(line)
        except msgspec.DecodeError:
            return line
        if self._is_polite:
            return self._politely(line, message)
        if not isinstance(message, dict) or message.get("t", "hello") in UNTOUCHED:
            return line
        self._said.append(line)
        if self._random.random() >= LIE_SHARE:
            return line
        self.told += 1
        match self._random.randrange(5):
            case 0:
                return b""
            case 1:
                return line + line
            case 2:
                return line + self._random.choice(self._said)
            case 3:
                return self._random.choice(self._said)
        return msgspec.json.encode(self._changed(message)) + b"\n"

    def _politely(self, line: bytes, message: Any) -> bytes:
        """The line with one number as large or as small as it may be, or with one more after it."""
        if not isinstance(message, dict) or self._random.random() >= LIE_SHARE:
            return line
        kind, extreme = message.get("t"), self._random.choice(EXTREMES)
        if kind in TOLD:
            self.told += 1
            more = {"t": self._random.choice(TOLD[kind]), "from": message["from"]}
            more |= {"to": message["to"], "below": extreme, XIDS: LAST}
            return line + msgspec.json.encode(more) + b"\n"
        books = (*message.get("leaving", ()), *message.get("entering", ()))
        places = [(of, name) for of in (message, *books) for name in NUMBERS if name in of]
        if not places:
            return line
        self.told += 1
        of, name = self._random.choice(places)
        of[name] = extreme if of is message else self._random.choice((0, extreme))
        return msgspec.json.encode(message) + b"\n"

    def _changed(self, message: dict[str, Any]) -> dict[str, Any]:
        """The message with one thing changed."""
        changed = copy.deepcopy(message)
        if merchants := changed.get("merchants"):
            merchant = self._random.choice(merchants)
            if MONEY in merchant and self._random.random() < 0.5:
                merchant[MONEY] = self._random.choice([0, 1, 10**12, 10**17, merchant[MONEY] + 1])
                return changed
        if changed.get(XIDS) and self._random.random() < 0.5:
            ranges = self._random.choice(changed[XIDS])
            ranges[self._random.randrange(2)] += self._random.choice([-1, 1, 100, 10**6])
            return changed
        key = self._random.choice(sorted(changed))
        changed[key] = self._random.choice(
            ["commit", "done", "accept", "cancel", "", 0, -1, 2**62, [], {}, None]
        )
        return changed
