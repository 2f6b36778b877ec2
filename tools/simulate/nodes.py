"""The nodes of a simulated network: one life after the other, on a machine that is simulated.

Made by `founding`; `nemesis` does to them what befalls nodes, `audit` counts what they hold.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import trio

from city_node.cities.report import state_hash
from city_node.cities.world import World
from city_node.durability.audit import Read, read_ledger
from city_node.durability.folder import founding
from city_node.durability.keeping import Keeping, StuckError
from city_node.durability.ledger import Ledger
from city_node.durability.recovery import program, recover
from city_node.log import Log
from city_node.machine import Bound, Machine
from city_node.network.linking import Own
from city_node.node import first_of, run_node
from city_node.running import Running
from city_node.settings.config import Config
from city_node.settings.wishes import Run
from city_node.signals import Signals
from engine.economy import one_by_one
from protocol.migration import Settled
from tools.simulate.disk import Disk, Shelf
from tools.simulate.internet import Internet
from tools.simulate.plain_tls import secure
from tools.simulate.streams import End, Host

EPOCH_S = 2_000_000_000.0
"""What a clock on the wall shows when a simulation begins."""

PROGRAM = program()

LATE_SHARE, THREAD_S_MAX = 0.2, 0.02
"""Of what is offloaded so much is done after a while, so that other things happen in between."""


class Stopper(Signals):
    """Stops a node as a signal does, without one."""

    def __init__(self) -> None:
        super().__init__()
        self.scope = trio.CancelScope()

    def cancel(self, scope: trio.CancelScope) -> None:
        """Called by the node: this is to be cancelled."""
        if self.scope.cancel_called:
            scope.cancel()
        self.scope = scope


class ViolationError(Exception):
    """What must never happen has happened."""


class Books(NamedTuple):
    """What a ledger says."""

    read: Read
    settled: list[Settled]

    @classmethod
    def of(cls, ledger: Ledger) -> "Books":
        """All of it."""
        return cls(read_ledger(ledger, Path(ledger.name)), ledger.settled())


@dataclass(eq=False)
class Node:
    """One node, over all its lives.

    Attributes:
        lives: how often it has been started.
        skew_s: what its clock shows more than it should.
        ledger: of the life that is lived now; None: there is none.
        last: its books at the end of its last life.
        is_honest: neither has it lied, nor was its disk rolled back.
        life: all tasks of this life.
        stopper: ends it as a signal does.
        away_s: until the next one.
        kept: tick and hashes of its cities when it was last stopped well.
    """

    name: str
    config: Config
    own: Own
    host: Host
    internet: Internet
    disk: Disk
    random: Random
    lives: int = 0
    skew_s: float = 0.0
    ledger: Ledger | None = None
    last: Books | None = None
    life: trio.CancelScope = field(default_factory=trio.CancelScope)
    stopper: Stopper = field(default_factory=Stopper)
    away_s: float = 0.0
    is_honest: bool = True
    kept: tuple[int, list[str]] | None = None

    @property
    def economy(self) -> str:
        """Of all its cities."""
        return self.config.cities[0].economy

    async def live(self) -> None:
        """Live one life after the other; until cancelled."""
        while True:
            self.lives += 1
            database, shelf = self.disk.plug_in()
            with contextlib.closing(database):
                self.internet.bring_up(self.host)  # first: what recovery finds wrong counts
                try:
                    with trio.CancelScope() as self.life:
                        await self._live_once(Ledger(database, self.name), shelf)
                except Exception as error:
                    # It may say that it could not write; what the dead say does not count.
                    if self.host.is_up and not isinstance(first_of(error), StuckError):
                        raise
                finally:
                    self._go_down(told=True, with_power=True)
            await trio.sleep(self.away_s)

    async def _live_once(self, ledger: Ledger, shelf: Shelf) -> None:
        log = Log(clock_s=trio.current_time)
        recovered = recover(self.config, ledger, shelf, say=log.say)
        world, machine = recovered.world, self._machine()
        self._check_kept(world)
        founded = {"founding": founding(self.config)}
        keeping = Keeping(
            ledger, shelf, log, PROGRAM, founded, offload=machine.offload, clock=self._clock_s
        )
        self.stopper, self.ledger = Stopper(), ledger
        await run_node(
            world,
            self.config,
            self.name,
            Run(headless=True),
            self.stopper,
            keeping,
            recovered.quotas,
            self.own,
            machine,
        )
        if self.host.is_up:
            self.kept = world.tick, [state_hash(world, city) for city in world.cities]

    def _check_kept(self, world: World) -> None:
        """A world that was stopped well goes on as it was.

        Raises:
            ViolationError: it does not.
        """
        if self.kept:
            tick, hashes = self.kept
            found = [state_hash(world, city) for city in world.cities]
            if (world.tick, found) != (tick, hashes):
                raise ViolationError(
                    f"{self.name} was stopped at tick {tick:,}, and goes on at {world.tick:,} "
                    "with another state"
                )
            self.kept = None

    def _clock_s(self) -> float:
        return EPOCH_S + trio.current_time() + self.skew_s

    def stop(self, away_s: float) -> None:
        """End this life as a signal does."""
        self.away_s = away_s
        self.stopper.scope.cancel()

    def crash(self, away_s: float, *, told: bool = True, with_power: bool = True) -> None:
        """End this life here and now: what its tasks still do has no effect.

        Args:
            told: whether the system survives and tells the peers.
            with_power: whether what was written but not synced is kept.
        """
        self.away_s = away_s
        self._go_down(told=told, with_power=with_power)
        self.life.cancel()

    def _go_down(self, *, told: bool, with_power: bool) -> None:
        if self.host.is_up:
            self.internet.take_down(self.host, told=told)
        self.disk.pull_out(with_power=with_power)
        self.ledger = None
        image, self.last = self.disk.image, None
        if image:
            with contextlib.closing(Disk.opened(image)) as database:
                self.last = Books.of(Ledger(database, self.name))

    def books(self) -> Books | None:
        """Its books, whether it lives or not; None before its first life."""
        return Books.of(self.ledger) if self.ledger else self.last

    def _machine(self) -> Machine:
        async def offload(function: Callable[..., Any], *arguments: Any) -> Any:
            if self.random.random() < LATE_SHARE:
                await trio.sleep(self.random.uniform(0, THREAD_S_MAX))
            else:
                await trio.lowlevel.checkpoint()
            return function(*arguments)

        def listen(port: int, host: str | None) -> Awaitable[Bound]:  # noqa: ARG001  (it has but one)
            return self.internet.listen(self.host, port)

        def dial(host: str, port: int) -> Awaitable[End]:
            return self.internet.dial(self.host, host, port)

        return Machine(
            offload=offload,
            listen=listen,
            dial=dial,
            spread_over=lambda _: contextlib.nullcontext(one_by_one),
            secure=secure,
            wall_s=self._clock_s,
            stopwatch_s=lambda: 0.0,
            random=self.random,
            noted=unnoted,
        )


@contextlib.contextmanager
def unnoted(_: Running) -> Iterator[None]:
    """No verb looks for a simulated node."""
    yield
