"""One connection with anybody's program, on the legacy wire: greeting, framing, manners. No I/O.

Driven by `city_node/network/travelway.py` and client.py: bytes and the time go in, events come out,
and `deadline_s` says when to call `tick`. It must not know sockets, cities or what merchants do;
the time is any clock in seconds that does not go back.

The conversation. Each side says its name once, then both write lines, one merchant each, and
nobody acknowledges anything. There are two dialects, by the form of the name: chapter 7 says it
raw and takes the first read whole as ours; chapter 8 ends it with a newline. So:

- We mirror the peer's form. A name ends at the first newline (chapter 8), at the first `{`, or
  when nothing followed it for 250 ms (chapter 7).
- After our name is out and theirs is in we send nothing for 50 ms: a peer of chapter 7 would take
  it for a part of our name. `Ready` says when that is over.
- Dialling, we let the other side speak first. Who is silent for 1.5 s waits for us, and gets our
  name with a newline. `speak_first` is for a peer known to wait.
- Accepting, we wait to be spoken to. After 3.0 s of silence the peer may be a client that reads
  first: it gets our name raw. If it then turns out to want more, a newline, it gets the rest.
- No whole name within 10 s closes the connection.

A full name, `NAME@NODE`, is that of a city of a node, which proves it by its key
(node_connection.py): here, where anybody may say anything, it is refused. A peer gets only goods it
is known to know, because an unknown one would kill it: those it has named itself; wood, chair and
bed until it has named one. Genes travel to those who have sent some.
"""

import enum
from collections import deque
from collections.abc import Callable, Container, Iterable
from math import inf
from typing import Final, TypeAlias

from protocol.bulk import BulkDecoder, ReadColumns
from protocol.checks import LineError, check_name, shown
from protocol.events import Closed, Dialect, Event, Greeted, Merchants, Ready, Refused, Send
from protocol.limits import (
    DIALLER_SILENCE_S,
    FULL_NAME_BYTES_MAX,
    GREETING_S_MAX,
    LINE_BYTES_MAX,
    LISTENER_SILENCE_S,
    NAME_QUIET_S,
    QUIET_S,
    REFUSALS_MAX,
    REFUSALS_WINDOW_S,
)
from protocol.messages import Merchant, encode_merchant

GOODS_OF_BOTH_CHAPTERS: Final = frozenset({"wood", "chair", "bed"})


class State(enum.Enum):
    """Where the conversation stands."""

    SILENT = "nothing heard yet"
    NAMING = "hearing the peer's name"
    QUIET = "both names said, not yet writing"
    OPEN = "both writing merchants"
    CLOSED = "over"


class NotReadyError(RuntimeError):
    """Merchants were to be sent before `Ready`."""


Input: TypeAlias = Callable[["Connection"], None]


class Connection:
    """One connection, from the first byte to the last.

    Args:
        name: our city.
        node: the name of our node, which nobody is told here: cities of ours go by their plain
            names in what merchants believe; empty for a program that is not a node.
        goods: the goods known here, in the order their numbers should have in `Merchants`.
        dialling: whether we dialled or accepted.
        now_s: the time.
        speak_first: say our name at once (dialling a peer known to wait for it).
        names_taken: names in upper case that a peer may not have, looked up when it says its own.
        read_columns: a quick reader of lines, as `protocol.bulk` has it; None: line by line.
    """

    def __init__(
        self,
        name: str,
        *,
        node: str = "",
        goods: Iterable[str],
        dialling: bool,
        now_s: float,
        speak_first: bool = False,
        names_taken: Container[str] = (),
        read_columns: ReadColumns | None = None,
    ) -> None:
        self.state = State.SILENT
        self.peer_name = ""
        self._name = name.upper()
        self._node_suffix = f"@{node.upper()}" if node else ""
        self._dialling = dialling
        self._names_taken = names_taken
        self._decoder = BulkDecoder(goods, read_columns)
        self._events: list[Event] = []
        self._peer_has_genes = False  # it has sent some
        self._said = b""  # of our greeting
        self._heard = b""  # and not yet understood; below LINE_BYTES_MAX after every call
        self._skipping = False  # the rest of a line that was too long
        self._refused_at_s: deque[float] = deque(maxlen=REFUSALS_MAX)
        self._now_s = now_s
        self._last_heard_s = now_s
        self._give_up_s = now_s + GREETING_S_MAX
        silence_s = DIALLER_SILENCE_S if dialling else LISTENER_SILENCE_S
        self.deadline_s = now_s if speak_first else now_s + silence_s
        """When `tick` has something to do; infinite when it has not."""

    @property
    def goods_known(self) -> frozenset[str]:
        """Our goods in which a merchant may deal who travels there."""
        ours = frozenset(self._decoder.goods)
        return ours & (self._decoder.goods_seen or GOODS_OF_BOTH_CHAPTERS)

    def receive(self, data: bytes, now_s: float) -> list[Event]:
        """Take what a read returned.

        Args:
            data: bytes of any length (64 KB is best); none when the peer has stopped writing.
            now_s: the time.
        """
        self._pass_time(now_s)
        if self.state is State.CLOSED:
            return self._take_events()
        if data:
            self._heard += data
            on_bytes, _ = self._TABLE[self.state]
            on_bytes(self)
        else:
            self._hear_end()
        return self._take_events()

    def tick(self, now_s: float) -> list[Event]:
        """Do what is due; to be called at `deadline_s`, harmless at any other time."""
        self._pass_time(now_s)
        return self._take_events()

    def send_merchants(self, merchants: Iterable[Merchant]) -> tuple[bytes, list[Merchant]]:
        """Put merchants on the wire.

        Returns:
            The bytes to write, and those who cannot go there and stay home: they deal in a good
            the peer does not know, expect no price of any it does, or are beyond what a careful
            peer accepts. After `Closed` everybody stays.

        Raises:
            NotReadyError: before `Ready`.
        """
        if self.state is State.CLOSED:
            return b"", list(merchants)
        if self.state is not State.OPEN:
            raise NotReadyError(f"merchants cannot be sent yet: {self.state.value}")
        goods, suffix = self.goods_known, self._node_suffix
        lines = []
        staying = []
        for merchant in merchants:
            try:
                lines.append(
                    encode_merchant(
                        merchant, goods=goods, home_suffix=suffix, genome=self._peer_has_genes
                    )
                )
            except LineError:
                staying.append(merchant)
        return b"".join(lines), staying

    def close(self, reason: str) -> Closed:
        """End the conversation for a reason of the caller's own."""
        self.state = State.CLOSED
        self.deadline_s = inf
        self._heard = b""
        return Closed(reason)

    # --- time ---

    def _pass_time(self, now_s: float) -> None:
        self._now_s = now_s
        while now_s >= self.deadline_s:
            _, on_deadline = self._TABLE[self.state]
            on_deadline(self)

    def _break_silence(self) -> None:
        if self._said:
            self._close(f"no greeting within {GREETING_S_MAX:g} s")
            return
        if self._dialling:
            self._say_name(self._name, Dialect.CHAPTER_8)
        else:
            self._say_name(self._name, Dialect.CHAPTER_7)
        self.deadline_s = self._give_up_s

    def _end_waiting_for_name(self) -> None:
        if self._now_s >= self._last_heard_s + NAME_QUIET_S:
            self._know_name(self._heard, Dialect.CHAPTER_7, rest=b"")
        else:
            self._close(f"no whole greeting within {GREETING_S_MAX:g} s")

    def _open(self) -> None:
        self.state = State.OPEN
        self.deadline_s = inf
        self._events.append(Ready())

    # --- greeting ---

    def _say_name(self, name: str, dialect: Dialect) -> None:
        """Say our name, or what is still missing of it."""
        greeting = name.encode() + (b"\n" if dialect is Dialect.CHAPTER_8 else b"")
        rest = greeting[len(self._said) :]
        if rest and greeting.startswith(self._said):
            self._said = greeting
            self._events.append(Send(rest))

    def _hear_name(self) -> None:
        self.state = State.NAMING
        head = self._heard[: FULL_NAME_BYTES_MAX + 2]  # a carriage return and a newline
        ends = [end for end in (head.find(b"\n"), head.find(b"{")) if end >= 0]
        if not ends:
            self._last_heard_s = self._now_s
            self.deadline_s = min(self._now_s + NAME_QUIET_S, self._give_up_s)
            if len(head) > FULL_NAME_BYTES_MAX + 1:
                self._close(f"name {shown(head)} does not end")
            return
        end = min(ends)
        if head[end : end + 1] == b"\n":
            self._know_name(head[:end], Dialect.CHAPTER_8, rest=self._heard[end + 1 :])
        else:
            self._know_name(head[:end], Dialect.CHAPTER_7, rest=self._heard[end:])

    def _know_name(self, raw: bytes, dialect: Dialect, *, rest: bytes) -> None:
        try:
            said = raw.decode().strip(" \r")
            name = said.upper()
            check_name("name", name)
        except UnicodeDecodeError:
            self._close(f"name {shown(raw)} is not UTF-8")
            return
        except LineError as error:
            self._close(str(error))
            return
        if "@" in name:
            self._close(f"name {shown(name)} is a node's, which has to prove it over TLS")
            return
        if name == self._name or name in self._names_taken:
            self._close(f"name {shown(name)} is already in sight")
            return
        self.peer_name = name
        self._events.append(Greeted(name, dialect, _spelled(said)))
        self._say_name(self._name, dialect)
        self.state = State.QUIET
        self.deadline_s = self._now_s + QUIET_S
        self._heard = rest
        self._hear_lines()

    # --- lines ---

    def _hear_lines(self) -> None:
        """Cut what was heard into blocks of whole lines, none over LINE_BYTES_MAX: the last
        newline is looked for in steps that no longer line fits into, so that it does not matter
        how the bytes were chunked."""
        heard = self._heard
        start = 0
        while self.state is not State.CLOSED:
            if self._skipping:
                start = heard.find(b"\n", start) + 1
                self._skipping = start == 0
                if self._skipping:
                    start = len(heard)
            end = start
            while further := heard.rfind(b"\n", end, end + LINE_BYTES_MAX) + 1:
                end = further
            if end > start:
                self._decode(heard[start:end])
                start = end
            elif len(heard) - start >= LINE_BYTES_MAX:
                self._skipping = True
                self._refuse(Refused(f"line is over {LINE_BYTES_MAX:,} bytes"))
            else:
                self._heard = heard[start:]
                return

    def _decode(self, block: bytes) -> None:
        for event in self._decoder.decode(block):
            if isinstance(event, Refused):
                self._refuse(event)
            else:
                if isinstance(event, Merchants) and event.traits:
                    self._peer_has_genes = True
                self._events.append(event)
            if self.state is State.CLOSED:
                return

    def _refuse(self, event: Refused) -> None:
        self._events.append(event)
        self._refused_at_s.append(self._now_s)
        if (
            len(self._refused_at_s) == REFUSALS_MAX
            and self._now_s - self._refused_at_s[0] <= REFUSALS_WINDOW_S
        ):
            self._close(f"{REFUSALS_MAX} lines refused within {REFUSALS_WINDOW_S:g} s")

    # --- the end ---

    def _hear_end(self) -> None:
        if self.state in (State.QUIET, State.OPEN) and self._heard:
            self._heard += b"\n"  # a last line whole but for its newline is still a line
            self._hear_lines()
        if self.state is not State.CLOSED:
            self._close("closed by the peer")

    def _close(self, reason: str) -> None:
        self._events.append(self.close(reason))

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _nothing(self) -> None:
        """An open connection has no deadline, a closed one hears nothing more."""

    # --- the whole machine: what bytes do, and what the deadline does ---

    _TABLE: Final[dict[State, tuple[Input, Input]]] = {
        State.SILENT: (_hear_name, _break_silence),
        State.NAMING: (_hear_name, _end_waiting_for_name),
        State.QUIET: (_hear_lines, _open),
        State.OPEN: (_hear_lines, _nothing),
        State.CLOSED: (_nothing, _nothing),
    }


def _spelled(said: str) -> str:
    """A name as people see it: the wire shouts, RIVERWOOD is Riverwood."""
    return said if said != said.upper() else said.title()
