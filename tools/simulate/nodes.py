"""The nodes of a simulated network: their worlds, their machines, one life after the other."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from city_node.cities.report import state_hash
from city_node.cities.world import World
from city_node.durability.audit import Read, read_ledger
from city_node.durability.folder import founding
from city_node.durability.keeping import Keeping, StuckError
from city_node.durability.ledger import Ledger
from city_node.durability.recovery import program, recover
from city_node.identity.keys import Identity, certificate_of, id_of_certificate
from city_node.log import Log
from city_node.machine import Bound, Machine
from city_node.network.linking import Own
from city_node.network.meeting import NODE_PORT_FIRST, PORT_FIRST
from city_node.network.policy import Policy
from city_node.node import run_node
from city_node.running import Running
from city_node.settings.config import Config, resolve
from city_node.settings.network import Dialling
from city_node.settings.wishes import Run, Wishes
from city_node.signals import Signals
from engine.economy import one_by_one
from engine.macro.city import LOCALS_LEAST
from engine.macro.city import Parameters as MacroParameters
from engine.society.params import Parameters as SocietyParameters
from protocol.migration import Settled
from tools.simulate.disk import Disk, Shelf
from tools.simulate.internet import Internet
from tools.simulate.plain_tls import secure
from tools.simulate.streams import End, Host

TICKS_PER_S = 1
"""So that a run of half an hour is 1,800 windows a node."""

CITIES_MAX = 2
PARAMETERS = {
    "bazaar": None,
    "society": SocietyParameters(pulse_ticks=10, capacity=256, storehouse=10_000, settles=0.001),
    "macro": MacroParameters(step_ticks=60),
}
"""Of a society a pulse every ten seconds, and now and then somebody settles; of a macro economy a
month every minute. None: as the economy has them."""

ECONOMIES = ("bazaar", "society", "bazaar", "macro")
"""Of nodes in turn, where nobody asks for others; a macro city costs most."""

LOCALS_MAX, MERCHANTS_MIN, MERCHANTS_MAX = 6, 5, 30
"""Small worlds: what is tested happens between them."""

LEAVE_PROBABILITY, ACT_PROBABILITY = 0.05, 0.3
"""Merchants who wander more than they should."""

TARIFF_BP = 150
"""Of the second node; the third takes twice as much, and so on."""

DIALLED_MAX = 3
"""By one node, of those before it."""

BOTH_SHARE, SOME_CITIES_SHARE = 0.5, 0.5
"""Of the pairs of nodes: who dial each other. Of those who dial: who do it for each of some cities
of theirs, and not for all."""

EPOCH_S = 2_000_000_000.0
"""What a clock on the wall shows when a simulation begins."""

PROGRAM = program()

NO_HOME = Path("/nonexistent/city-node")
"""Nobody is trusted by name: every city is open."""

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
                try:
                    with trio.CancelScope() as self.life:
                        await self._live_once(Ledger(database, self.name), shelf)
                except Exception as error:
                    # It may say that it could not write; what the dead say does not count.
                    if self.host.is_up and not isinstance(innermost(error), StuckError):
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
        self.internet.bring_up(self.host)
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


def innermost(error: BaseException) -> BaseException:
    """The first error in a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@contextlib.contextmanager
def unnoted(_: Running) -> Iterator[None]:
    """No verb looks for a simulated node."""
    yield


def found_nodes(
    count: int,
    internet: Internet,
    random: Random,
    economies: Sequence[str],
) -> list[Node]:
    """So many nodes that know each other's addresses, none of them started.

    Args:
        economies: of the first, the second and so on, in turn.
    """
    cities = [random.randint(1, CITIES_MAX) for _ in range(count)]
    dials: list[list[Dialling]] = [[] for _ in range(count)]

    def told(here: int, there: int) -> None:
        wished: list[int | None] = [None]
        if random.random() < SOME_CITIES_SHARE:
            wished = [*random.sample(range(cities[here]), random.randint(1, cities[here]))]
        for city in wished:
            port = random.choice([PORT_FIRST, NODE_PORT_FIRST])
            dials[here].append(Dialling(city, address_of(there), port))

    for here in range(1, count):
        for there in random.sample(range(here), min(here, DIALLED_MAX)):
            told(here, there)
            if random.random() < BOTH_SHARE:
                told(there, here)
    return [
        founded(
            number,
            economies[number % len(economies)],
            cities[number],
            dials[number],
            internet,
            random,
        )
        for number in range(count)
    ]


def founded(
    number: int,
    economy: str,
    cities: int,
    dials: list[Dialling],
    internet: Internet,
    random: Random,
) -> Node:
    """One node, not started."""
    of = configured(number, economy, cities, dials, random)
    host = Host(address_of(number))
    internet.hosts[host.address] = host
    chances = [Random(random.getrandbits(64)) for _ in range(2)]
    own = Own(identity_of(random.randbytes(32)), NO_HOME)
    return Node(f"node{number}", of, own, host, internet, Disk(chances[0]), chances[1])


def identity_of(secret: bytes) -> Identity:
    """A node's identity, made of 32 bytes."""
    key = Ed25519PrivateKey.from_private_bytes(secret)
    certificate = certificate_of(key.public_key()).public_bytes(Encoding.DER)
    return Identity(id_of_certificate(certificate), certificate, NO_HOME / "identity.key", key)


def address_of(number: int) -> str:
    """The IP address of a node's host."""
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def configured(
    number: int, economy: str, cities: int, dials: list[Dialling], random: Random
) -> Config:
    """What a node is told on its command line."""
    locals_ = random.randint(2, LOCALS_MAX)
    config = resolve(
        Wishes(
            economy=economy,
            cities=tuple(f"Town {number}-{city}" for city in range(cities)),
            seed=random.getrandbits(31),
            locals=LOCALS_LEAST if economy == "macro" else locals_,
            merchants=random.randint(MERCHANTS_MIN, MERCHANTS_MAX),
            threads=1,
            discovery=False,
            legacy_bind=address_of(number),
        )
    )
    return replace(
        config,
        speed_ticks_per_s=TICKS_PER_S,
        policies=tuple(Policy("open", tariff_bp=TARIFF_BP * number) for _ in config.cities),
        network=replace(
            config.network,
            dial=tuple(dials),
        ),
        cities=tuple(
            replace(
                city,
                parameters=PARAMETERS[economy] or city.parameters,
                merchant_rules=replace(
                    city.merchant_rules,
                    leave_probability=LEAVE_PROBABILITY,
                    act_probability=ACT_PROBABILITY,
                ),
            )
            for city in config.cities
        ),
    )
