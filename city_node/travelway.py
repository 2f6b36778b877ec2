"""Travel-ways: the connections of a node's cities with the world outside, on trio streams.

Listeners and diallers run here; what a connection says and hears is decided in
`protocol.connection`, who may enter in `border`. Between windows the node calls `give_inputs`
(arrivals and the state of the roads go into the world) and `take_abroad` (who left goes into the
outboxes). In between, the tasks below touch no world. Nothing here is unbounded: a peer that does
not read fills its outbox and nobody else's, one that writes too fast waits for the next window.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import trio

from city_node.border import Quota, admit, bring_home, on_the_wire, place_of
from city_node.log import Log
from city_node.world import City, World
from merchants.roster import Roster, chosen
from merchants.town import Roads
from protocol.connection import Connection
from protocol.events import Closed, Event, Greeted, Merchants, Ready, Refused, Returned, Send
from protocol.limits import LINE_BYTES_MAX
from protocol.messages import Merchant

OUTBOX_MERCHANTS_MAX = 1_024
"""Merchants on their way to one peer's socket: two windows of a busy city, 0.7 MB of lines."""

INBOX_BYTES_MAX = 1_048_576
"""Of one peer's merchants, lines and prices, waiting for the next window: some 1,200 merchants.
Beyond these its socket is not read, so that what strangers send is never a matter of memory."""

RETURNED_BYTES_MAX = 262_144
"""Lines on their way back to a peer. Beyond these its socket is not read until it reads."""

NOT_READING_S_MAX = 60.0
"""A write that takes longer than this is to a peer that stands still: its road is closed, and
whoever waited for it comes home."""

SILENT_MAX = 64
SILENT_PER_ADDRESS_MAX = 8
"""Connections that have not greeted, in all and from one address: a newcomer closes the oldest."""

ACCEPTED_MAX = 64
"""Travel-ways of one city that peers have dialled."""

REDIAL_S_MIN, REDIAL_S_MAX = 1.0, 300.0
"""Full jitter between nothing and a bound that doubles from the first to the second."""

CROSSING_S = 1.5
"""How long one who has crossed is shown on his way, for people to see him walk."""

CROSSINGS_MAX = 24
"""Shown on one travel-way, both directions; more would hide each other."""

TURN_S_MAX = 0.004
"""To understand what was read of one peer at a time, while everybody else waits: who sends what
takes long is read in smaller pieces."""

CONNECT_S_MAX = 5.0
"""To one address of a machine, which may be one at which it cannot be reached from here."""

MOVING_COST_COINS = 1.0
"""Weighed by merchants on a road over the network, as on any other."""

PEERS_REMEMBERED_MAX = 1_024
"""Names whose quotas are kept. A stranger beyond these waits until an hour has passed for one."""


@dataclass(eq=False)
class Travelway:
    """One connection, from accept or dial to close.

    Attributes:
        peer: its name as people see it; empty until it has greeted.
        waiting_bytes: of merchants heard and not yet given to the world.
        drained: set when the world has taken them, or lines that go back have been written.
        outbox: who is to be written, with his row should he have to come home.
        greeting: bytes of our name, to be written at once and alone.
        going_back: lines to be written back, once the quiet after the greeting is over.
        wake: set when there is something to write.
        redial: of the task that would dial again; None: the peer dialled.
        crossings: who has crossed lately: when, the good he carried or "", whether outward.
    """

    city: City
    stream: trio.SocketStream
    address: str
    connection: Connection
    redial: trio.CancelScope | None
    peer: str = ""
    ready: bool = False
    place: int = -1
    waiting_bytes: int = 0
    drained: trio.Event = field(default_factory=trio.Event)
    outbox: deque[tuple[Merchant, Roster]] = field(default_factory=deque)
    greeting: bytearray = field(default_factory=bytearray)
    going_back: bytearray = field(default_factory=bytearray)
    wake: trio.Event = field(default_factory=trio.Event)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    why_closed: str = ""
    crossings: deque[tuple[float, str, bool]] = field(
        default_factory=lambda: deque(maxlen=CROSSINGS_MAX)
    )

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be read of this peer for now."""
        return self.waiting_bytes >= INBOX_BYTES_MAX or len(self.going_back) >= RETURNED_BYTES_MAX

    def send_back(self, lines: bytes) -> None:
        """Queue lines that go back."""
        self.going_back += lines
        self.wake.set()

    def close(self, reason: str) -> None:
        """End the connection from any task."""
        self.why_closed = self.why_closed or reason
        self.scope.cancel()


@dataclass
class Network:
    """All travel-ways of a node.

    Attributes:
        node: the node's name.
        own: casefolded names of our cities that are listened for.
        goods: what may travel: the world's goods less leisure, in the world's order.
        open: greeted travel-ways by city and casefolded name of the peer.
        silent: those that have not greeted, oldest first.
        heard: merchants waiting for the next window, in the order in which they came.
        gone: closed travel-ways whose outbox has to come home.
        quotas: by city and casefolded name of the peer.
        refused: lines and merchants refused, by city and name of the peer.
    """

    node: str
    goods: tuple[str, ...]
    log: Log
    own: set[str] = field(default_factory=set)
    open: dict[tuple[int, str], Travelway] = field(default_factory=dict)
    silent: list[Travelway] = field(default_factory=list)
    heard: deque[tuple[Travelway, Merchants]] = field(default_factory=deque)
    gone: list[Travelway] = field(default_factory=list)
    quotas: dict[tuple[int, str], Quota] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def node_suffix(self) -> str:
        """What full names of our cities end in on the wire."""
        return f"@{self.node.upper()}"


# --- what the world takes and gives between windows ---


def give_inputs(network: Network, world: World) -> None:
    """Arrivals, homecomers and the state of the roads, as inputs of the window that begins now."""
    now_s = trio.current_time()
    for travelway in network.gone:  # first: an arrival may need the place of a city that is gone
        _bring_all_home(network, world, travelway, now_s)
    network.gone.clear()
    while network.heard:
        travelway, came = network.heard.popleft()
        _admit(network, world, travelway, came, now_s)
        travelway.waiting_bytes -= _bytes_of(came)
        if not travelway.is_full:
            travelway.drained.set()
    for city in world.cities:
        city.town.roads = _roads(network, world, city)


def _bytes_of(came: Merchants) -> int:
    return sum(map(len, came.lines)) + came.prices.itemsize * len(came.prices)


def _admit(
    network: Network, world: World, travelway: Travelway, came: Merchants, now_s: float
) -> None:
    city = travelway.city
    place = _place(network, world, travelway)
    quota = _quota(network, travelway, now_s)
    if place is None or quota is None:
        travelway.close("too many cities in sight")
        return
    admitted = admit(
        world,
        city,
        place,
        came,
        of_ours=travelway.connection.is_node_of_ours,
        quota=quota,
        node_suffix=network.node_suffix,
        now_s=now_s,
    )
    for good, owned in zip(came.good[-CROSSINGS_MAX:], came.owned[-CROSSINGS_MAX:], strict=True):
        travelway.crossings.append((now_s, came.goods[good] if owned else "", False))
    if admitted.turned_back:
        network.refused[city.name, travelway.peer] += len(admitted.turned_back)
        network.log.complain(
            f"{city.name}: turned back merchants of {travelway.peer}: {admitted.reason}"
        )
        travelway.send_back(b"".join(admitted.turned_back))


def _place(network: Network, world: World, travelway: Travelway) -> int | None:
    if travelway.place < 0:
        in_use = {other.peer.casefold() for other in network.open.values() if other.place >= 0}
        place = place_of(world, travelway.peer, in_use)
        if place is None or place < len(world.cities):
            return None
        travelway.place = place
    return travelway.place


def _quota(network: Network, travelway: Travelway, now_s: float) -> Quota | None:
    key = (travelway.city.here, travelway.peer.casefold())
    if key not in network.quotas and len(network.quotas) >= PEERS_REMEMBERED_MAX:
        for old, quota in list(network.quotas.items()):
            if old not in network.open and quota.hour_minor(now_s) == 0:
                del network.quotas[old]
        if len(network.quotas) >= PEERS_REMEMBERED_MAX:
            return None
    return network.quotas.setdefault(key, Quota())


def _bring_all_home(network: Network, world: World, travelway: Travelway, now_s: float) -> None:
    for merchant, row in travelway.outbox:
        _bring_one_home(network, world, travelway, merchant, row, now_s)
    travelway.outbox.clear()


def _bring_one_home(
    network: Network,
    world: World,
    travelway: Travelway,
    merchant: Merchant,
    row: Roster,
    now_s: float,
) -> None:
    quota = network.quotas.get((travelway.city.here, travelway.peer.casefold()))
    if quota:
        quota.book(now_s, merchant.money_minor)
    bring_home(world, travelway.city, row, merchant.genome)


def _roads(network: Network, world: World, city: City) -> Roads:
    """The roads of a city: those inside the process as they are, then its open travel-ways."""
    roads = city.town.roads
    inside = roads.place < len(world.cities)
    ways = [
        way
        for (here, _), way in sorted(network.open.items())
        if here == city.here and way.ready and _place(network, world, way) is not None
    ]
    if not ways and inside.all():
        return roads
    carries = np.array(
        [[good in way.connection.goods_known for good in world.goods] for way in ways], np.uint8
    ).reshape(len(ways), len(world.goods))
    return Roads(
        place=np.concatenate([roads.place[inside], _ints(way.place for way in ways)]),
        cost=np.concatenate([roads.cost[inside], np.full(len(ways), MOVING_COST_COINS)]),
        cost_back=np.concatenate([roads.cost_back[inside], np.full(len(ways), MOVING_COST_COINS)]),
        travel_ticks=np.concatenate([roads.travel_ticks[inside], _ints(0 for _ in ways)]),
        open=np.concatenate([roads.open[inside], np.ones(len(ways), np.uint8)]),
        room=np.concatenate(
            [roads.room[inside], _ints(OUTBOX_MERCHANTS_MAX - len(way.outbox) for way in ways)]
        ),
        carries=np.concatenate([roads.carries[inside], carries]),
    )


def _ints(values: Any) -> np.ndarray:
    return np.array(list(values), np.int64)


def take_abroad(network: Network, world: World) -> None:
    """Put those who left in the last window into the outboxes of their travel-ways."""
    now_s = trio.current_time()
    for city, left in world.abroad:
        ways = {way.place: way for (here, _), way in network.open.items() if here == city.here}
        for number in range(int(left.size[0])):
            row = chosen(left, np.array([number]))
            place = int(row.rows.to_place[0])
            merchant = on_the_wire(world, row, network.node_suffix)
            way = ways.get(place)
            if way is None:  # closed while the window ran
                bring_home(world, city, row, merchant.genome)
                continue
            quota = _quota(network, way, now_s)
            if quota:
                quota.book(now_s, -merchant.money_minor)
            way.outbox.append((merchant, row))
            way.crossings.append((now_s, merchant.good if merchant.owned else "", True))
            way.wake.set()
    world.abroad.clear()


# --- one connection ---


async def speak(
    network: Network,
    city: City,
    stream: trio.SocketStream,
    *,
    redial: trio.CancelScope | None = None,
    of_ours: bool = False,
) -> bool:
    """Run one connection to its end.

    Args:
        redial: of the task that dialled it; None: the peer did.
        of_ours: known to be a node of ours, which is greeted at once.

    Returns:
        Whether the peer had greeted and was let in.
    """
    address = _address_of(stream)
    connection = Connection(
        city.name,
        node=network.node,
        goods=network.goods,
        dialling=redial is not None,
        now_s=trio.current_time(),
        speak_first=of_ours,
        names_taken=_Taken(network, city),
    )
    way = Travelway(city, stream, address, connection, redial)
    _make_room_for_silent(network, way)
    network.silent.append(way)
    try:
        with way.scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_write, network, way)
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


def _address_of(stream: trio.SocketStream) -> str:
    try:
        return str(stream.socket.getpeername()[0])
    except OSError:
        return "?"


class _Taken:
    """Names that a peer of a city may not have, as `protocol.connection` asks for them."""

    def __init__(self, network: Network, city: City) -> None:
        self._network, self._city = network, city

    def __contains__(self, name: object) -> bool:
        wanted = str(name).casefold()
        plain = wanted.removesuffix(self._network.node_suffix.casefold())
        return plain in self._network.own or (self._city.here, wanted) in self._network.open


def _make_room_for_silent(network: Network, newcomer: Travelway) -> None:
    if newcomer.redial:
        return
    silent = [way for way in network.silent if not way.redial and not way.why_closed]
    same = [way for way in silent if way.address == newcomer.address]
    if len(same) >= SILENT_PER_ADDRESS_MAX:
        same[0].close("did not greet, and newcomers from its address want the place")
    elif len(silent) >= SILENT_MAX:
        silent[0].close("did not greet, and newcomers want the place")


async def _read(network: Network, way: Travelway) -> None:
    """Feed the connection with bytes and the time until it is closed."""
    read_bytes = LINE_BYTES_MAX
    while not way.why_closed:
        data = None
        with trio.move_on_at(way.connection.deadline_s):
            while way.is_full:
                way.drained = trio.Event()
                await way.drained.wait()
            data = await way.stream.receive_some(read_bytes)
        now_s = trio.current_time()
        started_s = time.perf_counter()
        events = way.connection.tick(now_s) if data is None else way.connection.receive(data, now_s)
        for event in events:
            _act(network, way, event)
        in_time = time.perf_counter() - started_s < TURN_S_MAX
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
            way.waiting_bytes += _bytes_of(event)
            network.heard.append((way, event))
        case Returned(reason, line):
            _refuse(network, way, reason)
            way.send_back(line)
        case Refused(reason):
            _refuse(network, way, reason)
        case Closed(reason):
            way.why_closed = way.why_closed or reason


def _refuse(network: Network, way: Travelway, reason: str) -> None:
    network.refused[way.city.name, way.peer] += 1
    network.log.complain(f"{way.city.name}: refused a line of {way.peer or way.address}: {reason}")


def _greet(network: Network, way: Travelway, greeted: Greeted) -> None:
    accepted = [
        other for other in network.open.values() if other.city is way.city and not other.redial
    ]
    if not way.redial and len(accepted) >= ACCEPTED_MAX:
        way.why_closed = f"travel-ways = {ACCEPTED_MAX}: no more are accepted"
        return
    way.peer = greeted.spelled
    network.silent.remove(way)
    network.open[way.city.here, greeted.name.casefold()] = way
    promise = "" if way.connection.is_node_of_ours else "; nothing on it is acknowledged"
    network.log.say(f"{way.city.name}: road to {way.peer} open ({way.address}){promise}")


def _forget(network: Network, way: Travelway) -> None:
    if way in network.silent:
        network.silent.remove(way)
        why = way.why_closed or "stopped"
        network.log.complain(f"{way.city.name}: {way.address} not let in: {why}")
        return
    network.open.pop((way.city.here, way.connection.peer_name.casefold()), None)
    if way.outbox:
        network.gone.append(way)
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
    if staying:
        kept = [(m, row) for m, row in way.outbox if any(m is other for other in staying)]
        home = Travelway(way.city, way.stream, way.address, way.connection, way.redial, way.peer)
        home.place, home.outbox = way.place, deque(kept)
        network.gone.append(home)
    way.outbox.clear()


# --- listening and dialling ---


async def listen(
    network: Network,
    city: City,
    listeners: list[trio.SocketListener],
    *,
    task_status: trio.TaskStatus[Any] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Accept whoever dials a city."""
    network.own.add(city.name.casefold())

    async def accepted(stream: trio.SocketStream) -> None:
        await speak(network, city, stream)

    await trio.serve_listeners(accepted, listeners, task_status=task_status)


async def dial(
    network: Network,
    city: City,
    hosts: Sequence[str],
    port: int,
    wanted: Callable[[], bool] | None = None,
) -> None:
    """Keep a road to a city open.

    Args:
        hosts: names or addresses of its machine, tried in turn.
        wanted: says whether to go on; None: for as long as the node runs, at an address we were
            told and which may be anybody's. One found by discovery is a node of ours.
    """
    bound_s = REDIAL_S_MIN
    of_ours = wanted is not None
    bound_s = REDIAL_S_MIN
    with trio.CancelScope() as redial:
        while wanted is None or wanted():
            for host in hosts:
                try:
                    with trio.fail_after(CONNECT_S_MAX):
                        stream = await trio.open_tcp_stream(host, port)
                except (OSError, ValueError, trio.TooSlowError) as error:  # ValueError: odd name
                    if wanted is None and bound_s == REDIAL_S_MIN:
                        why = str(error) or f"no answer within {CONNECT_S_MAX:g} s"
                        network.log.say(
                            f"{city.name}: {host}:{port} out of reach, trying on: {why}"
                        )
                    continue
                if await speak(network, city, stream, redial=redial, of_ours=of_ours):
                    bound_s = REDIAL_S_MIN
                    break
            await trio.sleep(random.uniform(0.1, bound_s))
            bound_s = min(REDIAL_S_MAX, bound_s * 2)
