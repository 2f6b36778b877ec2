"""A small blocking client: how another program plays a city.

For other people's programs, in a thread or script of their own; the node itself never calls it.
This is the one module here with a socket and a clock; it must not know more of the protocol than
`Connection` tells it.

    from protocol.client import CityClient
    from protocol.limits import MINOR_PER_COIN
    from protocol.messages import Merchant

    with CityClient("PythonCity", "127.0.0.1", 55555) as city:
        merchant = Merchant(
            money_minor=1000 * MINOR_PER_COIN, good="chair", capacity=20, owned=3,
            expected_prices={"chair": {"PYTHONCITY": 9.5, city.name: 12.0}},
        )
        city.send(merchant)
        for visitor in city.receive(seconds=60):
            print(visitor.good, visitor.money_minor / MINOR_PER_COIN)
            city.send(visitor)
"""

import contextlib
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final

from protocol.connection import Connection
from protocol.events import Closed, Event, Greeted, Merchants, Ready, Refused, Returned, Send
from protocol.limits import LINE_BYTES_MAX
from protocol.messages import Merchant, decode_merchant, encode_merchant

GOODS: Final = ("wood", "chair", "thread", "bed", "fur")
"""What a client deals in unless it says otherwise: the goods of both chapters."""

GOODBYE_S_MAX: Final = 1.0
"""How long the city may take to close its side once we have closed ours."""

_REFUSALS_KEPT_MAX: Final = 100


class CityClient:
    """A connection to one city, as a context manager; connects and greets on entry.

    Args:
        name: what this program is called in the network; 1–64 bytes.
        host: where the city listens.
        port: its TCP port.
        goods: goods this program deals in; a merchant of any other goes back by himself.
        newline: end our name with a newline (chapter 8, and any city node). False lets the city
            speak first and answers in its form, which a chapter 7 program needs; a city node then
            takes 1.5 s longer.
        timeout_s: how long to wait for the connection, the greeting, or a city that does not read.

    Attributes:
        name: the name of the city, in upper case, once connected.
        refused: reasons for which lines of the city were refused, the newest 100.
        closed: why the connection is over; empty while it is not.
    """

    def __init__(
        self,
        name: str,
        host: str = "127.0.0.1",
        port: int = 55555,
        *,
        goods: Iterable[str] = GOODS,
        newline: bool = True,
        timeout_s: float = 10.0,
    ) -> None:
        self.name = ""
        self.refused: deque[str] = deque(maxlen=_REFUSALS_KEPT_MAX)
        self.closed = ""
        self._own_name = name
        self._address = (host, port)
        self._goods = tuple(goods)
        self._newline = newline
        self._timeout_s = timeout_s
        self._ready = False
        self._arrived: deque[Merchant] = deque()
        self._going_back: list[bytes] = []

    def __enter__(self) -> "CityClient":
        """Connect, exchange names and wait until merchants may be sent.

        Raises:
            OSError: when there is nobody; ConnectionError (one of them) when he does not greet.
        """
        self._socket = socket.create_connection(self._address, timeout=self._timeout_s)
        self._connection = Connection(
            self._own_name,
            goods=self._goods,
            dialling=True,
            now_s=time.monotonic(),
            speak_first=self._newline,
        )
        try:
            give_up_s = time.monotonic() + self._timeout_s
            while not self._ready:
                self._wait(give_up_s)
                if self.closed:
                    raise ConnectionError(f"no greeting: {self.closed}")
                if time.monotonic() >= give_up_s:
                    raise TimeoutError(f"no greeting within {self._timeout_s:g} s")
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection; merchants on their way to us are lost, as this wire has it.

        Those we have sent are not: closing with bytes unread would reset the connection, and the
        city would lose what it has not read itself.
        """
        give_up_s = time.monotonic() + GOODBYE_S_MAX
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            while (wait_s := give_up_s - time.monotonic()) > 0:
                self._socket.settimeout(wait_s)
                if not self._socket.recv(LINE_BYTES_MAX):
                    break
        self._socket.close()

    def send(self, *merchants: Merchant) -> None:
        """Send merchants, whatever they deal in.

        A city node sends back a merchant whose good it does not know. A chapter 7 or 8 program
        dies of one: send it only what it knows.

        Raises:
            LineError: for a merchant that the city would refuse; none of them is sent then.
            OSError: when the connection is over, or the city has not read for `timeout_s`.
        """
        lines = [encode_merchant(merchant) for merchant in merchants]
        for line in lines:
            decode_merchant(line)  # the checks the city will make
        if self.closed:
            raise ConnectionError(self.closed)
        self._write(b"".join(lines))

    def receive(self, seconds: float) -> Iterator[Merchant]:
        """Merchants as they arrive, until `seconds` have passed or the connection is over."""
        give_up_s = time.monotonic() + seconds
        while True:
            while self._arrived:
                yield self._arrived.popleft()
            if self.closed or time.monotonic() >= give_up_s:
                return
            self._wait(give_up_s)

    def _wait(self, give_up_s: float) -> None:
        """Wait for bytes, a deadline of the protocol or `give_up_s`, and act on what happens."""
        wait_s = min(self._connection.deadline_s, give_up_s) - time.monotonic()
        try:
            # Zero would make the socket non-blocking; a millisecond late harms nobody.
            self._socket.settimeout(max(wait_s, 0.001))
            try:
                data = self._socket.recv(LINE_BYTES_MAX)
            except TimeoutError:
                events = self._connection.tick(time.monotonic())
            else:
                events = self._connection.receive(data, time.monotonic())
            for event in events:
                self._act(event)
            if self._ready and self._going_back:
                self._write(b"".join(self._going_back))
                self._going_back.clear()
        except OSError as error:
            self.closed = f"connection lost: {error}"

    def _act(self, event: Event) -> None:
        match event:
            case Send(data):
                self._write(data)
            case Greeted(name):
                self.name = name
            case Ready():
                self._ready = True
            case Merchants():
                self._arrived.extend(event)
            case Returned(_, line):
                self._going_back.append(line)
            case Refused(reason):
                self.refused.append(reason)
            case Closed(reason):
                self.closed = reason

    def _write(self, data: bytes) -> None:
        self._socket.settimeout(self._timeout_s)
        self._socket.sendall(data)
