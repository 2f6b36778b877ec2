"""The observer stream over WebSocket, for web pages and whoever has no raw socket: an adapter.

    out   {"type": "state_update", "timestamp": s, "tick": n, "data": {...}}
          {"type": "accepted" or "refused", "data": {...}}
    in    {"type": "control", "command": "pause", "params": {}}

What they mean is `protocol.observe`. On loopback only; of pages, those of this machine are let in:
their Origin is checked. Needs the extra `websocket`.
"""

import json
import time
from urllib.parse import urlsplit

import msgspec
import trio

from city_node.errors import ConfigError
from city_node.observing.observer import OBSERVERS_MAX, Observer, Observers
from protocol.observe import COMMAND_BYTES_MAX, Command, Refused
from protocol.observe_lines import CommandReader

HOST = "127.0.0.1"
ORIGIN_HOSTS = ("localhost", "127.0.0.1", "::1")


class Control(msgspec.Struct, forbid_unknown_fields=True):
    """What a page sends."""

    type: str
    command: str
    params: dict[str, msgspec.Raw] = {}


async def serve(
    observers: Observers,
    port: int,
    *,
    task_status: trio.TaskStatus[object] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Accept WebSockets until cancelled.

    Raises:
        ConfigError: the port is in use.
    """
    import trio_websocket

    async def handle(request: trio_websocket.WebSocketRequest) -> None:
        if not _is_of_this_machine(dict(request.headers).get(b"origin")):
            await request.reject(403, body=b"this origin is not let in")
            return
        if len(observers.watching) >= OBSERVERS_MAX:
            await request.reject(503, body=b"too many observers")
            return
        connection = await request.accept()
        observer = Observer(CommandReader())
        observers.watching.append(observer)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_write, connection, observer)
                while True:
                    _take(observers, observer, await connection.get_message())
        except* trio_websocket.ConnectionClosed:
            pass
        finally:
            observers.watching.remove(observer)

    try:
        await trio_websocket.serve_websocket(
            handle, HOST, port, None, max_message_size=COMMAND_BYTES_MAX, task_status=task_status
        )
    except OSError as error:
        raise ConfigError(f"websocket_port = {port}: {error.strerror or error}") from None


def _is_of_this_machine(origin: bytes | None) -> bool:
    """Programs send no Origin; pages do, and may come from anywhere."""
    if origin is None:
        return True
    try:
        return urlsplit(origin.decode("latin-1")).hostname in ORIGIN_HOSTS
    except ValueError:
        return False


def _take(observers: Observers, observer: Observer, message: str | bytes) -> None:
    try:
        control = msgspec.json.decode(message, type=Control)
        if control.type != "control":
            raise msgspec.ValidationError(f"type = {control.type!r}: must be control")
        fields = {**control.params, "t": msgspec.Raw(msgspec.json.encode(control.command))}
        command: Command = msgspec.json.decode(msgspec.json.encode(fields), type=Command)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        observer.say(Refused(f"not a control message: {error}"))
        return
    observers.commands.append((observer, command))


async def _write(connection: object, observer: Observer) -> None:
    while True:
        lines = [*observer.answers, *([observer.newest] if observer.newest else [])]
        observer.answers.clear()
        observer.newest = b""
        for line in lines:
            await connection.send_message(_wrapped(line))  # type: ignore[attr-defined]
        if not lines:
            await observer.wake.wait()
            observer.wake = trio.Event()


def _wrapped(line: bytes) -> str:
    """A line of the observer protocol as a page expects it."""
    data = json.loads(line)
    kind = data.pop("t")
    if kind != "snapshot":
        return json.dumps({"type": kind, "data": data})
    update = {"type": "state_update", "timestamp": time.time(), "tick": data["tick"]}
    return json.dumps(update | {"data": data})
