"""A node: the cities of one process, run window by window until somebody says stop.

`run` is what the command line calls. The world is advanced in worker threads (kernels release the
interpreter's lock); all else happens in trio between the windows.
"""

import contextlib
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import trio

from city_node import observer, travelway, websocket, window
from city_node.config import Config, Wishes, resolve
from city_node.control import Control
from city_node.crossing import give_inputs, take_abroad
from city_node.errors import ConfigError
from city_node.gauges import Gauges
from city_node.history import history_file
from city_node.log import Log
from city_node.meeting import meet_others, open_listeners, tell_ports
from city_node.metrics import Metrics, served
from city_node.network import Network
from city_node.node_name import claimed_name
from city_node.observer import Observers
from city_node.pace import Pace
from city_node.running import Running, noted, token_file
from city_node.signals import Signals
from city_node.status import Status
from city_node.world import (
    BalanceError,
    Job,
    World,
    close_window,
    found_world,
    open_window,
    report,
    run_job,
    window_ticks,
)
from protocol.observe import Hello

Offload = Callable[..., Any]
"""How blocking work leaves trio's thread: `await offload(function, *arguments)`."""


@dataclass(frozen=True)
class Run:
    """What is asked of one run, beside the world.

    Attributes:
        ticks: how many more; None: until a signal.
        headless: no window.
        report: where the report goes at every clean end; None: nowhere.
        history: where every snapshot's series go; None: nowhere.
        log_json: log and status as JSON lines.
        metrics_port, websocket_port: of the adapters on loopback; None: they are not served.
    """

    ticks: int | None = None
    headless: bool = False
    report: Path | None = None
    history: Path | None = None
    log_json: bool = False
    metrics_port: int | None = None
    websocket_port: int | None = None


def run(wishes: Wishes, asked: Run) -> None:
    """Run cities until a signal, or for so many ticks; then write the report.

    Args:
        wishes: flags and environment.

    Raises:
        ConfigError: what was asked for is impossible; nothing has run.
        SystemExit: 1 when the books do not balance.
    """
    config = resolve(wishes)
    if asked.ticks is not None and asked.ticks < 0:
        raise ConfigError(f"ticks = {asked.ticks}: must be 0 or more")
    if asked.report:
        check_writable("report", asked.report)
    if asked.history:
        check_writable("history", asked.history)
    try:
        world = found_world(config)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    started_s = time.perf_counter()
    with claimed_name(config.node_name) as name, Signals() as signals:
        try:
            trio.run(run_node, world, config, name, asked, signals)
        except BaseExceptionGroup as errors:
            first = first_of(errors)
            if isinstance(first, BalanceError):
                sys.exit(f"city-node: {first}")
            if isinstance(first, ConfigError):
                raise first from None
            raise
        if asked.report:
            written = report(world, name, time.perf_counter() - started_s)
            asked.report.write_text(json.dumps(written) + "\n", "utf-8")


def check_writable(field: str, path: Path) -> None:
    """Refuse, before anything runs, a file that cannot be written.

    Raises:
        ConfigError: field, value and why.
    """
    existed = path.exists()
    try:
        path.open("a").close()
        if not existed:
            path.unlink()
    except OSError as error:
        raise ConfigError(f"{field} = '{path}': cannot be written ({error.strerror})") from None


class View(Protocol):
    """Whoever is shown the world between windows: observers, status lines, the history file."""

    def look(self, world: World) -> None:
        """Look, if it is time to."""


@dataclass(frozen=True)
class Node:
    """What the window loop works with."""

    world: World
    threads: int
    network: Network
    pace: Pace
    observers: Observers
    control: Control
    views: Sequence[View]


async def run_node(
    world: World, config: Config, name: str, asked: Run, signals: Signals | None = None
) -> None:
    """The window loop, with all that lives beside it, until the ticks are done or a signal comes.

    Args:
        signals: what may stop it; None: only a command, or who cancels it.

    Raises:
        ConfigError: a port asked for is in use.
    """
    network = Network(name, world_goods(config), Log(as_json=asked.log_json))
    listeners = await open_listeners(world, config.network)
    pace = Pace(config.speed_ticks_per_s, asked.ticks)
    threads = config.threads or len(os.sched_getaffinity(0))
    async with trio.open_nursery() as nursery:
        if signals:
            signals.cancel(nursery.cancel_scope)
        for city, bound in zip(world.cities, listeners, strict=True):
            await nursery.start(travelway.listen, network, city, bound)
        boot = secrets.token_hex(16)
        nursery.start_soon(meet_others, network, world, config.network, listeners, boot)
        with contextlib.ExitStack() as beside:
            gauges = Gauges(network.log)
            observers = await observed(nursery, beside, config, network, pace, gauges, listeners)
            history = beside.enter_context(history_file(asked.history, gauges))
            if asked.websocket_port is not None:
                await nursery.start(websocket.serve, observers, asked.websocket_port)
            if not asked.headless:
                beside.enter_context(window.opened(observers.listening_at))
            status = beside.enter_context(Status(world, pace, as_json=asked.log_json))
            control = Control(network, pace, nursery)
            views: list[View] = [gauges, observers, history, status]
            if asked.metrics_port is not None:
                metrics = served(Metrics(network, pace), asked.metrics_port)
                views.append(beside.enter_context(metrics))
            tell_ports(world, config.network, listeners, network.log)
            await run_windows(Node(world, threads, network, pace, observers, control, views))
        nursery.cancel_scope.cancel()


async def run_windows(node: Node) -> None:
    """Commands and arrivals in, a window, departures and pictures out; until the pace says stop."""
    world, network = node.world, node.network
    while True:
        node.observers.act_on_commands(world, node.control.act)
        wished = await node.pace.next_ticks()
        if wished is None:
            return
        with trio.CancelScope(shield=True):  # a window once begun is finished
            give_inputs(network, world)
            if wished:
                jobs = open_window(world, window_ticks(world, wished))
                engine_s = await run_jobs(jobs, node.threads, trio.to_thread.run_sync)
                close_window(world, jobs)
                node.pace.passed(jobs[0].ticks, engine_s)
                take_abroad(network, world)
            for view in node.views:
                view.look(world)


async def observed(
    nursery: trio.Nursery,
    beside: contextlib.ExitStack,
    config: Config,
    network: Network,
    pace: Pace,
    gauges: Gauges,
    listeners: list[list[trio.SocketListener]],
) -> Observers:
    """Listen for observers, and leave a note where verbs find it, for as long as `beside` lasts."""
    bound = await observer.open_listener(config.observe_bind, config.observe_port)
    token, token_path = None, ""
    if not observer.is_loopback(config.observe_bind):
        token, token_path = beside.enter_context(token_file())
    observers = Observers(
        network=network,
        pace=pace,
        gauges=gauges,
        address=address_of(listeners[0][0]),
        listening_at=address_of(bound[0]),
        token=token,
    )
    cities = [city.name for city in config.cities]
    hello = Hello(node=network.node, cities=cities, goods=list(network.goods))
    await nursery.start(observer.serve, observers, bound, hello)
    note = Running(network.node, os.getpid(), cities, observers.listening_at, token_path)
    beside.enter_context(noted(note))
    return observers


def address_of(listener: trio.SocketListener) -> str:
    """HOST:PORT of a listening socket."""
    host, port = listener.socket.getsockname()[:2]
    return f"{host}:{port}"


def world_goods(config: Config) -> tuple[str, ...]:
    """What may travel: the goods that can be traded, in the world's order."""
    return tuple(name for name, good in config.cities[0].goods.items() if not good.leisure)


async def run_jobs(jobs: list[Job], threads: int, offload: Offload) -> float:
    """Advance all cities of a window, on so many threads; one hop to a thread for each.

    Returns:
        Seconds the slowest thread worked; not how long it was waited for, which a busy network
        makes longer, and windows would then become ever shorter.
    """
    took_s: list[float] = []
    async with trio.open_nursery() as nursery:
        for thread in range(min(threads, len(jobs))):
            nursery.start_soon(offload, run_in_turn, jobs[thread::threads], took_s)
    return max(took_s)


def run_in_turn(jobs: list[Job], took_s: list[float]) -> None:
    """What one thread does in a window."""
    started_s = time.perf_counter()
    for job in jobs:
        run_job(job)
    took_s.append(time.perf_counter() - started_s)


def first_of(errors: BaseException) -> BaseException:
    """The first error in a group of groups."""
    while isinstance(errors, BaseExceptionGroup):
        errors = errors.exceptions[0]
    return errors
