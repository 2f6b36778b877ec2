"""The verb `replay`: a world as it was at any tick, rebuilt from its folder, which is only read."""

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import trio

from city_node.cities.report import report
from city_node.cities.world import World
from city_node.durability.folder import LEDGER, founded, reading
from city_node.durability.ledger import Ledger
from city_node.durability.opened import jobs_on
from city_node.durability.recovery import recover
from city_node.durability.shelf import FolderShelf
from city_node.errors import ConfigError
from city_node.log import Log
from city_node.node import run_node
from city_node.observing.window import display_reason, opened
from city_node.settings.config import Config, resolve
from city_node.settings.wishes import Run, Wishes
from city_node.signals import Signals


def rebuilt(folder: Path, to_tick: int) -> tuple[World, Config, str]:
    """A world at a tick, its settings, and the name of the node that last ran it.

    Raises:
        ConfigError: no such tick, or the folder cannot be read.
    """
    with reading(folder) as database:
        ledger = Ledger(database, str(folder / LEDGER))
        stored = ledger.fact("founding")
        if stored is None:
            raise ConfigError(f"dir = '{folder}': no world has been founded there")
        known = founded(stored)
        plain = resolve(Wishes(cities=tuple(city.name for city in known.cities), discovery=False))
        config = replace(plain, seed=known.seed, cities=known.cities, roads=known.roads)
        with jobs_on(len(config.cities)) as run_jobs:
            say = Log().say
            shelf = FolderShelf(folder)
            found = recover(config, ledger, shelf, to_tick=to_tick, run_jobs=run_jobs, say=say)
        return found.world, config, ledger.starts()[-1][2]


def replay(folder: Path, to_tick: int, *, view: bool) -> None:
    """Print the report of a world at a tick, or open the viewer on it.

    Raises:
        ConfigError: no such tick, the folder cannot be read, or there is no display.
    """
    if view and display_reason():
        raise ConfigError(f"view: {display_reason()}")
    if to_tick < 0:
        raise ConfigError(f"to = {to_tick}: must be 0 or more")
    began_s = time.perf_counter()
    with opened((), wanted=view) as seen_by:
        world, config, node = rebuilt(folder, to_tick)
        if not view:
            print(json.dumps(report(world, node, time.perf_counter() - began_s)))
            return
        with Signals() as signals:
            past = partial(run_node, seen_by=seen_by)
            trio.run(past, world, config, node, Run(past=True), signals)
