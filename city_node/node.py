"""A node: the cities of one process, run window by window until somebody says stop.

`run` is what the command line calls. The world is advanced in worker threads (kernels release the
interpreter's lock); all else happens in trio between the windows.
"""

import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from city_node import travelway
from city_node.config import Config, Wishes, resolve
from city_node.errors import ConfigError
from city_node.log import Log
from city_node.meeting import meet_others, open_listeners
from city_node.node_name import claimed_name
from city_node.pace import Pace
from city_node.status import show_status
from city_node.travelway import Network, give_inputs, take_abroad
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

Offload = Callable[..., Any]
"""How blocking work leaves trio's thread: `await offload(function, *arguments)`."""


def run(wishes: Wishes, *, ticks: int | None, headless: bool, report_path: Path | None) -> None:
    """Run cities until a signal, or for so many ticks; then write the report.

    Args:
        wishes: flags and environment.
        ticks: how many more; None: until a signal.
        headless: no window.
        report_path: where the report goes; None: nowhere.

    Raises:
        ConfigError: what was asked for is impossible; nothing has run.
        SystemExit: 1 when the books do not balance.
    """
    del headless  # there is no window yet
    config = resolve(wishes)
    check_run(ticks, report_path)
    try:
        world = found_world(config)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    started_s = time.perf_counter()
    with claimed_name(config.node_name) as name:
        try:
            trio.run(run_node, world, config, name, ticks)
        except* BalanceError as errors:
            sys.exit(f"city-node: {errors.exceptions[0]}")
    if report_path:
        written = report(world, name, time.perf_counter() - started_s)
        report_path.write_text(json.dumps(written) + "\n", "utf-8")


def check_run(ticks: int | None, report_path: Path | None) -> None:
    """Refuse, before anything runs, a negative `--ticks` and a report that cannot be written."""
    if ticks is not None and ticks < 0:
        raise ConfigError(f"ticks = {ticks}: must be 0 or more")
    if report_path:
        existed = report_path.exists()
        try:
            report_path.open("a").close()
            if not existed:
                report_path.unlink()
        except OSError as error:
            raise ConfigError(
                f"report = '{report_path}': cannot be written ({error.strerror})"
            ) from None


async def run_node(world: World, config: Config, name: str, ticks: int | None) -> None:
    """The window loop, with all that lives beside it, until the ticks are done or a signal comes.

    Raises:
        ConfigError: a port asked for is in use.
    """
    log = Log()
    network = Network(name, world_goods(config), log)
    listeners = await open_listeners(world, config.network, log)
    threads = config.threads or len(os.sched_getaffinity(0))
    pace = Pace(config.speed_ticks_per_s, ticks)
    async with trio.open_nursery() as nursery:
        await nursery.start(stop_on_signal, nursery.cancel_scope)
        for city, bound in zip(world.cities, listeners, strict=True):
            await nursery.start(travelway.listen, network, city, bound)
        nursery.start_soon(
            meet_others, network, world, config.network, listeners, secrets.token_hex(16)
        )
        nursery.start_soon(show_status, world, pace)
        while wished := await pace.next_ticks():
            with trio.CancelScope(shield=True):  # a window once begun is finished
                give_inputs(network, world)
                started_s = time.perf_counter()
                jobs = open_window(world, window_ticks(world, wished))
                await run_jobs(jobs, threads, trio.to_thread.run_sync)
                close_window(world, jobs)
                pace.passed(jobs[0].ticks, time.perf_counter() - started_s)
                take_abroad(network, world)
        nursery.cancel_scope.cancel()


def world_goods(config: Config) -> tuple[str, ...]:
    """What may travel: the goods that can be traded, in the world's order."""
    return tuple(name for name, good in config.cities[0].goods.items() if not good.leisure)


async def run_jobs(jobs: list[Job], threads: int, offload: Offload) -> None:
    """Advance all cities of a window, on so many threads; one hop to a thread for each."""
    async with trio.open_nursery() as nursery:
        for thread in range(min(threads, len(jobs))):
            nursery.start_soon(offload, run_in_turn, jobs[thread::threads])


def run_in_turn(jobs: list[Job]) -> None:
    """What one thread does in a window."""
    for job in jobs:
        run_job(job)


async def stop_on_signal(
    scope: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Cancel the run at the first SIGINT or SIGTERM."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()
