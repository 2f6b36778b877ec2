"""A node: the cities of one process, run window by window until somebody says stop.

`run` is what the command line calls. The world is advanced in worker threads (kernels release the
interpreter's lock); all else happens in trio between the windows.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import trio

from city_node.cities.advance import (
    BalanceError,
    Job,
    close_window,
    open_window,
    run_job,
    window_ticks,
)
from city_node.cities.report import report
from city_node.cities.world import City, World
from city_node.cores import usable_cores
from city_node.durability.checkpoint import Quotas
from city_node.durability.keeping import Keeping, StuckError
from city_node.durability.opened import opened
from city_node.errors import ConfigError
from city_node.identity.keys import introduce
from city_node.identity.node_name import claimed_name
from city_node.identity.trust import home_folder, own_names
from city_node.log import Log
from city_node.machine import Machine
from city_node.network.crossing import addressed, give_inputs, take_abroad
from city_node.network.departures import Departure, leave
from city_node.network.linking import Own, linked
from city_node.network.meeting import listen, meet_others, open_listeners, tell_ports
from city_node.network.migrating import Migrations
from city_node.network.network import Network
from city_node.observing import window
from city_node.observing.control import Control
from city_node.observing.history import check_ending
from city_node.observing.observer import Observers
from city_node.observing.views import View, shown
from city_node.observing.window import Window
from city_node.pace import Pace
from city_node.ports import try_ports
from city_node.settings.config import Config, resolve
from city_node.settings.fields import check_writable
from city_node.settings.wishes import Run, Wishes
from city_node.signals import Signals


def run(wishes: Wishes, asked: Run) -> None:
    """Run cities until a signal, or for so many ticks; then write the report.

    Args:
        wishes: flags and environment.

    Raises:
        ConfigError: what was asked for is impossible; nothing has run.
        SystemExit: 1 when the books do not balance, or cannot be written.
    """
    if asked.ticks is not None and asked.ticks < 0:
        raise ConfigError(f"ticks = {asked.ticks}: must be 0 or more")
    if asked.report:
        check_writable("report", asked.report)
    if asked.history:
        check_ending(asked.history)
        check_writable("history", asked.history)
    with window.opened(wishes.cities, wanted=not asked.headless) as seen_by:
        config = resolve(wishes)
        trio.run(try_ports, config, asked)
        _run(config, wishes, asked, seen_by)


def _run(config: Config, wishes: Wishes, asked: Run, seen_by: Window | None) -> None:
    started_s = time.perf_counter()
    log = Log(as_json=asked.log_json)
    if config.idle:
        log.say(f"in '{wishes.config}', but not run: {', '.join(config.idle)}")
    with (
        opened(config, wishes, asked.data_dir, new=asked.new, log=log) as found,
        claimed_name(found.name, own_names(home_folder())) as name,
    ):
        introduce(found.identity, name, time.time())
        own = Own(found.identity, home_folder())
        world, keeping = found.recovered.world, found.keeping
        for city in world.cities:
            city.town.device = config.device
            make_ready(city)
        with Signals() as signals:  # up to here Ctrl-C ends it at once
            node = partial(run_node, own=own, seen_by=seen_by)
            quotas = found.recovered.quotas
            try:
                trio.run(node, world, found.config, name, asked, signals, keeping, quotas)
            except* (BalanceError, StuckError) as errors:
                sys.exit(f"city-node: {first_of(errors)}")
            except* ConfigError as errors:
                raise first_of(errors) from None
            if asked.report:
                written = report(world, name, time.perf_counter() - started_s)
                asked.report.write_text(json.dumps(written) + "\n", "utf-8")


def make_ready(city: City) -> None:
    """Have compiled what windows of a city need, where its economy can say so beforehand."""
    if ready := getattr(city.economy, "ready", None):
        ready(city.state, city.town)


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
    keeping: Keeping | None
    migrations: Migrations | None
    nursery: trio.Nursery


async def run_node(
    world: World,
    config: Config,
    name: str,
    asked: Run,
    signals: Signals | None = None,
    keeping: Keeping | None = None,
    quotas: Quotas | None = None,
    own: Own | None = None,
    machine: Machine | None = None,
    seen_by: Window | None = None,
) -> None:
    """The window loop, with all that lives beside it, until the ticks are done or a signal comes.

    Args:
        signals: what may stop it; None: only a command, or who cancels it.
        keeping: makes it durable; None: nothing is kept.
        quotas: what peers brought before; times are the keeping's clock.
        own: who it is to other nodes, which need a keeping too; None: it has no links with any.
        machine: that it runs on; None: this one.
        seen_by: the window it is shown in, if any.

    Raises:
        ConfigError: a port asked for is in use.
        StuckError: it was stopped while what had happened could not be written.
    """
    machine = machine or Machine()
    log = keeping.log if keeping else Log(as_json=asked.log_json)
    policies = dict(enumerate(config.policies))
    network = Network(name, world_goods(config), log, machine=machine, policies=policies)
    if keeping and quotas:
        later_s = keeping.clock() - trio.current_time()
        network.quotas = {pair: quota.earlier(later_s) for pair, quota in quotas.items()}
    names = [city.name for city in world.cities]
    listeners = [] if asked.past else await open_listeners(names, config.network, machine)
    pace = Pace(config.speed_ticks_per_s, asked.ticks)
    pace.paused = asked.past
    threads = config.threads or usable_cores()
    async with trio.open_nursery() as nursery:
        if signals:
            signals.cancel(nursery.cancel_scope)
        boot = f"{machine.random.getrandbits(128):032x}"
        nodes = None
        if keeping and own and not asked.past:
            await keeping.begin(world, name)
            nodes = await linked(nursery, world, config, network, keeping, own, boot)
        links = nodes.links if nodes else None
        for city, bound in zip(world.cities, listeners, strict=not asked.past):
            await nursery.start(listen, network, city, bound, links)
        if nodes:
            meeting = network, world, config.network, listeners, boot, nodes.links, nodes.said
            nursery.start_soon(meet_others, *meeting)
        with contextlib.ExitStack() as beside:
            for city in world.cities:
                city.town.spread = beside.enter_context(machine.spread_over(threads))
            showing = world, config, asked, network, pace, listeners, seen_by
            observers, views = await shown(nursery, beside, *showing)
            if listeners:
                tell_ports(world, config.network, listeners, network.log)
            control = Control(network, pace, nursery, links)
            migrations = nodes.migrations if nodes else None
            parts = world, threads, network, pace, observers, control, views, keeping, migrations
            await run_windows(Node(*parts, nursery))
        nursery.cancel_scope.cancel()
    await end_well(world, network, keeping)


async def run_windows(node: Node) -> None:
    """Commands and arrivals in, a window, departures and pictures out; until the pace says stop.

    What a window caused leaves the node only when what came in is durable.
    """
    world, network = node.world, node.network
    while True:
        node.observers.act_on_commands(world, node.control.act)
        wished = await node.pace.next_ticks()
        tick, departures = world.tick, []
        if wished is not None:
            with trio.CancelScope(shield=True):  # a window once begun is finished
                if node.migrations:
                    node.migrations.hear_nodes(world)
                give_inputs(network, world)
                if wished:
                    departures = await run_window(node, wished)
        guests = node.migrations.see_off(departures) if node.migrations else departures
        await keep(node, tick, departures)  # journal first …
        node.observers.answer()
        take_abroad(network, guests)  # … then speak
        if node.migrations:
            node.migrations.speak_up()
        if wished is None:
            return
        for view in node.views:
            view.look(world)
        if node.keeping:
            await node.keeping.checkpoint_if_due(world, network.quotas, node.nursery)


async def run_window(node: Node, wished: int) -> list[Departure]:
    """Advance all cities by a window; returns who left for the network."""
    world = node.world
    jobs = open_window(world, window_ticks(world, wished))
    engine_s = await run_jobs(jobs, node.threads, node.network.machine)
    close_window(world, jobs)
    node.pace.passed(jobs[0].ticks, engine_s)
    return addressed(node.network, leave(world, node.network.node_suffix))


async def keep(node: Node, tick: int, departures: list[Departure]) -> None:
    """Make a window durable, where anything is."""
    if node.keeping and node.migrations:
        migrations = node.migrations
        under_way = migrations.transitions, migrations.settled, migrations.nodes.unwritten
        await node.keeping.keep(node.world, tick, departures, *under_way)
    elif node.keeping:
        await node.keeping.keep(node.world, tick, departures)
    else:
        node.world.taken.clear()


async def end_well(world: World, network: Network, keeping: Keeping | None) -> None:
    """When all roads are closed: whoever waited at one comes home, and the world is kept."""
    with trio.CancelScope(shield=True):
        if not (keeping and keeping.failure):
            give_inputs(network, world)
            if keeping:
                await keeping.keep(world, world.tick, [])
        if keeping:
            await keeping.finish(world, network.quotas)


def world_goods(config: Config) -> tuple[str, ...]:
    """What may travel: the goods that can be traded, in the world's order."""
    return tuple(name for name, good in config.cities[0].goods.items() if not good.leisure)


async def run_jobs(jobs: list[Job], threads: int, machine: Machine) -> float:
    """Advance all cities of a window, on so many threads; one hop to a thread for each.

    Returns:
        Seconds the slowest thread worked; not how long it was waited for, which a busy network
        makes longer, and windows would then become ever shorter.
    """
    took_s: list[float] = []
    async with trio.open_nursery() as nursery:
        for thread in range(min(threads, len(jobs))):
            mine = jobs[thread::threads]
            nursery.start_soon(machine.offload, run_timed, mine, took_s, machine.stopwatch_s)
    return max(took_s)


def run_timed(jobs: list[Job], took_s: list[float], stopwatch_s: Callable[[], float]) -> None:
    """What one thread does in a window."""
    started_s = stopwatch_s()
    for job in jobs:
        run_job(job)
    took_s.append(stopwatch_s() - started_s)


def first_of(errors: BaseException) -> BaseException:
    """The first error in a group of groups."""
    while isinstance(errors, BaseExceptionGroup):
        errors = errors.exceptions[0]
    return errors
