"""A school that sends its pupils into a city with some money and counts who comes back.

    python tools/merchant_school.py [HOST:PORT] [--merchants 10] [--seconds 60]

Run by people, beside a city node or any program that speaks the wire. It is written from
`protocol/SPEC.md` as a stranger would write it, by the standard library alone: it must not know our
packages. Each pupil carries a trait of the school in his genome, which a node keeps for the road
and gives back; by it the school knows him again. A city of chapter 8 drops the genome: who comes
from there is a visitor, counted and sent on his way, but nobody's name is known.
"""

import argparse
import contextlib
import json
import math
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

NAME = "SCHOOL"
HEARSAY_COINS = {"wood": 2.0, "chair": 10.0, "bed": 30.0}
"""The goods that every city is known to know, and what pupils have been told of their prices before
they see for themselves. Who looks for a better trade finds it by himself."""

START_COINS = 500.0
CAPACITY = 20
GUESTS_MAX = 64
GUEST_COINS_MAX = 2_000.0
"""A city bounds its guests: how many of one school, what one may carry and bring. Who has earned
more hands the rest to the school."""

REST_S = 0.5
"""Between two journeys. One who was turned back at the border must not knock without end."""

LAST_CALL_SHARE = 0.8
"""Of the time; after that nobody sets out any more, and the school waits for those under way."""

LINE_BYTES_MAX = 65_536
GREETING_S_MAX = 10.0
QUIET_S = 0.05
POLL_S = 0.05
GOODBYE_S = 1.0
SHOWN_MAX = 20
LIVE_PERIOD_S, PLAIN_PERIOD_S = 0.5, 5.0


# --- the wire ---


class Wire:
    """A connection with one city, greeted and quiet, as lines of JSON.

    Attributes:
        city: its name.
        closed: why the connection is over; empty while it is not.
        garbage: lines that were no merchant.
    """

    def __init__(self, host: str, port: int) -> None:
        self.closed = ""
        self.garbage = 0
        self._socket = socket.create_connection((host, port), GREETING_S_MAX)
        self._socket.sendall(f"{NAME}\n".encode())
        self._heard = b""
        self._skipping = False  # the rest of a line that is too long
        give_up_s = time.monotonic() + GREETING_S_MAX
        while b"\n" not in self._heard:
            if self.closed or time.monotonic() > give_up_s or len(self._heard) > LINE_BYTES_MAX:
                raise ConnectionError(f"no greeting: {self.closed or 'it does not end'}")
            self._hear(POLL_S)
        name, _, self._heard = self._heard.partition(b"\n")
        self.city = name.decode("utf-8", "replace").strip().upper()
        time.sleep(QUIET_S)

    def send(self, line: dict[str, Any]) -> None:
        """Write one merchant."""
        try:
            self._socket.settimeout(GREETING_S_MAX)
            self._socket.sendall(json.dumps(line).encode() + b"\n")
        except OSError as error:
            self.closed = self.closed or f"connection lost: {error}"

    def receive(self, seconds: float) -> list[dict[str, Any]]:
        """Merchants that arrive within so many seconds, as soon as there are any."""
        self._hear(seconds)
        *lines, self._heard = self._heard.split(b"\n")
        if self._skipping and lines:
            del lines[0]
            self._skipping = False
        if len(self._heard) > LINE_BYTES_MAX:
            self._heard, self._skipping = b"", True
        return [line for line in map(self._merchant, filter(None, lines)) if line]

    def _hear(self, seconds: float) -> None:
        try:
            self._socket.settimeout(seconds)
            data = self._socket.recv(LINE_BYTES_MAX)
            self._heard += data
            self.closed = self.closed or ("" if data else "closed by the city")
        except TimeoutError:
            pass
        except OSError as error:
            self.closed = self.closed or f"connection lost: {error}"

    def close(self) -> None:
        """Say that nothing more comes, and let the city read what did."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.settimeout(GOODBYE_S)
            while self._socket.recv(LINE_BYTES_MAX):
                pass
        self._socket.close()

    def _merchant(self, line: bytes) -> dict[str, Any] | None:
        try:
            fields = dict(json.loads(line))
            return fields | {
                "Money": coins(fields["Money"]),
                "BuysSells": str(fields["BuysSells"]),
                "Owned": int(fields["Owned"]),
                "ExpectedPrices": {
                    good: {city: coins(price) for city, price in by_city.items()}
                    for good, by_city in fields["ExpectedPrices"].items()
                },
            }
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.garbage += 1
            return None


def coins(value: Any) -> float:
    """A number off the wire.

    Raises:
        ValueError: it is none, or not finite: Python's parser lets NaN through.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(value)
    return float(value)


# --- the school ---


@dataclass
class Pupil:
    """One who is sent out.

    Attributes:
        number: he is known by it.
        line: he himself, as he goes over the wire.
        sent, back, turned_back: journeys begun; ended with something learned; ended at the border.
        earned_coins: over all his journeys, money and goods.
        ready_s: when he may set out; infinite while he is under way.
    """

    number: int
    line: dict[str, Any]
    sent: int = 0
    back: int = 0
    turned_back: int = 0
    earned_coins: float = 0.0
    ready_s: float = 0.0

    @property
    def under_way(self) -> bool:
        """Whether he is somewhere out there."""
        return self.sent > self.back + self.turned_back


@dataclass
class School:
    """All pupils, and those visiting.

    Attributes:
        visitors: the city's own merchants who came by, with the time at which they go home.
        visits: how many there were.
    """

    pupils: list[Pupil]
    visitors: deque[tuple[float, dict[str, Any]]] = field(default_factory=deque)
    visits: int = 0


def found_school(merchants: int, city: str) -> School:
    """A school with so many pupils, who know of a city by hearsay."""
    pupils = []
    goods = list(HEARSAY_COINS)
    for number in range(1, merchants + 1):
        line = {
            "Money": START_COINS,
            "BuysSells": goods[number % len(goods)],
            "CarryingCapacity": CAPACITY,
            "Owned": 0,
            "ExpectedPrices": {good: {city: price} for good, price in HEARSAY_COINS.items()},
            "genome": {NAME.lower(): number / GUESTS_MAX},  # exact: a 64th
        }
        pupils.append(Pupil(number, line))
    return School(pupils)


def teach(school: School, wire: Wire, seconds: float, show: Any) -> None:
    """Send and receive until the time is over or everybody is back after the last call.

    Args:
        show: called now and then, to show the school as it stands.
    """
    began_s = time.monotonic()
    last_call_s = began_s + seconds * LAST_CALL_SHARE
    while not wire.closed and time.monotonic() < began_s + seconds:
        now_s = time.monotonic()
        if now_s < last_call_s:
            send_out(school, wire, now_s)
        elif not any(pupil.under_way for pupil in school.pupils):
            break
        while school.visitors and school.visitors[0][0] <= now_s:
            wire.send(school.visitors.popleft()[1])
        for line in wire.receive(POLL_S):
            welcome(school, line, time.monotonic())
        show(school, now_s - began_s)
    for _, visitor in school.visitors:
        wire.send(visitor)
    school.visitors.clear()


def send_out(school: School, wire: Wire, now_s: float) -> None:
    """Send all who are here and have rested."""
    for pupil in school.pupils:
        if pupil.ready_s <= now_s:
            wire.send(pupil.line)
            pupil.sent += 1
            pupil.ready_s = float("inf")


def welcome(school: School, line: dict[str, Any], now_s: float) -> None:
    """Take in who has arrived: a pupil known by his trait, or a visitor."""
    genome = line.get("genome")
    mark = genome.get(NAME.lower()) if isinstance(genome, dict) else None
    pupil = next((p for p in school.pupils if mark == p.number / GUESTS_MAX and p.under_way), None)
    if pupil is None:
        school.visits += 1
        school.visitors.append((now_s + REST_S, line))
        return
    pupil.ready_s = now_s + REST_S
    if line == pupil.line:  # the very line, as a border turns back whom it does not let in
        pupil.turned_back += 1
        return
    pupil.back += 1
    pupil.earned_coins += worth_coins(line) - worth_coins(pupil.line)
    pupil.line = line | {"Money": min(line["Money"], GUEST_COINS_MAX)}


def worth_coins(line: dict[str, Any]) -> float:
    """His money, and what he carries at the most he expects to get for it."""
    prices = line["ExpectedPrices"].get(line["BuysSells"], {})
    return float(line["Money"] + line["Owned"] * max([0.0, *prices.values()]))


# --- what people see ---


def learned(school: School) -> dict[str, dict[str, float]]:
    """Good → city → what the pupils who have been out expect there, on average."""
    heard: dict[str, dict[str, list[float]]] = {}
    for pupil in school.pupils:
        for good, by_city in pupil.line["ExpectedPrices"].items() if pupil.back else ():
            for city, price in by_city.items():
                heard.setdefault(good, {}).setdefault(city, []).append(float(price))
    return {
        good: {city: sum(prices) / len(prices) for city, prices in sorted(by_city.items())}
        for good, by_city in sorted(heard.items())
    }


def summary(school: School) -> str:
    """One line with the totals."""
    sent = sum(pupil.sent for pupil in school.pupils)
    back = sum(pupil.back for pupil in school.pupils)
    turned_back = sum(pupil.turned_back for pupil in school.pupils)
    earned_coins = sum(pupil.earned_coins for pupil in school.pupils)
    return (
        f"sent {sent}, under way {sent - back - turned_back}, back {back}, "
        f"turned back {turned_back}, earned {earned_coins:.2f} coins; visitors {school.visits}"
    )


def table(school: School, city: str, elapsed_s: float) -> list[str]:
    """The school as lines of text."""
    lines = [
        f"{NAME} to {city}, {elapsed_s:.0f} s: {summary(school)}",
        "pupil  sent  back  now        good      owned    coins   earned",
    ]
    for pupil in school.pupils[:SHOWN_MAX]:
        here = "under way" if pupil.under_way else "at school"
        line = pupil.line
        lines.append(
            f"{pupil.number:5}  {pupil.sent:4}  {pupil.back:4}  {here:9}  {line['BuysSells']:8.8}"
            f"  {line['Owned']:5}  {line['Money']:7.2f}  {pupil.earned_coins:7.2f}"
        )
    if len(school.pupils) > SHOWN_MAX:
        lines.append(f"       and {len(school.pupils) - SHOWN_MAX} more")
    board = learned(school)
    if board:
        lines.append("learned: coins they expect for a unit")
    for good, by_city in board.items():
        prices = "  ".join(f"{name} {price:.2f}" for name, price in by_city.items())
        lines.append(f"  {good:8.8}  {prices}")
    return lines


class Display:
    """Redraws the table in a terminal; elsewhere says the totals now and then."""

    def __init__(self, city: str) -> None:
        self._city = city
        self._drawn = 0
        self._due_s = 0.0
        self._live = sys.stdout.isatty()

    def __call__(self, school: School, elapsed_s: float, last: bool = False) -> None:
        """Show the school, if it is time."""
        if elapsed_s < self._due_s and not last:
            return
        self._due_s = elapsed_s + (LIVE_PERIOD_S if self._live else PLAIN_PERIOD_S)
        if not self._live and not last:
            print(f"{elapsed_s:.0f} s: {summary(school)}", flush=True)
            return
        lines = table(school, self._city, elapsed_s)
        up = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
        print(up + "\n".join(lines), flush=True)
        self._drawn = len(lines) if self._live else 0


def arguments_given() -> argparse.Namespace:
    """What the user typed, checked."""
    parser = argparse.ArgumentParser(description="Send merchants, count who comes back.")
    parser.add_argument("address", nargs="?", default="127.0.0.1:55555", metavar="HOST:PORT")
    parser.add_argument("--merchants", type=int, default=10, help=f"1 to {GUESTS_MAX}; default 10")
    parser.add_argument("--seconds", type=float, default=60.0, help="default 60")
    given = parser.parse_args()
    host, _, port = given.address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        parser.error(f"address = {given.address!r}: must be HOST:PORT")
    if not 1 <= given.merchants <= GUESTS_MAX:
        parser.error(f"merchants = {given.merchants}: must be from 1 to {GUESTS_MAX}")
    if not 0 < given.seconds <= 1e6:
        parser.error(f"seconds = {given.seconds:g}: must be above 0, up to 1e+06")
    given.host, given.port = host.strip("[]"), int(port)
    return given


def main() -> None:
    """Open the school, teach, and show what came of it."""
    given = arguments_given()
    try:
        wire = Wire(given.host, given.port)
    except OSError as error:
        sys.exit(f"merchant_school: {given.address}: {error}")
    school = found_school(given.merchants, wire.city)
    display = Display(wire.city)
    began_s = time.monotonic()
    try:
        teach(school, wire, given.seconds, display)
    except KeyboardInterrupt:
        print()
    display(school, time.monotonic() - began_s, last=True)
    wire.close()
    if wire.closed:
        sys.exit(f"merchant_school: {wire.closed}")


if __name__ == "__main__":
    main()
