"""Work shared out to processes of this machine, or to a Ray cluster that exists.

A worker is a process that keeps a dictionary from one piece of work to the next. Which worker does
a piece follows from its number alone, and results come in the order of the pieces; so nothing that
is found depends on how many workers there are. Called by whatever has many worlds or seeds that
know nothing of each other. A broken worker ends the work: there is no scheduler here.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from city_node.errors import ConfigError
from city_node.kernel_cache import prepare

Item = TypeVar("Item")
Result = TypeVar("Result")

Kept = dict[str, Any]
"""What a worker remembers."""

WORKERS_MAX = 1_024


class Workers(Protocol):
    """Some processes."""

    count: int
    """How many."""

    def each(self, work: Callable[[Kept, Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """The results in order; item i is done by worker i modulo `count`, one after the other.

        Args:
            work: a function of a module, of what the worker has kept and of an item.
            items: what can be pickled.
        """
        ...

    def close(self) -> None:
        """End them."""
        ...


def workers_of(said: str) -> Workers | None:
    """What `--workers` asks for; None: this process alone.

    Raises:
        ConfigError: neither a number nor ray, or there is no cluster.
    """
    if said == "ray":
        return OnRay()
    if not said.isdecimal() or not 1 <= int(said) <= WORKERS_MAX:
        raise ConfigError(f"workers = '{said}': must be ray, or from 1 to {WORKERS_MAX}")
    return Processes(int(said)) if int(said) > 1 else None


@contextmanager
def working(said: str) -> Iterator[Workers | None]:
    """`workers_of`, ended with the block."""
    workers = workers_of(said)
    try:
        yield workers
    finally:
        if workers is not None:
            workers.close()


class Processes:
    """Fresh ones of this machine."""

    def __init__(self, count: int) -> None:
        self.count = count
        context = multiprocessing.get_context("spawn")
        self.pools = [
            ProcessPoolExecutor(1, mp_context=context, initializer=_leave_interrupts)
            for _ in range(count)
        ]

    def each(self, work: Callable[[Kept, Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """See `Workers`."""
        waiting = [
            self.pools[number % self.count].submit(_with_what_is_kept, work, item)
            for number, item in enumerate(items)
        ]
        try:
            for piece in waiting:
                yield piece.result()
        except BrokenProcessPool:
            raise ConfigError("workers: a process has died") from None
        finally:
            for piece in waiting:
                piece.cancel()

    def close(self) -> None:
        """See `Workers`."""
        for pool in self.pools:
            pool.shutdown(cancel_futures=True)


_KEPT: Kept = {}
"""Of this process, where it is a worker of `Processes`."""


def _with_what_is_kept(work: Callable[[Kept, Item], Result], item: Item) -> Result:
    return work(_KEPT, item)


def _leave_interrupts() -> None:
    """Who presses Ctrl-C means the process that he started: it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class OnRay:
    """An actor for each processor of the cluster of this machine, which somebody has started.

    Raises:
        ConfigError: Ray is not installed, or no cluster runs.
    """

    def __init__(self) -> None:
        try:
            import ray
        except ImportError:
            raise ConfigError("workers = 'ray': needs ray, pip install 'city-node[ray]'") from None
        try:
            if not ray.is_initialized():
                ray.init(address="auto", log_to_driver=False)
        except ConnectionError:
            raise ConfigError(
                "workers = 'ray': no cluster runs here, start or join one with ray start"
            ) from None
        self.ray = ray
        self.count = max(1, int(ray.cluster_resources().get("CPU", 1)))
        actor: Any = ray.remote(num_cpus=1)(Actor)
        self.actors: list[Any] = [actor.remote() for _ in range(self.count)]

    def each(self, work: Callable[[Kept, Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """See `Workers`."""
        waiting = [
            self.actors[number % self.count].do.remote(work, item)
            for number, item in enumerate(items)
        ]
        try:
            for piece in waiting:
                yield self.ray.get(piece)
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self.ray.exceptions.RayActorError:
            raise ConfigError("workers = 'ray': a worker has died") from None

    def close(self) -> None:
        """See `Workers`; the cluster stays."""
        for actor in self.actors:
            self.ray.kill(actor)


class Actor:
    """A worker as Ray runs it."""

    def __init__(self) -> None:
        prepare()
        self.kept: Kept = {}

    def do(self, work: Callable[[Kept, Item], Result], item: Item) -> Result:
        """A piece of work."""
        return work(self.kept, item)
