"""Observers: viewers and programs that watch a node and steer it, over a loopback socket.

Snapshots go out, the latest wins: one who reads slowly gets fewer and slows nobody. Commands come
in, are queued, and become inputs of the next window; `protocol.observe_lines` decides what is one.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import trio

from city_node.cities.gauges import Gauges
from city_node.cities.world import World
from city_node.errors import ConfigError
from city_node.machine import Bound, Machine, Stream
from city_node.network.network import Network
from city_node.observing.snapshot import snapshot
from city_node.observing.window import Taken, Window
from city_node.pace import Pace
from city_node.running import Running, token_file
from city_node.settings.config import Config
from protocol import observe
from protocol.observe_lines import CommandReader, encode

SNAPSHOTS_PER_S = 20.0
SNAPSHOT_COST_SHARE = 0.05
"""Of the window loop's time: a big city is shown less often."""

OBSERVERS_MAX = 32
"""Connections; each costs a copy of the newest snapshot on its way out."""

COMMANDS_MAX = 1_024
"""Waiting for the next window; an observer that sends more is not read meanwhile."""

RECEIVE_BYTES = 65_536


@dataclass(eq=False)
class Observer:
    """One connection.

    Attributes:
        newest: the message to be written next, replaced by the one after it.
        answers: written before it, in order.
    """

    reader: CommandReader
    newest: bytes = b""
    answers: deque[bytes] = field(default_factory=deque)
    wake: trio.Event = field(default_factory=trio.Event)
    writing: bool = False

    def say(self, answer: observe.Message) -> None:
        """Queue an answer to a command."""
        self.answers.append(encode(answer))
        self.wake.set()

    def show(self, line: bytes) -> None:
        """Let a message replace the one that waits."""
        self.newest = line
        self.wake.set()


@dataclass
class Observers:
    """All connections of a node, and the commands that wait for its next window.

    Attributes:
        address: where peers reach the node.
        listening_at: where observers do.
        token: that an observer must give; None: it need not, on loopback.
    """

    network: Network
    pace: Pace
    gauges: Gauges
    address: str
    listening_at: str
    token: str | None = None
    watching: list[Observer] = field(default_factory=list)
    commands: deque[tuple[Observer, observe.Command]] = field(default_factory=deque)
    drained: trio.Event = field(default_factory=trio.Event)
    _answers: list[tuple[Observer, observe.Message]] = field(default_factory=list)
    _due_s: float = 0.0

    def look(self, world: World) -> None:
        """Show the world to whoever watches, if it is time; called between windows."""
        now_s = trio.current_time()
        if not self.watching or now_s < self._due_s:
            return
        began_s = time.thread_time()  # a busy machine must not make pictures rarer than they cost
        line = encode(snapshot(world, self.network, self.pace, self.gauges, self.address))
        for observer in self.watching:
            if observer.reader.greeted:
                observer.show(line)
        cost_s = time.thread_time() - began_s
        self._due_s = now_s + max(1.0 / SNAPSHOTS_PER_S, cost_s / SNAPSHOT_COST_SHARE)

    def act_on_commands(self, world: World, act: Callable[[World, observe.Command], None]) -> None:
        """Let each waiting command act, between windows; `answer` says what came of it."""
        while self.commands:
            observer, command = self.commands.popleft()
            try:
                act(world, command)
            except ValueError as error:
                answer: observe.Message = observe.Refused(str(error), id=command.id)
            else:
                answer = observe.Accepted(id=command.id, tick=world.tick)
            self._answers.append((observer, answer))
            self._due_s = 0.0
        self.drained.set()

    def answer(self) -> None:
        """Answer the commands that have acted, once what they did is durable."""
        for observer, answer in self._answers:
            observer.say(answer)
        self._answers.clear()


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an IP address."""
    return ipaddress.ip_address(address).is_loopback


async def open_listener(bind: str, port: int, machine: Machine) -> Bound:
    """The socket for observers.

    Args:
        port: 0 takes any free one.

    Raises:
        ConfigError: the port is in use, or the address is not this machine's.
    """
    try:
        return await machine.listen(port, bind)
    except OSError as error:
        raise ConfigError(
            f"observe_port = {port} on observe_bind = {bind!r}: {error.strerror or error}"
        ) from None


async def observed(
    nursery: trio.Nursery,
    beside: contextlib.ExitStack,
    config: Config,
    network: Network,
    pace: Pace,
    gauges: Gauges,
    listeners: list[Bound],
    seen_by: Window | None = None,
) -> Observers:
    """Listen for observers, and leave a note where verbs find it, for as long as `beside` lasts.

    Args:
        seen_by: the window, whose conversation goes on.
    """
    machine = network.machine
    bound = await open_listener(config.observe_bind, config.observe_port, machine)
    token, token_path = None, ""
    if not is_loopback(config.observe_bind):
        token, token_path = beside.enter_context(token_file())
    observers = Observers(
        network=network,
        pace=pace,
        gauges=gauges,
        address=f"{listeners[0].host}:{listeners[0].port}" if listeners else "",
        listening_at=f"{bound.host}:{bound.port}",
        token=token,
    )
    cities = [city.name for city in config.cities]
    hello = observe.Hello(node=network.node, cities=cities, goods=list(network.goods))
    taken = seen_by.take() if seen_by else None
    await nursery.start(serve, observers, bound, hello, taken)
    note = Running(network.node, os.getpid(), cities, observers.listening_at, token_path)
    beside.enter_context(machine.noted(note))
    return observers


async def serve(
    observers: Observers,
    bound: Bound,
    hello: observe.Hello,
    taken: Taken | None = None,
    *,
    task_status: trio.TaskStatus[Any] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Accept observers until cancelled, and the window, which has a token of its own."""

    async def accepted(token: str | None, stream: Stream) -> None:
        async with stream:
            await speak(stream, Observer(CommandReader(token=token)))

    async def speak(stream: Stream, observer: Observer) -> None:
        if len(observers.watching) >= OBSERVERS_MAX:
            full = observe.Refused(f"observers = {OBSERVERS_MAX}: no more are let in", closing=True)
            with trio.move_on_after(1.0):
                await stream.send_all(encode(full))
            return
        observers.watching.append(observer)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_write, observer, stream, hello)
                await _read(observers, observer, stream)
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            pass
        finally:
            observers.watching.remove(observer)

    async with trio.open_nursery() as nursery:
        if taken:
            window = partial(accepted, taken.token)
            for connection in taken.connections:
                known = trio.socket.from_stdlib_socket(connection)
                nursery.start_soon(window, trio.SocketStream(known))
            listener = trio.SocketListener(trio.socket.from_stdlib_socket(taken.listener))
            nursery.start_soon(trio.serve_listeners, window, [listener])
        others = partial(accepted, observers.token)
        await trio.serve_listeners(others, bound.listeners, task_status=task_status)


async def _read(observers: Observers, observer: Observer, stream: Stream) -> None:
    while data := bytes(await stream.receive_some(RECEIVE_BYTES)):
        commands, refusal = observer.reader.receive(data)
        observers.commands.extend((observer, command) for command in commands)
        if refusal is not None:
            with trio.move_on_after(1.0):
                observer.say(refusal)
                while observer.answers or observer.writing:
                    await trio.sleep(0.01)
            return
        observer.wake.set()
        while len(observers.commands) >= COMMANDS_MAX:
            observers.drained = trio.Event()
            await observers.drained.wait()


async def _write(observer: Observer, stream: Stream, hello: observe.Hello) -> None:
    greeted = False
    while True:
        data = b""
        if observer.reader.greeted and not greeted:
            greeted = True
            data = encode(hello)
        data += b"".join(observer.answers) + observer.newest
        observer.answers.clear()
        observer.newest = b""
        observer.writing = bool(data)
        if data:
            await stream.send_all(data)
        else:
            await observer.wake.wait()
            observer.wake = trio.Event()
