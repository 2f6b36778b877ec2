"""What has been seen of a node: its latest snapshot, and every number before it as a series.

`apply` takes the messages of the feed in order; everything that draws reads. No threads: the
window's loop owns it. What fills up is thinned, never emptied: of the older half every second point
goes, so that a night fits, coarser the further back.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocol.observe import (
    Accepted,
    City,
    Compiling,
    Event,
    Hello,
    LogLine,
    Message,
    Number,
    Refused,
    Snapshot,
)
from viewer.theme import CITY_SLOTS, GOOD_SLOTS

POINTS_MAX: Final = 16_384  # after thinning 12,288 are left
ROWS_MAX: Final = 2_048  # 20 cities with 6 goods and 60 series each; 128 MiB when full
LOG_MAX: Final = 500
EVENTS_MAX: Final = 200
TRAFFIC_S: Final = 0.25  # between two moments of the traffic that are kept
TRAFFIC_MAX: Final = 16
SMOOTHING_S: Final = 1.5


# {(origin, destination): {good or "": merchants}}
Traffic = dict[tuple[str, str], dict[str, float]]


class Key(NamedTuple):
    """A series: what it is, of which city (full name, "" for the world), of which name."""

    what: str  # price, low, high, series
    city: str
    name: str


class History:
    """Fields that drawing reads: `latest`, `hello`, `compiling`, `slots`, `good_slots`, `log`."""

    def __init__(self) -> None:
        self.latest: Snapshot | None = None
        self.latest_at_s = -math.inf  # the caller's clock when it came
        self.hello: Hello | None = None
        self.compiling: Compiling | None = None
        self.refused: Refused | None = None
        self.slots: dict[str, int] = {}  # full name of a city -> place in the palette
        self.good_slots: dict[str, int] = {}
        self.log: list[LogLine] = []
        self.events: list[Event] = []
        # Merchants on each road by cargo, smoothed, at moments of the last seconds (oldest first).
        self.traffic: deque[tuple[float, Traffic]] = deque(maxlen=TRAFFIC_MAX)
        self._rows: dict[Key, int] = {}
        self._count = 0
        self._ticks = np.zeros(1_024, np.float64)
        self._values = np.full((64, 1_024), np.nan, np.float32)

    # What has been seen.

    @property
    def ticks(self) -> NDArray[np.float64]:
        """float64[points], ascending; a view that the next `apply` may change."""
        return self._ticks[: self._count]

    def block(self, keys: Sequence[Key], begin: int = 0) -> NDArray[np.float32]:
        """float32[keys, points from `begin` on], NaN where a series had no value."""
        found = np.full((len(keys), max(0, self._count - begin)), np.nan, np.float32)
        for place, key in enumerate(keys):
            row = self._rows.get(key)
            if row is not None:
                found[place] = self._values[row, begin : self._count]
        return found

    def since(self, tick: float) -> int:
        """The first point at or after a tick."""
        return int(np.searchsorted(self.ticks, tick))

    def traffic_before(self, ago_s: float) -> Traffic:
        """The traffic so many seconds before the newest moment, or as far back as is known."""
        for at_s, traffic in reversed(self.traffic):
            if self.traffic[-1][0] - at_s >= ago_s:
                return traffic
        return self.traffic[0][1] if self.traffic else {}

    # What comes in.

    def apply(self, message: Message, now_s: float) -> None:
        """Takes one message in; `now_s` is any clock that only grows, seconds."""
        if isinstance(message, Snapshot):
            self._apply_snapshot(message, now_s)
        elif isinstance(message, Compiling):
            self.compiling = message
        elif isinstance(message, Hello):
            self.hello, self.compiling, self.refused = message, None, None
        elif isinstance(message, Refused):
            self.refused = message
        else:
            assert isinstance(message, Accepted)

    def _apply_snapshot(self, snapshot: Snapshot, now_s: float) -> None:
        before = self.latest
        if before is not None and (before.node, before.seed) != (snapshot.node, snapshot.seed):
            self._forget(0)
            self.events, self.log = [], []
        elif self._count and snapshot.tick <= self._ticks[self._count - 1]:
            # The same tick again replaces it; an earlier one is a node restarted from a checkpoint.
            self._forget(self.since(snapshot.tick))
            self.events = [event for event in self.events if event.tick <= snapshot.tick]
        if before is None or snapshot.tick != before.tick:
            self._smooth_traffic(snapshot, now_s)
        self.latest, self.latest_at_s = snapshot, now_s
        self.compiling, self.refused = None, None
        self._give_slots(snapshot)
        self._remember(snapshot.tick, _numbers(snapshot))
        known = {(event.tick, event.label) for event in self.events}
        new = [event for event in snapshot.events if (event.tick, event.label) not in known]
        self.events = sorted(self.events + new, key=lambda event: event.tick)[-EVENTS_MAX:]
        last = self.log[-1].number if self.log else -1
        self.log = (self.log + [line for line in snapshot.log if line.number > last])[-LOG_MAX:]

    def _smooth_traffic(self, snapshot: Snapshot, now_s: float) -> None:
        """Averages over moments: a road that is walked in no time holds another crowd in each."""
        before_s, before = self.traffic[-1] if self.traffic else (-math.inf, {})
        passed_s = now_s - before_s
        if 0 <= passed_s < TRAFFIC_S:
            return
        share = 1.0 - math.exp(-passed_s / SMOOTHING_S) if passed_s >= 0 else 1.0
        traffic: Traffic = {}
        for road in snapshot.roads:
            key = road.origin, road.destination
            old = before.get(key)
            if old is None:  # a road just opened has no past to average with
                traffic[key] = {good: float(count) for good, count in road.count.items()}
            else:
                traffic[key] = {
                    good: old.get(good, 0.0) * (1 - share) + road.count.get(good, 0) * share
                    for good in {**old, **road.count}
                }
        self.traffic.append((now_s, traffic))

    def _give_slots(self, snapshot: Snapshot) -> None:
        """A city or good keeps its colour for as long as this viewer lives."""
        new = [city for city in snapshot.cities if city.full_name not in self.slots]
        for city in sorted(new, key=lambda city: (city.name not in CITY_SLOTS, not city.own)):
            self.slots[city.full_name] = _free(self.slots, CITY_SLOTS.get(city.name))
        for good in sorted(snapshot.goods, key=lambda good: good.lower() not in GOOD_SLOTS):
            if good not in self.good_slots:
                wanted = GOOD_SLOTS.get(good.lower())
                self.good_slots[good] = _free(self.good_slots, wanted)

    # How it is kept.

    def _remember(self, tick: int, numbers: Iterable[tuple[Key, Number]]) -> None:
        if self._count == POINTS_MAX:
            half = POINTS_MAX // 2
            kept = np.concatenate((np.arange(0, half, 2), np.arange(half, POINTS_MAX)))
            self._ticks[: len(kept)] = self._ticks[kept]
            self._values[:, : len(kept)] = self._values[:, kept]
            self._forget(len(kept))
        elif self._count == len(self._ticks):
            self._ticks = np.concatenate((self._ticks, np.zeros_like(self._ticks)))
            wider = np.full_like(self._values, np.nan)
            self._values = np.concatenate((self._values, wider), axis=1)
        at = self._count
        self._ticks[at] = tick
        for key, value in numbers:
            if value is None or abs(value) > 1e38:  # beyond what float32 holds
                continue
            row = self._rows.get(key)
            if row is None:
                row = self._new_row(key)
                if row is None:
                    continue
            self._values[row, at] = value
        self._count = at + 1

    def _new_row(self, key: Key) -> int | None:
        row = len(self._rows)
        if row == ROWS_MAX:
            return None
        if row == len(self._values):
            longer = np.full_like(self._values, np.nan)
            self._values = np.concatenate((self._values, longer), axis=0)
        self._rows[key] = row
        return row

    def _forget(self, count: int) -> None:
        """Drops every point from `count` on."""
        self._values[:, count : self._count] = np.nan
        self._count = count


def _free(slots: dict[str, int], wanted: int | None) -> int:
    taken = set(slots.values())
    if wanted is not None and wanted not in taken:
        return wanted
    return next(slot for slot in range(len(taken) + 1) if slot not in taken)


def _numbers(snapshot: Snapshot) -> Iterable[tuple[Key, Number]]:
    """Every number of a snapshot that is plotted over time."""
    for city in snapshot.cities:
        yield from _city_numbers(city)
    for name, value in snapshot.series.items():
        yield Key("series", "", name), value


def _city_numbers(city: City) -> Iterable[tuple[Key, Number]]:
    for good, price in city.prices.items():
        yield Key("price", city.full_name, good), price
    for good, (low, high) in city.bands.items():
        yield Key("low", city.full_name, good), low
        yield Key("high", city.full_name, good), high
    for name, value in city.series.items():
        yield Key("series", city.full_name, name), value
