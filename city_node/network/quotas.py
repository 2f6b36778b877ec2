"""What guests have brought to a city: coins in less coins out, over an hour and for ever.

Kept by `network`, booked by `border` and `crossing`, and by `durability` in a replay. Knows no
world and no merchants.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

HOUR_S = 3_600.0
ENTRY_S = 60.0
"""An hour is kept as entries of so long each: a road may carry thousands of merchants a second."""


@dataclass
class Quota:
    """What one peer has brought to one city.

    Attributes:
        net_minor: coins in less coins out since the road first opened, minor units.
        recent: (since when, coins in less coins out) of the last hour, an entry a minute.
    """

    net_minor: int = 0
    recent: deque[tuple[float, int]] = field(default_factory=deque)

    def book(self, now_s: float, amount_minor: int) -> None:
        """Note coins that came in, or, negative, went out."""
        self.net_minor += amount_minor
        if self.recent and now_s < self.recent[-1][0] + ENTRY_S:
            since_s, booked_minor = self.recent.pop()
            self.recent.append((since_s, booked_minor + amount_minor))
        else:
            self.recent.append((now_s, amount_minor))
            self._forget(now_s)

    def earlier(self, by_s: float) -> "Quota":
        """The same, by a clock that shows so much less."""
        return Quota(self.net_minor, deque((since_s - by_s, m) for since_s, m in self.recent))

    def hour_minor(self, now_s: float) -> int:
        """Coins in less coins out over the last hour, and up to a minute more."""
        self._forget(now_s)
        return sum(amount for _, amount in self.recent)

    def _forget(self, now_s: float) -> None:
        while self.recent and self.recent[0][0] + ENTRY_S < now_s - HOUR_S:
            self.recent.popleft()


class Brought(NamedTuple):
    """What has been brought to a city by a peer of the legacy wire, and by all from its address.

    Attributes:
        heads: merchants of the address instead of coins.
    """

    peer: Quota
    address: Quota
    heads: Quota

    def book(self, now_s: float, amount_minor: int, merchants: int) -> None:
        """Note who came in, or, negative, went out."""
        self.peer.book(now_s, amount_minor)
        self.address.book(now_s, amount_minor)
        self.heads.book(now_s, merchants)


QuotaKeys = tuple[tuple[int, str], tuple[int, str], tuple[int, str]]


def quota_keys(here: int, peer: str, address: str) -> QuotaKeys:
    """Where the quotas of a peer of the legacy wire in a city stand, in the order of `Brought`."""
    return (here, peer.casefold()), (here, f"@{address}"), (here, f"@{address} heads")
