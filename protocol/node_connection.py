"""The conversation of two nodes over one authenticated stream of bytes, version 2. No I/O.

Driven by `city_node`'s travel-ways: bytes and the time go in, events come out; `deadline_s` says
when to call `tick`, and `read_at_s` not to read before. It must not know TLS (the peer's id is
handed in), sockets, journals or what merchants do; pairs.py keeps the books.

The conversation. Both say hello at once. Who accepted the connection lets the dialler in by a
welcome, as soon as it is decided that he may come in: at once, or when somebody has said so. The
dialler welcomes after he was welcomed, so that a node never hears a long line of a stranger. The
link is up for whoever has said and heard a welcome. Books stand in the welcome, not in the hello:
of two connections dialled at once one is closed, and what it said in between must not count.

Before it is welcomed a peer may say hello, ping and error. Until then, and as long as nobody trusts
it, it is read slowly; who is trusted is bounded by credit. Silence for 45 s ends the link; each
says ping when it had nothing else to say for 15 s.
"""

import enum
from collections.abc import Iterable, Sequence
from math import inf
from typing import TypeAlias

import msgspec

from protocol.checks import LineError, shown
from protocol.events import Send
from protocol.limits import (
    DEAD_S,
    HELLO_BYTES_MAX,
    HELLO_S_MAX,
    LINE_BYTES_MAX,
    LINE_S_MAX,
    NEWS_S,
    NODE_VERSIONS,
    PING_S,
    TEXT_CHARS_MAX,
    UNKNOWN_BYTES_PER_S,
    UNKNOWN_MESSAGES_BURST,
    UNKNOWN_MESSAGES_PER_S,
)
from protocol.node_lines import decode, encode
from protocol.node_messages import (
    Accept,
    CharteredCity,
    Credit,
    Done,
    Drain,
    Error,
    Hello,
    Message,
    News,
    PairMessage,
    Ping,
    Refuse,
    Welcome,
)


class LinkState(enum.Enum):
    """Where the conversation stands."""

    GREETING = "no hello yet"
    MET = "hello heard, not yet welcome"
    UP = "welcome said and heard"
    CLOSED = "over"


class Met(msgspec.Struct, frozen=True):
    """The peer has said hello; decide whether it may come in.

    Attributes:
        hello: whoever it is, its id is the one handed in.
        version: the highest that both speak.
    """

    hello: Hello
    version: int


class Welcomed(msgspec.Struct, frozen=True):
    """We may come in. Who dialled says his welcome now (`Pairs.greet`); then `Pairs.connect`."""

    welcome: Welcome


class Heard(msgspec.Struct, frozen=True):
    """Messages on a link that is up, in order: of migrations, accounts, news, drain."""

    messages: list[Message]


class Ended(msgspec.Struct, frozen=True):
    """Write what was sent before, close the stream.

    Attributes:
        reason: for the log, in one line.
        offence: an act no honest peer commits: keep this node's key out for an hour.
        code: the peer's, where it was the peer who ended it by a word.
    """

    reason: str
    offence: bool = False
    code: str = ""


NodeEvent: TypeAlias = Send | Met | Welcomed | Heard | Ended


class _Bucket:
    """What may be read of a stranger: so much at once, and so much a second."""

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at_s = now_s

    def spend(self, amount: float, now_s: float) -> float:
        """Take what was read already; returns when more may be read."""
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s) - amount
        self._at_s = now_s
        return now_s - min(0.0, self._left) / self._per_s


class NodeConnection:
    """One connection with another node, from the first byte inside TLS to the last.

    Args:
        hello: ours: who we are and the cities that the link is for.
        peer_id: of the node at the other end, as its certificate has it.
        dialling: whether we dialled or accepted.
        now_s: the time, of any clock in seconds that does not go back.

    Attributes:
        peer: its hello, once heard.
        version: chosen then.
        trusted: whether the peer, once it is welcomed, may be read as fast as it writes.
    """

    def __init__(self, hello: Hello, *, peer_id: str, dialling: bool, now_s: float) -> None:
        self.state = LinkState.GREETING
        self.peer: Hello | None = None
        self.version = 0
        self.read_at_s = now_s
        """When more may be read from a stranger, or a peer not welcomed yet."""
        self.trusted = False
        self._hello = hello
        self._peer_id = peer_id
        self._dialling = dialling
        self._ours = frozenset(city.name for city in hello.cities)
        self._theirs: frozenset[str] = frozenset()
        self._welcomed = False  # by us
        self._heard = bytearray()  # no whole line; below the longest one after every call
        self._line_since_s = inf
        self._events: list[NodeEvent] = []
        self._messages: list[Message] = []
        self._news_at_s: dict[str, float] = {}
        self._bytes = _Bucket(UNKNOWN_BYTES_PER_S, UNKNOWN_BYTES_PER_S, now_s)
        self._lines = _Bucket(UNKNOWN_MESSAGES_PER_S, UNKNOWN_MESSAGES_BURST, now_s)
        self._now_s = self._began_s = self._heard_s = self._said_s = now_s
        self._greeted = False

    @property
    def deadline_s(self) -> float:
        """When `tick` has something to do; infinite when it has not."""
        if self.state is LinkState.CLOSED:
            return inf
        if not self._greeted:
            return self._began_s
        hello_s = self._began_s + HELLO_S_MAX if self.state is LinkState.GREETING else inf
        line_s = self._line_since_s + LINE_S_MAX
        return min(hello_s, line_s, self._heard_s + DEAD_S, self._said_s + PING_S)

    def receive(self, data: bytes, now_s: float) -> list[NodeEvent]:
        """Take what a read returned.

        Args:
            data: bytes of any length (64 KB is best); none when the peer has stopped writing.
            now_s: the time.
        """
        self._pass_time(now_s)
        if self.state is LinkState.CLOSED:
            return self._take_events()
        if not data:
            self._end("closed by the peer")
            return self._take_events()
        self._heard_s = now_s
        self._hear(data)
        return self._take_events()

    def tick(self, now_s: float) -> list[NodeEvent]:
        """Do what is due; to be called at once, and at `deadline_s`."""
        self._pass_time(now_s)
        return self._take_events()

    def send(self, messages: Sequence[Message], now_s: float) -> bytes:
        """The bytes to write for messages that may be said now (`Pairs.written`, news, …).

        Nothing once the conversation is over, or for a peer that has not been welcomed.
        """
        if self.state is LinkState.CLOSED:
            return b""
        for message in messages:
            if isinstance(message, Welcome):
                assert self.state is not LinkState.GREETING
                assert self.state is LinkState.UP or not self._dialling, "welcomed too early"
                self._welcomed = True
                self.read_at_s = now_s
        if not self._welcomed or not messages:
            return b""
        self._said_s = now_s
        return encode(messages)

    def close(self, code: str, detail: str, *, offence: bool = False) -> list[NodeEvent]:
        """End the conversation for a reason of the caller's own: a fatal error is its last line.

        For a `Contradiction` code "rolled_back", for an `Offence` "offence" and `offence=True`.
        """
        self._fail(code, detail, offence=offence)
        return self._take_events()

    # --- time ---

    def _pass_time(self, now_s: float) -> None:
        self._now_s = now_s
        if self.state is LinkState.CLOSED:
            return
        if not self._greeted:
            self._greeted = True
            self._say(self._hello)
        if self.state is LinkState.GREETING and now_s >= self._began_s + HELLO_S_MAX:
            self._fail("too_slow", f"no hello within {HELLO_S_MAX:g} s")
        elif now_s >= self._line_since_s + LINE_S_MAX:
            self._fail("too_slow", f"a line was not ended within {LINE_S_MAX:g} s")
        elif now_s >= self._heard_s + DEAD_S:
            self._end(f"silent for {DEAD_S:g} s")
        elif now_s >= self._said_s + PING_S:
            self._say(Ping())

    # --- lines ---

    def _hear(self, data: bytes) -> None:
        slow = not (self._welcomed and self.trusted)
        end = data.rfind(b"\n") + 1
        lines: list[bytes] = []
        if end or not self._heard:
            self._line_since_s = self._now_s
        if end:
            lines = b"".join((self._heard, data[:end])).split(b"\n")[:-1]
            self._heard = bytearray(data[end:])
        else:
            self._heard += data
        for line in lines:
            if len(line) >= self._line_bytes_max:
                self._too_long()
            elif line and not line.isspace():
                self._take(line)
            if self.state is LinkState.CLOSED:
                return
        if len(self._heard) >= self._line_bytes_max:
            self._too_long()
        if not self._heard:
            self._line_since_s = inf
        self._hand_over()
        if slow:
            slow_s = self._bytes.spend(len(data), self._now_s)
            self.read_at_s = max(slow_s, self._lines.spend(len(lines), self._now_s))

    @property
    def _line_bytes_max(self) -> int:
        known = self._welcomed or (self._dialling and self.state is not LinkState.GREETING)
        return LINE_BYTES_MAX if known else HELLO_BYTES_MAX

    def _too_long(self) -> None:
        self._fail("too_long", f"a line is over {self._line_bytes_max:,} bytes", offence=True)

    def _take(self, line: bytes) -> None:
        try:
            message = decode(line)
        except LineError as error:
            self._fail("malformed", str(error), offence=True)
            return
        match message:
            case Ping():
                pass  # time has been noted
            case Error():
                if message.fatal:
                    said = f"the peer says {message.code}: {message.detail}"
                    self._end(said, code=message.code)
            case Hello():
                self._meet(message)
            case Welcome():
                self._be_welcomed(message)
            case _ if self.state is not LinkState.UP or not self._welcomed:
                self._fail("too_early", f"{_tag(message)} before the link is up", offence=True)
            case News():
                self._hear_news(message)
            case Drain():
                self._messages.append(message)
            case _:
                self._check_pair(message)
                self._messages.append(message)

    def _meet(self, hello: Hello) -> None:
        if self.state is not LinkState.GREETING:
            self._fail("twice", "a second hello", offence=True)
            return
        if hello.id != self._peer_id:
            self._fail("wrong_id", f"id {shown(hello.id)} is not the certificate's", offence=True)
            return
        common = set(hello.versions) & set(self._hello.versions)
        if not common:
            self._fail("version", f"versions {self._hello.versions} are spoken here")
            return
        taken = sorted(self._ours & {city.name for city in hello.cities})
        if taken:
            self._fail("name_taken", f"city {shown(taken[0])} is ours; use another --node-name")
            return
        self.state = LinkState.MET
        self.peer = hello
        self.version = max(common)
        self._theirs = frozenset(city.name for city in hello.cities)
        self._events.append(Met(hello, self.version))

    def _be_welcomed(self, welcome: Welcome) -> None:
        early = self.state is LinkState.GREETING or not (self._dialling or self._welcomed)
        if early or self.state is LinkState.UP:
            self._fail("too_early", "a welcome out of turn", offence=True)
        elif welcome.version != self.version:
            self._fail("version", f"version {welcome.version} was not agreed on", offence=True)
        else:
            self.state = LinkState.UP
            self._events.append(Welcomed(welcome))

    def _hear_news(self, news: News) -> None:
        if news.city not in self._theirs:
            self._fail("not_yours", f"news of {shown(news.city)}", offence=True)
        elif self._now_s >= self._news_at_s.get(news.city, -inf) + NEWS_S:
            self._news_at_s[news.city] = self._now_s
            self._messages.append(news)

    def _check_pair(self, message: PairMessage) -> None:
        """Answers name our city first, everything else the peer's."""
        ours, theirs = message.receiver, message.sender
        if isinstance(message, Accept | Refuse | Done | Credit):
            ours, theirs = theirs, ours
        if ours not in self._ours or theirs not in self._theirs:
            said = f"{_tag(message)} of {shown(message.sender)} and {shown(message.receiver)}"
            self._fail("not_yours", f"{said}, no pair of this link", offence=True)

    # --- saying, and the end ---

    def _say(self, message: Message) -> None:
        self._said_s = self._now_s
        self._events.append(Send(encode([message])))

    def _fail(self, code: str, detail: str, *, offence: bool = False) -> None:
        if self.state is not LinkState.CLOSED:
            self._hand_over()
            self._say(Error(code=code, detail=detail[:TEXT_CHARS_MAX]))
            self._end(detail, offence=offence)

    def _end(self, reason: str, *, offence: bool = False, code: str = "") -> None:
        self._hand_over()
        self.state = LinkState.CLOSED
        self._heard = bytearray()
        self._events.append(Ended(reason, offence, code))

    def _hand_over(self) -> None:
        """What was heard so far comes before whatever is said or decided next."""
        if self._messages:
            self._events.append(Heard(self._messages))
            self._messages = []

    def _take_events(self) -> list[NodeEvent]:
        events, self._events = self._events, []
        return events


def hello_of(
    node_id: str,
    boot: str,
    cities: Iterable[tuple[str, str]],
    rotations: Sequence[str] = (),
) -> Hello:
    """Our hello, checked: `cities` as (full name in upper case, charter).

    Raises:
        LineError: a name or charter is none, or all do not fit into a hello.
    """
    hello = Hello(
        versions=list(NODE_VERSIONS),
        id=node_id,
        boot=boot,
        cities=[CharteredCity(*city) for city in cities],
        rotations=list(rotations),
    )
    line = encode([hello])
    decode(line)
    if len(line) >= HELLO_BYTES_MAX:
        raise LineError(f"cities of the node fill {len(line):,} bytes, at most {HELLO_BYTES_MAX:,}")
    return hello


def _tag(message: Message) -> str:
    return type(message).__name__.lower()
