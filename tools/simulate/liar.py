"""A node that lies: what a real one says between nodes, changed on its way out.

It has its own key and its own link, so that peers cannot tell it from an honest one but by what it
says. Lines are left out, said twice, said again much later, and changed: other numbers, other
money, other cities, other types. Used by `nemesis`; set as `lies` of a host.
"""

import copy
from collections import deque
from random import Random
from typing import Any

import msgspec

LIE_SHARE = 0.1
"""Of the lines that are said."""

REMEMBERED_MAX = 200
"""Lines that may be said again."""

UNTOUCHED = frozenset({"hello", "welcome"})
"""Else no link would ever come up, and nothing could be lied about."""

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
