"""Legacy travel-ways: connections of a node's cities with anybody's programs, on trio streams.

Whoever accepted or dialled calls `speak`; what a connection says and hears is decided in
`protocol.connection`. The tasks below touch no world: what they hear waits in `network` for the
next window, what they send was put there by `crossing`.
"""

from collections import Counter

import trio

from city_node.cities.world import City
from city_node.machine import Stream
from city_node.network.network import Network, Travelway, bytes_of, load_quick_reader
from city_node.network.sockets import address_of, take_place
from protocol.connection import Connection
from protocol.events import Closed, Event, Greeted, Merchants, Ready, Refused, Returned, Send
from protocol.limits import LINE_BYTES_MAX
from protocol.messages import Merchant

NOT_READING_S_MAX = 60.0
"""A write that takes longer than this is to a peer that stands still: its road is closed, and
whoever waited for it comes home."""

ACCEPTED_MAX = 64
"""Travel-ways of one city that peers have dialled. A newcomer closes the one that has been idle for
longest, of the address with most of them."""

IDLE_S = 60.0
"""Nothing heard for so long: such a one makes way."""

REDIAL_S_MIN, REDIAL_S_MAX = 1.0, 300.0
"""Full jitter between nothing and a bound that doubles from the first to the second."""

TURN_S_MAX = 0.004
"""To understand what was read of one peer at a time, while everybody else waits: who sends what
takes long is read in smaller pieces."""

CONNECT_S_MAX = 5.0
"""To one address of a machine, which may be one at which it cannot be reached from here."""


# --- one connection ---


async def speak(
    network: Network,
    city: City,
    stream: Stream,
    *,
    redial: trio.CancelScope | None = None,
    since_s: float | None = None,
) -> bool:
    """Run one connection to its end.

    Args:
        redial: of the task that dialled it; None: the peer did.
        since_s: since when the peer has been silent; None: since now.

    Returns:
        Whether the peer had greeted and was let in.
    """
    address = address_of(stream)
    connection = Connection(
        city.name,
        node=network.node,
        goods=network.goods,
        dialling=redial is not None,
        now_s=trio.current_time() if since_s is None else since_s,
        names_taken=_Taken(network, city),
        read_columns=network.read_columns,
    )
    way = Travelway(city, stream, address, connection, redial)
    if not redial:
        take_place(way, network.ungreeted)
    try:
        with way.scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_write, network, way)
                nursery.start_soon(load_quick_reader, network)
                await _read(network, way)
                nursery.cancel_scope.cancel()
    except* OSError as errors:
        way.why_closed = way.why_closed or f"connection lost: {errors.exceptions[0]}"
    except* trio.BrokenResourceError:
        way.why_closed = way.why_closed or "connection lost"
    finally:
        _forget(network, way)
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(stream)
    return bool(way.peer)


class _Taken:
    """Names that a peer of a city may not have, as `protocol.connection` asks for them."""

    def __init__(self, network: Network, city: City) -> None:
        self._network, self._city = network, city

    def __contains__(self, name: object) -> bool:
        wanted = str(name).casefold()
        return wanted in self._network.own or (self._city.here, wanted) in self._network.open


async def _read(network: Network, way: Travelway) -> None:
    """Feed the connection with bytes and the time until it is closed."""
    read_bytes, stopwatch_s = LINE_BYTES_MAX, network.machine.stopwatch_s
    while not way.why_closed:
        data = None
        with trio.move_on_at(way.connection.deadline_s):
            while way.is_full:
                way.drained = trio.Event()
                await way.drained.wait()
            data = bytes(await way.stream.receive_some(read_bytes))
        now_s = trio.current_time()
        started_s = stopwatch_s()
        events = way.connection.tick(now_s) if data is None else way.connection.receive(data, now_s)
        for event in events:
            _act(network, way, event)
        in_time = stopwatch_s() - started_s < TURN_S_MAX
        read_bytes = min(LINE_BYTES_MAX, read_bytes * 2) if in_time else max(1, read_bytes // 2)


def _act(network: Network, way: Travelway, event: Event) -> None:
    match event:
        case Send(data):
            way.greeting += data
            way.wake.set()
        case Greeted():
            _greet(network, way, event)
        case Ready():
            way.ready = True
            way.wake.set()
        case Merchants():
            way.heard_s = trio.current_time()
            way.waiting_bytes += bytes_of(event)
            network.heard.append((way, event))
        case Returned(reason, line):
            _refuse(network, way, reason)
            way.send_back(line)
        case Refused(reason):
            _refuse(network, way, reason)
        case Closed(reason):
            way.why_closed = way.why_closed or reason


def _refuse(network: Network, way: Travelway, reason: str) -> None:
    network.refuse(way.city.name, way.peer)
    network.log.complain(f"{way.city.name}: refused a line of {way.peer or way.address}: {reason}")


def _greet(network: Network, way: Travelway, greeted: Greeted) -> None:
    accepted = [
        other for other in network.open.values() if other.city is way.city and not other.redial
    ]
    if not way.redial and len(accepted) >= ACCEPTED_MAX and not _make_room(accepted):
        way.why_closed = f"travel-ways = {ACCEPTED_MAX}: no more are accepted"
        return
    way.heard_s = trio.current_time()
    way.peer = greeted.spelled
    if way in network.ungreeted:
        network.ungreeted.remove(way)
    network.open[way.city.here, greeted.name.casefold()] = way
    network.log.say(
        f"{way.city.name}: road to {way.peer} open ({way.address}); nothing on it is acknowledged"
    )


def _make_room(accepted: list[Travelway]) -> bool:
    """Close the one who makes way for a newcomer; whether there is any."""
    idle_s = trio.current_time() - IDLE_S
    count = Counter(way.address for way in accepted)
    idle = [way for way in accepted if way.heard_s <= idle_s and not way.why_closed]
    if idle:
        first = max(idle, key=lambda way: (count[way.address], -way.heard_s))
        first.close(f"nothing was heard of it for {IDLE_S:g} s, and newcomers want the place")
    return bool(idle)


def _forget(network: Network, way: Travelway) -> None:
    if way in network.ungreeted:
        network.ungreeted.remove(way)
    if not way.peer:
        why = way.why_closed or "stopped"
        network.log.complain(f"{way.city.name}: {way.address} not let in: {why}")
        return
    network.open.pop((way.city.here, way.connection.peer_name.casefold()), None)
    network.send_home(way)
    network.log.say(f"{way.city.name}: road to {way.peer} closed: {way.why_closed or 'stopped'}")


async def _write(network: Network, way: Travelway) -> None:
    """Send what is queued: the greeting, then lines that go back, then the outbox.

    When the peer cannot be written to any more, what it has sent is still read to its end.
    """
    try:
        while True:
            await way.wake.wait()
            way.wake = trio.Event()
            while data := _to_be_sent(network, way):
                with trio.move_on_after(NOT_READING_S_MAX) as in_time:
                    await way.stream.send_all(data)
                if in_time.cancelled_caught:
                    way.close(f"has not read for {NOT_READING_S_MAX:g} s")
                    return
                way.drained.set()
    except trio.BrokenResourceError:
        way.ready = False
        while True:
            way.going_back.clear()
            way.drained.set()
            await way.wake.wait()
            way.wake = trio.Event()


def _to_be_sent(network: Network, way: Travelway) -> bytes:
    """What may be written now, taken out of its queues."""
    data = bytes(way.greeting)
    way.greeting.clear()
    if way.ready and (way.going_back or way.outbox):
        lines, staying = way.connection.send_merchants(m for m, _ in way.outbox)
        data += bytes(way.going_back) + lines
        way.going_back.clear()
        _set_aside(network, way, staying)
    return data


def _set_aside(network: Network, way: Travelway, staying: list[Merchant]) -> None:
    """Empty the outbox; those who could not be put on the wire come home with the next window."""
    stay = {id(merchant) for merchant in staying}
    network.homeless += [departure for merchant, departure in way.outbox if id(merchant) in stay]
    way.outbox.clear()
