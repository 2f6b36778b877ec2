"""What the world takes from other nodes of ours and gives to them, between two windows.

`node` calls `hear_nodes` before a window (messages become steps of migrations, and who has entered
or come home becomes an input), `see_off` after it (who left is prepared), and `speak_up` once the
window is durable. Nothing is said earlier. The migrations' own rules are in `protocol.migration`;
here they meet the world, the border and the books.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
import trio

from city_node.cities.inputs import Homecomer, take, unknown_genes
from city_node.cities.world import City, World
from city_node.identity.keys import city_key, is_signed, sign
from city_node.network.border import NODE_MERCHANTS_MAX, enter, guests_present, place_of, roster_of
from city_node.network.conversation import Speaker
from city_node.network.crossing import place_on
from city_node.network.departures import Departure
from city_node.network.network import Network, note_crossings
from city_node.network.peer_nodes import PeerNode, PeerNodes, as_kept, spelled
from protocol.bulk import BulkDecoder
from protocol.checks import LineError
from protocol.events import Merchants
from protocol.limits import OFFERS_IN_FLIGHT_FIRST, PRICE_COINS_MAX
from protocol.messages import decode_merchant, encode_record
from protocol.migration import Contradiction, Entrant, Offence, Settled, Transition
from protocol.node_lines import signed_bytes
from protocol.node_messages import News, Offer, Refuse, Statement
from protocol.observe import EMPTY_HANDED
from protocol.offers import read

NEWS_S = 1.0
STATEMENT_S = 60.0
"""A pair's account is told as often; a difference is then at most a minute old."""

RETRY_AFTER_S = 5
"""Said with a refusal: whoever leaves meanwhile makes room, and credit."""


class Migrations:
    """Migrations of a node, window by window.

    Attributes:
        transitions: of this window, not yet durable.
        settled: likewise.
    """

    def __init__(self, speaker: Speaker, world: World) -> None:
        self.speaker = speaker
        self.network: Network = speaker.network
        self.nodes: PeerNodes = speaker.nodes
        self.transitions: list[Transition] = []
        self.settled: list[Settled] = []
        self._news_s = self._statement_s = -np.inf
        self._goods = world.goods
        self._numbers = {name: here for here, name in enumerate(self.nodes.names)}
        self._names = dict(zip(self.nodes.names, (c.name for c in self.nodes.cities), strict=True))
        for peer in self.nodes.by_id.values():
            peer.pairs.wait(trio.current_time())

    # --- before a window ---

    def hear_nodes(self, world: World) -> None:
        """Act on what peers have said; whoever enters becomes an input of the coming window."""
        now_s = trio.current_time()
        self._tell(world, now_s)
        for peer in list(self.nodes.by_id.values()):
            if peer.pairs.deadline_s <= now_s:
                peer.pairs.tick(now_s)
            try:
                while peer.heard:
                    self._hear(world, peer, peer.heard.popleft())
            except Contradiction as error:
                self.speaker.quarantine(peer, str(error))
            except Offence as error:
                self.speaker.offend(peer, str(error))
            peer.heard.clear()  # after either, nothing more is heard of it
            peer.drained.set()
            self._enter(world, peer, self._write_down(peer))
        self._open_ways(world)

    def _hear(self, world: World, peer: PeerNode, message: object) -> None:
        match message:
            case Offer():
                self._judge(world, peer, message)
            case News(city=name, prices=prices):
                for way in peer.ways:
                    if way.name == name:
                        way.prices = prices
            case Statement():
                self._check_signed(peer, message)
                peer.pairs.receive(message)
            case _:
                if isinstance(message, Refuse):
                    self._note_refusal(peer, message)
                peer.pairs.receive(message)  # type: ignore[arg-type]

    def _check_signed(self, peer: PeerNode, said: Statement) -> None:
        key = peer.talk.keys.get(said.sender, b"") if peer.talk else b""
        try:
            signature = bytes.fromhex(said.signature)
        except ValueError:
            signature = b""
        if not is_signed(key, "statement", signed_bytes(said), signature):
            raise Offence(f"{said.sender}: a statement that it has not signed")

    def _note_refusal(self, peer: PeerNode, refuse: Refuse) -> None:
        """Nobody else is sent there for as long as the peer asks for."""
        city = self._names[refuse.sender]
        for way in peer.ways:
            if way.name == refuse.receiver and way.city.name == city:
                self.network.log.complain(f"{city}: {way.peer} refuses merchants: {refuse.code}")
                way.closed_until_s = trio.current_time() + refuse.retry_after_s

    def _judge(self, world: World, peer: PeerNode, offer: Offer) -> None:
        """Hold those of an offer whom the border lets in."""
        city = self.nodes.cities[self._numbers[offer.receiver]]
        fresh = peer.pairs.to_judge(offer)
        found = read(peer.decoder, fresh)
        way = self.network.linked.get((city.here, offer.sender.casefold()))
        place = place_on(self.network, world, way) if way else None
        closed = "closed" if way is None else "crowded" if place is None else ""
        present = guests_present(world, city, place) if place is not None else 0
        inbound = peer.pairs.inbound.get((offer.receiver, offer.sender))
        room = NODE_MERCHANTS_MAX - present - (len(inbound.held) if inbound else 0)
        free_minor = self._free_minor(city, offer.sender)
        judged = []
        for money_minor, unsound, record in zip(found.money_minor, found.codes, fresh, strict=True):
            code = unsound or closed
            if not code:
                code = "full" if room <= 0 else "no_credit" if money_minor > free_minor else ""
            if code:
                self.network.refuse(city.name, spelled(offer.sender))
            else:
                room -= 1
                free_minor -= money_minor
                self.nodes.given_minor[offer.receiver, offer.sender] += money_minor
            judged.append(((money_minor, record), code))
        for reason in found.reasons:
            self.network.log.complain(f"{city.name}: {spelled(offer.sender)}: {reason}")
        peer.pairs.hold(offer, judged, retry_after_s=RETRY_AFTER_S)

    def _free_minor(self, city: City, name: str) -> int:
        """How many more coins a city takes of another: its credit, less what that node has brought.

        A node may call its cities as it likes, so all of them have one credit together.
        """
        ours, node_id = self.nodes.names[city.here], self.nodes.id_of[name]
        of_it = [other for other, known in self.nodes.id_of.items() if known == node_id]
        given_minor = sum(self.nodes.given_minor[ours, other] for other in of_it)
        balance_minor = sum(self._balance_minor(city, other) for other in of_it)
        return self._credit_minor(city) - balance_minor - given_minor

    def _credit_minor(self, city: City) -> int:
        return self.network.policies[city.here].credit_minor(city.ledger.initial_minor)

    def _balance_minor(self, city: City, name: str) -> int:
        """Coins that have come from another city, those held included, less those that went."""
        account = self.nodes.ledger.accounts.get((city.name, spelled(name).casefold()))
        if account is None:
            return 0
        return account.entered_minor + account.escrow_minor - account.left_minor

    # --- the world's inputs ---

    def _write_down(self, peer: PeerNode) -> list[Entrant]:
        """Take a peer's steps, to be made durable with this window; returns who enters by them."""
        entrants: list[Entrant] = []
        while (group := peer.pairs.unwritten()) is not None:
            peer.writing = True
            self.transitions += [as_kept(each, self._names) for each in group.transitions]
            self.settled += [self._kept(each) for each in group.settled]
            entrants += group.entrants
            booked: list[Transition | Settled] = [*group.transitions, *group.settled]
            for book in booked:  # a merchant dropped has but a sum
                self.nodes.keep_name(book.peer)
            for each in group.transitions:
                if each.state == "GONE":
                    peer.left.pop(((each.city, each.peer), each.xid), None)
        return entrants

    def _kept(self, settled: Settled) -> Settled:
        return Settled(
            self._names[settled.city],
            spelled(settled.peer),
            settled.side,
            settled.below,
            settled.digest,
            settled.money_minor,
        )

    def _enter(self, world: World, peer: PeerNode, entrants: Sequence[Entrant]) -> None:
        """Who is LIVE arrives, who is BACK comes home."""
        came: dict[tuple[str, str], list[Entrant]] = {}
        for entrant in entrants:
            if entrant.side == "in":
                came.setdefault((entrant.city, entrant.peer), []).append(entrant)
            else:
                self._come_home(world, peer, entrant)
        for (name, other), arrived in came.items():
            city = self.nodes.cities[self._numbers[name]]
            place = place_of(world, spelled(other), self.network.in_use)
            assert place is not None, "a place is kept for whom one holds merchants of"
            tariff_bp = self.network.policies[city.here].tariff_bp
            for columns in self._columns(peer, [entrant.merchant for entrant in arrived]):
                rows, suffix = np.arange(len(columns)), self.network.node_suffix
                enter(world, city, place, columns, rows, suffix, tariff_bp=tariff_bp)
                way = self.network.linked.get((city.here, other.casefold()))
                if way:
                    note_crossings(way, columns)

    def _columns(self, peer: PeerNode, records: list[bytes]) -> list[Merchants]:
        """Merchants who were judged before: sound, whatever the decoder has met since."""
        found = read(peer.decoder, records)
        if any(found.codes):
            found = read(BulkDecoder(self.nodes.goods, in_minor=True), records)
        assert not any(found.codes), f"journaled merchants cannot be read: {found.reasons}"
        return [columns for _, columns in found.columns]

    def _come_home(self, world: World, peer: PeerNode, entrant: Entrant) -> None:
        city = self.nodes.cities[self._numbers[entrant.city]]
        merchant = decode_merchant(entrant.merchant, self.nodes.goods, in_minor=True).merchant
        row = peer.left.pop(((entrant.city, entrant.peer), entrant.xid), None)
        if row is None:  # he left before a crash
            (columns,) = self._columns(peer, [entrant.merchant])
            row = roster_of(
                world, city, city.here, columns, np.array([0]), self.network.node_suffix
            )
            row.rows.number[:] = -1
        take(
            world, Homecomer(city.here, spelled(entrant.peer), row, unknown_genes(merchant.genome))
        )

    # --- after a window ---

    def see_off(self, departures: Sequence[Departure]) -> list[Departure]:
        """Prepare those who left for cities of other nodes; returns the others."""
        now_s = trio.current_time()
        others = []
        for departure in departures:
            name = departure.peer.upper()
            node_id = self.nodes.id_of.get(name)
            if node_id is None:
                others.append(departure)
                continue
            peer = self.nodes.by_id[node_id]
            merchant = departure.merchant
            try:
                record = merchant.money_minor, encode_record(merchant)
            except LineError:  # he has more than may travel
                self.network.homeless.append(departure)
                continue
            ours = self.nodes.names[departure.city.here]
            (xid,) = peer.pairs.depart(ours, name, [record], now_s)
            peer.left[(ours, name), xid] = departure.row
            way = self.network.linked.get((departure.city.here, name.casefold()))
            if way:
                good = merchant.good if merchant.owned else EMPTY_HANDED
                way.crossings.append((now_s, good, True))
        self.nodes.unwritten |= self.nodes.rebound
        self.nodes.rebound = {}
        for peer in self.nodes.by_id.values():
            entrants = self._write_down(peer)
            assert not entrants, "whoever enters is heard of before a window"
        return others

    # --- once it is durable ---

    def speak_up(self) -> None:
        """Say what the window has made true."""
        now_s = trio.current_time()
        self.transitions, self.settled = [], []
        self.nodes.unwritten = {}
        self.nodes.given_minor.clear()
        for peer in list(self.nodes.by_id.values()):
            if peer.writing:
                peer.writing = False
                messages = peer.pairs.written()
                if peer.talk:
                    peer.talk.say(peer.talk.connection.send(messages, now_s))
                self.nodes.forget(peer)  # if its link ended meanwhile

    # --- ways and news ---

    def _open_ways(self, world: World) -> None:
        """How many more merchants each way has room for, and what is under way on it."""
        self.network.under_way = set()
        for peer in self.nodes.by_id.values():
            outbound, inbound = peer.pairs.outbound.items(), peer.pairs.inbound.items()
            under_way = [other for (_, other), out in outbound if out.prepared or out.committed]
            under_way += [other for (_, other), come in inbound if come.held]
            self.network.under_way |= {other.casefold() for other in under_way}
            for way in peer.ways:
                ours = self.nodes.names[way.city.here]
                out = peer.pairs.outbound.get((ours, way.name))
                way.room = max(0, out.credit - out.next) if out else OFFERS_IN_FLIGHT_FIRST
                if trio.current_time() < way.closed_until_s:
                    way.room = 0
                way.waiting = Counter() if out is None else self._waiting(peer, ours, way.name)
                way.balance_minor = self._balance_minor(way.city, way.name)
                way.credit_minor = self._credit_minor(way.city)
                way.used_minor = way.credit_minor - self._free_minor(way.city, way.name)
                if way.prices is not None:
                    place_on(self.network, world, way)

    def _waiting(self, peer: PeerNode, ours: str, name: str) -> Counter[str]:
        """Who has left and is not known to have arrived, by the good he carries."""
        out = peer.pairs.outbound[ours, name]
        found: Counter[str] = Counter()
        for xid in (*out.prepared, *out.committed):
            row = peer.left.get(((ours, name), xid))
            loaded = row is not None and row.rows.owned[0] > 0
            good = self._goods[row.rows.good[0]] if row is not None and loaded else EMPTY_HANDED
            found[good] += 1
        return found

    def _tell(self, world: World, now_s: float) -> None:
        """Now and then, prices and accounts."""
        if now_s < self._news_s + NEWS_S:
            return
        self._news_s = now_s
        stating = now_s >= self._statement_s + STATEMENT_S
        if stating:
            self._statement_s = now_s
        news = [self._news(world, city) for city in self.nodes.cities]
        for peer in self.nodes.by_id.values():
            if peer.talk is None or not peer.ways:
                continue
            told = [news[here] for here in peer.talk.cities]
            peer.talk.say(peer.talk.connection.send(told, now_s))
            if stating:
                self._state(peer)

    def _news(self, world: World, city: City) -> News:
        prices = city.economy.prices(city.state)
        tradeable = set(self.nodes.goods)
        return News(
            city=self.nodes.names[city.here],
            prices={
                good: float(price)
                for good, price in zip(world.goods, prices, strict=True)
                if good in tradeable and abs(price) <= PRICE_COINS_MAX  # not if it is none
            },
        )

    def _state(self, peer: PeerNode) -> None:
        for way in peer.ways:
            ours = self.nodes.names[way.city.here]
            statement = peer.pairs.statement(ours, way.name)
            if statement.sent_settled or statement.received_settled:
                key = city_key(self.nodes.identity, ours)
                signature = sign(key, "statement", signed_bytes(statement)).hex()
                peer.pairs.state(msgspec.structs.replace(statement, signature=signature))
