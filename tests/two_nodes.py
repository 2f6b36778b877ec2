"""Two nodes with journals in memory and a stream between them, for tests of the node protocol."""

from itertools import chain
from typing import Any

from msgspec.structs import replace

from protocol.events import Send
from protocol.migration import MOVES, Contradiction, Offence, Settled, Transition
from protocol.node_connection import Ended, Heard, Met, NodeConnection, Welcomed, hello_of
from protocol.node_messages import Message, Offer
from protocol.pairs import Pairs

CITIES = (("RIVERWOOD@ATLAS", "OAKHAM@ATLAS"), ("SEASIDE@BOREAS", "PORTSVILLE@BOREAS"))


def record(number: int) -> tuple[int, bytes]:
    """A merchant whose money tells who he is."""
    return 1_000 + number, b'{"merchant":%d}' % number


class Host:
    """A node: cities with merchants, a journal, the books, at most one connection."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.cities = CITIES[number]
        self.rows: dict[tuple[str, str, str, int], Transition] = {}
        self.settled: dict[tuple[str, str, str], Settled] = {}
        self.home: dict[str, set[bytes]] = {city: set() for city in self.cities}
        self.accounts: dict[tuple[str, str, str], int] = {}
        self.pairs = Pairs()
        self.connection: NodeConnection | None = None
        self.leaving: set[bytes] = set()  # out of circulation, not yet written
        self.ended: list[Ended] = []
        self.quarantined = ""

    def write(self) -> list[Message]:
        """Make the next group durable; what may be said now."""
        group = self.pairs.unwritten()
        if group is None:
            return []
        for t in group.transitions:
            key = (t.side, t.city, t.peer, t.xid)
            self.rows[key] = replace(t, merchant=self.rows.get(key, t).merchant)
            if t.state == "PREPARED":
                assert t.merchant is not None
                self.home[t.city].remove(t.merchant)
                self.leaving.remove(t.merchant)
            if move := MOVES.get((t.side, t.state)):
                for account, amount in zip(move, (-t.money_minor, t.money_minor), strict=True):
                    account_key = (t.city, t.peer, account)
                    self.accounts[account_key] = self.accounts.get(account_key, 0) + amount
        for entrant in group.entrants:
            assert entrant.merchant not in self.home[entrant.city]
            self.home[entrant.city].add(entrant.merchant)
        for settled in group.settled:
            self.settled[settled.side, settled.city, settled.peer] = settled
            self.rows = {
                key: row
                for key, row in self.rows.items()
                if key[:3] != (settled.side, settled.city, settled.peer)
                or row.xid >= settled.below
                or row.state == "HELD"
            }
        return self.pairs.written()

    def crash(self) -> None:
        self.pairs = Pairs(self.rows.values(), self.settled.values())
        self.connection = None
        self.leaving.clear()

    def depart(self, city: str, peer: str, count: int, now_s: float) -> None:
        going = sorted(self.home[city] - self.leaving)[:count]
        self.leaving |= set(going)
        records = [(1_000 + int(m[12:-1]), m) for m in going]
        if records:
            self.pairs.depart(city, peer, records, now_s)

    def act(self, event: Any, now_s: float) -> bytes:
        """Act on what a connection says; bytes to write at once."""
        connection = self.connection
        assert connection is not None
        match event:
            case Send(data):
                return data
            case Met(hello, version):
                if self.number == 1:
                    self.pairs.greet(version, self.cities, [c.name for c in hello.cities])
            case Welcomed(welcome):
                if self.number == 0:
                    self.pairs.greet(connection.version, self.cities, CITIES[1])
                self.pairs.connect(welcome, now_s)
            case Heard(messages):
                for message in messages:
                    self.hear(message)
            case Ended():
                self.ended.append(event)
                self.connection = None
                self.pairs.cut()
        return b""

    def hear(self, message: Message) -> None:
        if not isinstance(message, Offer):
            self.pairs.receive(message)
            return
        judged = []
        for merchant in self.pairs.to_judge(message):
            number = int(merchant[12:-1])
            judged.append((record(number), "quota" if number % 5 == 0 else ""))
        self.pairs.hold(message, judged)


class TwoNodes:
    """Both, and what is under way between them; `under_way[n]` is on its way to node n."""

    def __init__(self, merchants: int) -> None:
        self.hosts = [Host(0), Host(1)]
        self.under_way = [b"", b""]
        self.now_s = 0.0
        self.everybody = {record(n)[1] for n in range(merchants)}
        cities = list(chain.from_iterable(CITIES))
        for n in range(merchants):
            city = cities[n % len(cities)]
            host = self.hosts[n % len(cities) // 2]
            host.home[city].add(record(n)[1])

    @property
    def linked(self) -> bool:
        return all(host.connection for host in self.hosts)

    def link(self) -> None:
        self.cut()
        ids = ("atlas", "boreas")
        for host in self.hosts:
            hello = hello_of(ids[host.number], "boot", [(city, "") for city in host.cities])
            peer_id = ids[1 - host.number]
            host.connection = NodeConnection(
                hello, peer_id=peer_id, dialling=host.number == 0, now_s=self.now_s
            )
        for host in self.hosts:
            self.tick(host)

    def cut(self) -> None:
        self.under_way = [b"", b""]
        for host in self.hosts:
            host.connection = None
            host.pairs.cut()

    def crash(self, number: int) -> None:
        self.cut()
        self.hosts[number].crash()

    def write(self, number: int) -> None:
        host = self.hosts[number]
        messages = host.write()
        if host.connection:
            self.under_way[1 - number] += host.connection.send(messages, self.now_s)

    def tick(self, host: Host) -> None:
        host.pairs.tick(self.now_s)
        if host.connection:
            self._act(host, host.connection.tick(self.now_s))

    def deliver(self, number: int, count: int) -> None:
        host = self.hosts[number]
        data, self.under_way[number] = (
            self.under_way[number][:count],
            self.under_way[number][count:],
        )
        if host.connection and data:
            self._act(host, host.connection.receive(data, self.now_s))

    def _act(self, host: Host, events: list[Any]) -> None:
        for event in events:
            try:
                said = host.act(event, self.now_s)
            except (Contradiction, Offence) as error:
                host.quarantined = f"{type(error).__name__}: {error}"
                self.cut()
                return
            self.under_way[1 - host.number] += said

    def settle(self) -> None:
        """Let all happen that happens by itself."""
        while any(self.under_way) or any(host.pairs._steps for host in self.hosts):
            for number in (0, 1):
                self.deliver(number, 1 << 20)
                self.write(number)

    def check(self) -> None:
        """Everybody is owned once, nobody is active twice, and every account balances."""
        homes = [m for host in self.hosts for home in host.home.values() for m in home]
        assert len(homes) == len(set(homes))
        live, committed = set(homes), set()
        for host in self.hosts:
            for row in host.rows.values():
                if row.state == "PREPARED":
                    assert row.merchant is not None
                    assert row.merchant not in live
                    live.add(row.merchant)
                elif row.state == "COMMITTED":  # he may have arrived, and left again
                    committed.add(row.merchant)
            for city in host.cities:
                for peer in CITIES[1 - host.number]:
                    sides = ("city", "transit", "escrow", "peer")
                    assert sum(host.accounts.get((city, peer, a), 0) for a in sides) == 0
                    assert host.accounts.get((city, peer, "transit"), 0) >= 0
                    assert host.accounts.get((city, peer, "escrow"), 0) >= 0
        assert live | committed == self.everybody

    def check_rest(self) -> None:
        """Nobody is under way, and the two nodes' accounts mirror each other."""
        a, b = self.hosts
        for host in self.hosts:
            assert not host.quarantined, host.quarantined
            assert {row.state for row in host.rows.values()} <= {"GONE", "BACK", "LIVE", "DROPPED"}
        for ours in CITIES[0]:
            for theirs in CITIES[1]:
                there = b.accounts.get((theirs, ours, "peer"), 0)
                assert a.accounts.get((ours, theirs, "peer"), 0) == -there
