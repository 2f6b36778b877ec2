"""Emulators of the Go programs of chapters 7 and 8: as slow as they are, and as fragile.

Written from the facts of the wire, not from their source: standard library, threads, and nothing
of this project. Whatever would make one of them crash, freeze or lose what it was sent ends the
emulator, which then says what killed it.

A little world lives in each, 60 frames a second: merchants listen to its prices and set out
again. Nobody elsewhere changes what a merchant expects here, so by what he expected of wood when he
left he is known again when he comes back.
"""

import contextlib
import json
import queue
import random
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any, NoReturn

FRAMES_PER_S = 60
STEPS_PER_FRAME = 100
"""Of one connection, one merchant is taken a step."""

CHANNEL_MERCHANTS = 100
"""Waiting on either side of a connection; beyond these the program stands still until there is
room again."""

LEAVE_PROBABILITY = 0.2
"""Of a merchant, in a frame."""


@dataclass(frozen=True)
class Chapter:
    """What tells the two programs apart."""

    number: int
    goods: tuple[str, ...]

    def greeting(self, name: str) -> bytes:
        """Its own name as it says it."""
        return (name if self.number == 7 else name + "\n").encode()

    def read_name(self, stream: socket.socket) -> str:
        """The other's name: the whole first read, or everything up to a newline.

        Raises:
            Killed: something was sent along with the name.
        """
        heard = stream.recv(1024)
        if self.number == 8:
            while heard and b"\n" not in heard:
                heard += stream.recv(1024)
            name, _, rest = heard.partition(b"\n")
            if b"{" in name or rest:
                raise Killed(f"something came along with the name: {heard!r}")
        else:
            name = heard
            if b"{" in name:
                raise Killed(f"something came along with the name: {heard!r}")
        if not heard:
            raise ConnectionError("closed before a name was said")
        return name.decode()


CHAPTER_7 = Chapter(7, ("wood", "chair", "thread", "bed"))
CHAPTER_8 = Chapter(8, ("wood", "chair", "fur", "bed"))
PRICES = {"wood": 9.0, "chair": 33.0, "thread": 3.0, "bed": 70.0, "fur": 12.0}


class Killed(Exception):
    """What would have crashed the program."""


@dataclass(eq=False)
class Link:
    """One connection: its channels, and the other's name."""

    stream: socket.socket
    name: str = ""
    arriving: queue.Queue = field(default_factory=lambda: queue.Queue(CHANNEL_MERCHANTS))
    leaving: queue.Queue = field(default_factory=lambda: queue.Queue(CHANNEL_MERCHANTS))


class LegacyPeer:
    """One such program, alive from construction until `close`, or until something kills it.

    Args:
        chapter: which of the two.
        name: of its city.
        merchants: born there.
        eager: whether the first merchant follows the name at once, in one segment with it.

    Attributes:
        killed_by: what killed it; empty while it lives.
        names: what those connected to it are called, as it understood them.
        taken: merchants who came in.
        came_back: of those born here, (as he was sent, as he came back) each.
        cities_named: in expected prices of those who came in.
    """

    def __init__(
        self, chapter: Chapter, name: str, merchants: int = 10, *, eager: bool = False
    ) -> None:
        self.chapter = chapter
        self.name = name
        self.killed_by = ""
        self.names: list[str] = []
        self.taken = 0
        self.came_back: list[tuple[dict, dict]] = []
        self.cities_named: set[str] = set()
        self._eager = eager
        self._sent: dict[float, dict] = {}
        self._links: list[Link] = []
        self._listener: socket.socket | None = None
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._random = random.Random(name)
        self._town = [self._born(number) for number in range(merchants)]
        self._start(self._live)

    def _born(self, number: int) -> dict[str, Any]:
        good = self.chapter.goods[number % len(self.chapter.goods)]
        expected = {good: {self.name: PRICES[good]} for good in self.chapter.goods}
        return {
            "Money": 1000.0 - number,
            "BuysSells": good,
            "CarryingCapacity": 20,
            "Owned": number % 20,
            "ExpectedPrices": expected,
        }

    # --- what a test does with it ---

    def listen(self) -> int:
        """Accept whoever dials; returns the port."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)
        return self._listener.getsockname()[1]

    def dial(self, stream: socket.socket) -> None:
        """Speak on a connection that was just made to somebody."""
        self._speak(stream)

    def close(self) -> None:
        """End it, as closing its window does."""
        self._over.set()
        for link in self._links:
            _shut(link.stream)
        if self._listener:
            _shut(self._listener)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    # --- the threads ---

    def _start(self, function: Any, *arguments: Any) -> None:
        def guarded() -> None:
            try:
                function(*arguments)
            except Killed as reason:
                self.killed_by = self.killed_by or str(reason)
                self._over.set()
                for link in self._links:
                    _shut(link.stream)
            except OSError:
                pass  # a connection that closed; the others go on

        thread = threading.Thread(target=guarded, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            stream, _ = self._listener.accept()
            self._speak(stream)

    def _speak(self, stream: socket.socket) -> None:
        """Both say their names at once; then one thread reads and one writes."""
        stream.settimeout(None)
        link = Link(stream)
        self._links.append(link)
        greeting = self.chapter.greeting(self.name)
        stream.sendall(greeting + self._line(self._town.pop()) if self._eager else greeting)
        self._start(self._read, link)
        self._start(self._write, link)

    def _read(self, link: Link) -> None:
        link.name = self.chapter.read_name(link.stream)
        self.names.append(link.name)
        with link.stream.makefile("rb") as lines:
            for line in lines:
                _put(link.arriving, self.merchant_of(line), self._over)

    def _write(self, link: Link) -> None:
        while not self._over.is_set():
            try:
                line = link.leaving.get(timeout=0.1)
            except queue.Empty:
                continue
            link.stream.sendall(line)

    def merchant_of(self, line: bytes) -> dict[str, Any]:
        """A merchant out of his line, with the faults of the program.

        Raises:
            Killed: it would have crashed.
        """
        try:
            merchant = json.loads(line, parse_constant=_no_number)
        except ValueError:
            raise Killed(f"not JSON: {line!r}") from None
        if not isinstance(merchant, dict):
            raise Killed(f"not an object: {line!r}")
        if merchant.get("BuysSells") not in self.chapter.goods:
            raise Killed(f"unknown good as BuysSells: {line!r}")
        expected = merchant.get("ExpectedPrices")
        if not expected and self.chapter.number == 8:
            raise Killed(f"empty ExpectedPrices: {line!r}")
        for good, by_city in (expected or {}).items():
            if good not in self.chapter.goods:
                raise Killed(f"unknown good in ExpectedPrices: {line!r}")
            if by_city is None or None in by_city.values():
                raise Killed(f"null in ExpectedPrices: {line!r}")
        return merchant

    # --- the world ---

    def _live(self) -> None:
        """Frame by frame: let in, listen, let go."""
        while not self._over.wait(1 / FRAMES_PER_S):
            links = [link for link in self._links if link.name]
            for link in links:
                for _ in range(STEPS_PER_FRAME):
                    try:
                        self._let_in(link.arriving.get_nowait())
                    except queue.Empty:
                        break
            staying = []
            for merchant in self._town:
                self._listen_to_prices(merchant)
                if links and self._random.random() < LEAVE_PROBABILITY:
                    link = self._random.choice(links)
                    _put(link.leaving, self._line(merchant), self._over)
                else:
                    staying.append(merchant)
            self._town = staying

    def _let_in(self, merchant: dict[str, Any]) -> None:
        self.taken += 1
        for by_city in merchant["ExpectedPrices"].values():
            self.cities_named.update(by_city)
        passport = merchant["ExpectedPrices"].get("wood", {}).get(self.name)
        if passport in self._sent:
            self.came_back.append((self._sent.pop(passport), merchant))
        self._town.append(merchant)

    def _listen_to_prices(self, merchant: dict[str, Any]) -> None:
        for good in self.chapter.goods:
            by_city = merchant["ExpectedPrices"].setdefault(good, {})
            own = by_city.get(self.name, PRICES[good])
            by_city[self.name] = own + 0.1 * (PRICES[good] * self._random.uniform(0.9, 1.1) - own)

    def _line(self, merchant: dict[str, Any]) -> bytes:
        line = json.dumps(merchant)
        self._sent[merchant["ExpectedPrices"]["wood"][self.name]] = json.loads(line)
        return line.encode() + b"\n"


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _put(channel: queue.Queue, item: Any, over: threading.Event) -> None:
    """Wait for room, for as long as the program lives."""
    while not over.is_set():
        try:
            channel.put(item, timeout=0.1)
        except queue.Full:
            continue
        return


def _shut(stream: socket.socket) -> None:
    """Close a socket that other threads are using."""
    with contextlib.suppress(OSError):  # closed already by the other side, or a listener
        stream.shutdown(socket.SHUT_RDWR)
    stream.close()


def tutorial_client(stream: socket.socket) -> bytes:
    """The custom client that the tutorial ships, step by step; returns what came back.

    Args:
        stream: a new connection to a city.
    """
    stream.sendall(b"PythonCity")
    name = stream.recv(1024)
    assert name, "no name came"
    time.sleep(1)
    for _ in range(10):
        stream.sendall(tutorial_line())
    came = stream.recv(1024)
    stream.close()
    return came


def tutorial_line() -> bytes:
    """A merchant of that client: 668 bytes, prices of four goods in four cities."""
    cities = ("RIVERWOOD", "SEASIDE", "WINTERHOLD", "PORTSVILLE")
    base = {"bed": 54.3, "chair": 31.27, "thread": 2.7, "wood": 5.9}
    merchant = {
        "Money": 1211.4840283764513,
        "BuysSells": "chair",
        "CarryingCapacity": 20,
        "Owned": 3,
        "ExpectedPrices": {
            good: {city: price * (1 + (number + 1) / 7) for number, city in enumerate(cities)}
            for good, price in base.items()
        },
    }
    return json.dumps(merchant).encode() + b"\n"
