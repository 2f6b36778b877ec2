"""What a node asks of the machine it runs on: threads, sockets, a stopwatch, chance.

Made by `node` for a real machine. A simulation hands in its own and runs the same nodes in one
thread, on streams in memory; so nothing under `run_node` may reach for these another way.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Any, NamedTuple

import trio

from city_node.identity.tls import secure
from city_node.network.sockets import first_byte
from city_node.running import Running, noted
from engine.economy import Spread, one_by_one

Offload = Callable[..., Awaitable[Any]]
"""How blocking work leaves trio's thread: `await offload(function, *arguments)`."""

Stream = trio.abc.HalfCloseableStream
Listener = trio.abc.Listener[Any]


class Bound(NamedTuple):
    """Listening sockets of one port, and the address of the first."""

    listeners: list[Listener]
    host: str
    port: int


async def listen(port: int, host: str) -> Bound:
    """Listen on TCP.

    Args:
        port: 0 takes any free one.

    Raises:
        OSError: the port is in use or not allowed, or the address is not this machine's.
    """
    listeners = await trio.open_tcp_listeners(port, host=host)
    bound_host, bound_port = listeners[0].socket.getsockname()[:2]
    return Bound(list(listeners), bound_host, bound_port)


async def dial(host: str, port: int) -> Stream:
    """Connect by TCP.

    Raises:
        OSError: nobody is there.
        ValueError: an odd name.
    """
    return await trio.open_tcp_stream(host, port)


@contextmanager
def spread_over(threads: int) -> Iterator[Spread]:
    """What shares pieces of work among several threads, the caller's one of them.

    The others are started when there is work for them; whoever is free takes the next piece.
    """
    if threads == 1:
        yield one_by_one
        return
    with ThreadPoolExecutor(threads - 1, "pieces") as pool:

        def spread(pieces: Sequence[Callable[[], Any]]) -> None:
            left = iter(pieces)

            def work() -> None:
                for piece in left:  # a list's iterator gives each piece to one thread
                    piece()

            others = [pool.submit(work) for _ in range(min(threads, len(pieces)) - 1)]
            work()
            for other in others:
                other.result()

        yield spread


@dataclass(frozen=True)
class Machine:
    """Everything a node takes from outside itself but the time, which is trio's.

    Attributes:
        offload: runs blocking work.
        listen, dial: as above; streams have a `socket` that knows `getpeername`.
        spread_over: threads for the pieces of one city's work.
        secure: shakes hands with another node, see `tls`; first_byte: see `sockets`.
        wall_s: Unix time.
        stopwatch_s: how long work takes; never what time it is.
        random: for what must differ between nodes; not for the world, which has its seed.
        noted: leaves a note of a running node where verbs find it.
    """

    offload: Offload = trio.to_thread.run_sync
    listen: Callable[[int, str], Awaitable[Bound]] = listen
    dial: Callable[[str, int], Awaitable[Stream]] = dial
    spread_over: Callable[[int], AbstractContextManager[Spread]] = spread_over
    secure: Callable[..., Awaitable[tuple[Any, str]]] = secure
    first_byte: Callable[[Any, float], Awaitable[bytes | None]] = first_byte
    wall_s: Callable[[], float] = time.time
    stopwatch_s: Callable[[], float] = time.perf_counter
    random: Random = field(default_factory=SystemRandom)
    noted: Callable[[Running], AbstractContextManager[None]] = noted
