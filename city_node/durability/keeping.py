"""What the window loop does so that nothing is lost: commits, a mark of time, checkpoints.

Called by `node` after every window and at its end; all that blocks goes through `offload`.
"""

import math
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import trio

from city_node.cities.world import World
from city_node.durability.checkpoint import Frozen, Quotas, chunks_of, freeze
from city_node.durability.ledger import Ledger
from city_node.durability.shelf import Shelf, name_of, prune
from city_node.log import Log
from city_node.machine import Offload
from city_node.network.departures import Departure
from protocol.migration import Settled, Transition

MARK_S = 0.5
"""A quiet world notes so often how far it is; what a crash takes back is run again."""

CHECKPOINT_S = 3.0
"""Coming back runs again what was run since, as fast as it was run: 3 s leave two for reading."""

CHECKPOINT_COST_SHARE = 0.05
"""Of the time: a big world is kept less often, and takes longer to come back."""

RETRY_S = 1.0
"""A full disk is tried again so often; until then the world stands still."""


class StuckError(Exception):
    """The ledger could not be written, and the node was stopped."""


@dataclass
class Keeping:
    """Keeps one world.

    Args:
        program: that makes the world's history; facts: of the world, kept once.
        offload: how blocking work leaves the loop's thread.
        clock: the node's, seconds; goes on while it does not run.

    Attributes:
        failure: why the last commit could not be written; empty: it could.
    """

    ledger: Ledger
    shelf: Shelf
    log: Log
    program: str
    facts: dict[str, bytes]
    offload: Offload = trio.to_thread.run_sync
    clock: Callable[[], float] = time.time
    failure: str = ""
    _marked_s: float = -math.inf
    _kept: tuple[int, int] = (-1, -1)
    _kept_s: float = math.inf
    _cost_s: float = 0.0
    _writing: bool = False

    async def begin(self, world: World, node: str) -> None:
        """A node of this name runs the world from now on."""
        await self._written(self.ledger.begin, world, node, self.program, self.facts)

    async def keep(
        self,
        world: World,
        tick: int,
        departures: Sequence[Departure],
        transitions: Sequence[Transition] = (),
        settled: Sequence[Settled] = (),
        bound: Mapping[str, str] = {},
    ) -> None:
        """Make a window durable, its inputs in `world.taken`, before anything it caused leaves.

        Waits for as long as the ledger cannot be written; a quiet window is only marked, now and
        then.

        Args:
            tick: the window's first.
            transitions, settled: of migrations, from `protocol.pairs.Pairs.unwritten`.
            bound: as of `Ledger.commit`.

        Raises:
            BalanceError: the books do not balance.
        """
        now_s = trio.current_time()
        if world.taken or departures or transitions or settled or bound:
            commit = partial(self.ledger.commit, at_s=self.clock())
            window = world, tick, world.taken, departures, transitions, settled, bound
            await self._written(commit, *window)
            world.taken.clear()
            self._marked_s = now_s
        elif now_s >= self._marked_s + MARK_S:
            await self._written(self.ledger.mark, world)
            self._marked_s = now_s

    async def _written(self, write: Callable[..., None], *arguments: Any) -> None:
        while True:
            with trio.CancelScope(shield=True):
                try:
                    await self.offload(write, *arguments)
                except sqlite3.OperationalError as error:
                    self.failure = f"{self.ledger.name}: cannot be written ({error})"
                except sqlite3.DatabaseError as error:
                    raise StuckError(f"{self.ledger.name}: damaged ({error})") from None
                else:
                    self.failure = ""
                    return
            self.log.complain(f"{self.failure}; the world stands still until it can")
            await trio.sleep(RETRY_S)

    async def checkpoint_if_due(self, world: World, quotas: Quotas, nursery: trio.Nursery) -> None:
        """Copy the world, and let it be written beside, if it is time to."""
        self._kept_s = min(self._kept_s, trio.current_time())  # the first window
        wait_s = max(CHECKPOINT_S, self._cost_s / CHECKPOINT_COST_SHARE)
        if self._writing or trio.current_time() < self._kept_s + wait_s:
            return
        if self._kept != (world.tick, self.ledger.commits):
            began_s = trio.current_time()
            with trio.CancelScope(shield=True):
                frozen = await self._frozen(world, quotas)
            self._writing = True
            nursery.start_soon(self._write, frozen, began_s)

    async def finish(self, world: World, quotas: Quotas) -> None:
        """A last checkpoint, at a clean end.

        Raises:
            StuckError: the ledger could not be written.
        """
        if self.failure:
            raise StuckError(
                f"{self.failure}: the world is as it was at tick {self.ledger.tick():,}"
            )
        await self._written(self.ledger.mark, world)
        if self._kept != (world.tick, self.ledger.commits):
            await self._write(await self._frozen(world, quotas), trio.current_time())

    async def _frozen(self, world: World, quotas: Quotas) -> Frozen:
        later_s = self.clock() - trio.current_time()
        ledger = self.ledger
        frozen: Frozen = await self.offload(
            freeze, world, ledger.commits, ledger.chain, quotas, later_s
        )
        return frozen

    async def _write(self, frozen: Frozen, began_s: float) -> None:
        at = frozen.header.tick, frozen.header.commit
        try:
            with trio.CancelScope(shield=True):
                await self.offload(self._put, name_of(*at), frozen)
            self._kept = at
        except OSError as error:
            self.log.complain(f"{name_of(*at)}: cannot be written ({error.strerror or error})")
        finally:
            self._writing = False
            self._kept_s = trio.current_time()
            self._cost_s = self._kept_s - began_s

    def _put(self, name: str, frozen: Frozen) -> None:
        self.shelf.write(name, chunks_of(frozen))
        prune(self.shelf)
