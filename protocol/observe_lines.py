"""The observer protocol as bytes: `encode` for what goes out, two readers for what comes in.

The node feeds each observer's bytes to a `CommandReader`; observers feed a node's bytes to a
`SnapshotReader`. What the messages mean is in `protocol/observe.py`; what a command does is the
node's business and unknown here. A reader never keeps more than a line's bound.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from protocol.observe import (
    COMMAND_BYTES_MAX,
    MESSAGE_BYTES_MAX,
    VERSION,
    Command,
    Hello,
    Message,
    Refused,
)


class ObserveError(ValueError):
    """The other side sent what is no message of this protocol; the text is one clear line."""


_encoder = msgspec.json.Encoder()
_messages = msgspec.json.Decoder(Message)
_requests = msgspec.json.Decoder(Hello | Command)
_TAGS: Final = frozenset({"hello", "compiling", "snapshot", "accepted", "refused"})


class _Tag(msgspec.Struct):
    t: str


_tag = msgspec.json.Decoder(_Tag)


def encode(message: Message | Command) -> bytes:
    """One line, newline included.

    Raises:
        ObserveError: a command that its own reader would refuse (NaN encodes as null, a text may
            hold a control character), or a message longer than the reader's bound.
    """
    line = _encoder.encode(message)
    if isinstance(message, Command | Hello):
        _decode(_requests, line)
        if len(line) >= COMMAND_BYTES_MAX:
            raise ObserveError(f"command of {len(line)} bytes; the limit is {COMMAND_BYTES_MAX}")
    elif len(line) >= MESSAGE_BYTES_MAX:
        raise ObserveError(f"message of {len(line)} bytes; the limit is {MESSAGE_BYTES_MAX}")
    return line + b"\n"


class CommandReader:
    """The node's end of one observer: bytes in, commands out, and a refusal when it is over."""

    def __init__(self, *, token: str | None = None) -> None:
        """`token`, when given, must be the first line's before anything is acted on or shown."""
        self._lines = _Lines(COMMAND_BYTES_MAX)
        self._token = token
        self._begun = False
        self.greeted = token is None  # snapshots may be sent
        self.refusal: Refused | None = None  # the last line to send before closing

    def receive(self, data: bytes) -> tuple[list[Command], Refused | None]:
        """What arrived: the commands before the first bad line, and that line's refusal if any.

        After a refusal the connection is to be closed; whatever else arrives is ignored.
        """
        commands: list[Command] = []
        try:
            # Nothing is decoded behind a bad line: each is taken only when the last was good.
            for line in self._lines.receive(data) if self.refusal is None else ():
                command = self._command(line)
                if command is not None:
                    commands.append(command)
        except ObserveError as error:
            self.refusal = Refused(str(error), closing=True)
        return commands, self.refusal

    def _command(self, line: bytes) -> Command | None:
        request = _decode(_requests, line)
        first, self._begun = not self._begun, True
        if not isinstance(request, Hello):
            if not self.greeted:
                raise ObserveError("this node asks for a token: send hello with it first")
            return request
        if not first:
            raise ObserveError("hello: only as the first line")
        if request.version != VERSION:
            raise ObserveError(f"version: {request.version}; this node speaks {VERSION}")
        if self._token is not None:
            # Compared in constant time, and never repeated in the answer.
            given = (request.token or "").encode()
            if not hmac.compare_digest(given, self._token.encode()):
                raise ObserveError("token: not the one this node gave")
        self.greeted = True
        return None


class SnapshotReader:
    """The observer's end: bytes in, messages out. Tags of later versions are passed over."""

    def __init__(self) -> None:
        self._lines = _Lines(MESSAGE_BYTES_MAX)

    def receive(self, data: bytes) -> list[Message]:
        """The messages completed by these bytes.

        Raises:
            ObserveError: a line that is no message; nothing after it is to be believed.
        """
        messages: list[Message] = []
        for line in self._lines.receive(data):
            try:
                messages.append(_decode(_messages, line))
            except ObserveError:
                if _decode(_tag, line).t in _TAGS:
                    raise
        return messages


class _Lines:
    """Cuts bytes into lines, none longer than a bound."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._rest = bytearray()

    def receive(self, data: bytes) -> Iterable[bytes]:
        begin = 0
        while (end := data.find(b"\n", begin)) >= 0:
            self._rest += data[begin : min(end, begin + self._bytes_max)]
            begin = end + 1
            self._check()
            line, self._rest = bytes(self._rest), bytearray()
            yield line
        # What is over the bound is never kept, only counted as one byte too many.
        self._rest += data[begin : begin + self._bytes_max]
        self._check()

    def _check(self) -> None:
        if len(self._rest) >= self._bytes_max:
            raise ObserveError(f"line longer than {self._bytes_max - 1} bytes")


def _decode(decoder: msgspec.json.Decoder[Any], line: bytes) -> Any:
    """The message in a line; every way in which a decoder fails becomes one kind of error."""
    try:
        return decoder.decode(line)
    except RecursionError:
        raise ObserveError("nested too deeply") from None
    except UnicodeDecodeError:
        raise ObserveError("not UTF-8") from None
    except msgspec.MsgspecError as error:
        raise ObserveError(f"not a message of this protocol: {error}") from None
