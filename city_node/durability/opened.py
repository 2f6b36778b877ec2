"""A world's folder, opened to be run: locked, recovered or newly founded, ready to be kept.

Called by `node`. A folder is written from here on by nobody else.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from city_node.cities.advance import Job, run_in_turn, run_job
from city_node.cores import usable_cores
from city_node.durability.folder import (
    BEFORE,
    LEDGER,
    folder_of,
    founding,
    locked,
    open_database,
    put_aside,
    resumed,
)
from city_node.durability.keeping import Keeping
from city_node.durability.ledger import Ledger
from city_node.durability.recovery import Recovered, RunJobs, program, recover
from city_node.durability.shelf import FolderShelf
from city_node.errors import ConfigError
from city_node.identity.keys import Identity, identity_in
from city_node.identity.node_name import name_for_life
from city_node.identity.trust import KEY_FILE
from city_node.log import Log
from city_node.settings.config import Config
from city_node.settings.wishes import Wishes


@dataclass(frozen=True)
class Opened:
    """A world in its folder.

    Attributes:
        identity: whose key lies in its folder.
        name: of its node, for life; None: it is still to be found.
        config: with the settings that the world has.
    """

    identity: Identity
    name: str | None
    config: Config
    recovered: Recovered
    keeping: Keeping


@contextlib.contextmanager
def opened(
    config: Config, wishes: Wishes, data_dir: Path | None, *, new: bool, log: Log
) -> Iterator[Opened]:
    """The world of a folder, as it was when its node ended, or a new one.

    Args:
        config: what `wishes` mean.
        data_dir: the folder; None: the cities' own.
        new: the world that lies there is put aside.

    Raises:
        ConfigError: in use, damaged, not balanced, of other settings, another name or another
            program; or its key is gone, or others can read it.
    """
    folder = folder_of([city.name for city in config.cities], data_dir)
    with contextlib.ExitStack() as open_files:
        open_files.enter_context(locked(folder))
        if new and put_aside(folder):
            log.say(f"the world that lay in '{folder}' is in its folder '{BEFORE}' now")
        database = open_files.enter_context(contextlib.closing(open_database(folder / LEDGER)))
        ledger = Ledger(database, str(folder / LEDGER))
        first = next(iter(ledger.starts()), None)
        identity = _identity_of(folder, is_new=first is None)
        name = name_for_life(config.node_name, first[2] if first else None, folder)
        shelf = FolderShelf(folder)
        stored = ledger.fact("founding")
        if stored is not None:
            config = resumed(config, wishes, stored, folder)
        elif shelf.names():
            raise ConfigError(
                f"{ledger.name}: is missing or empty, but a checkpoint lies beside it: "
                "put back the ledger that belongs to it, or start afresh with --new"
            )
        threads = config.threads or usable_cores()
        with jobs_on(min(threads, len(config.cities))) as run_jobs:
            recovered = recover(config, ledger, shelf, run_jobs=run_jobs, say=log.say)
        if stored is not None:
            log.say(f"the world in '{folder}' goes on at tick {recovered.world.tick:,}")
        facts = {"founding": founding(config)}
        keeping = Keeping(ledger, shelf, log, program(), facts)
        yield Opened(identity, name, config, recovered, keeping)


def _identity_of(folder: Path, *, is_new: bool) -> Identity:
    """One world, one id: peers who have books with a world would refuse it under another for good.

    Raises:
        ConfigError: a world that has started before has no key; or as of `identity_in`.
    """
    path = folder / KEY_FILE
    if not is_new and not path.exists():
        raise ConfigError(
            f"{KEY_FILE} = '{path}': is missing, and peers know this world by it: "
            "put it back from a copy, or start afresh with --new"
        )
    return identity_in(folder)


@contextlib.contextmanager
def jobs_on(threads: int) -> Iterator[RunJobs]:
    """A way to run the jobs of a window on so many threads."""
    if threads == 1:
        yield run_in_turn
        return
    with ThreadPoolExecutor(threads) as pool:

        def run_jobs(jobs: list[Job]) -> None:
            list(pool.map(run_job, jobs))

        yield run_jobs
