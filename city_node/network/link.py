"""Links between nodes: accepted or dialled, authenticated, bounded, and then handed on.

TLS comes to `Links`, from whichever listener; the rest are guests of the legacy wire. A link is
handed to `speak` (`conversation`), which exchanges hello and welcome over it, asks `gate` who may
come in, and says `greeted` when the link is up. Knows neither messages nor merchants. Made by
`linking`; `meeting` and `sightings` have it dial.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import trio

from city_node.identity.keys import CertificateError, Identity, id_of_certificate
from city_node.identity.tls import TLS_FIRST_BYTE, PeerError, Transport
from city_node.identity.trust import Trusted
from city_node.log import Log
from city_node.machine import Machine, Stream
from city_node.network.sockets import Rations, Ungreeted, address_of, take_place
from city_node.network.travelway import (
    CONNECT_S_MAX,
    REDIAL_S_MAX,
    REDIAL_S_MIN,
)
from protocol.limits import DIALLER_SILENCE_S, LISTENER_SILENCE_S

WELCOME_S_MAX = 10.0
"""From the end of TLS to welcome: a link that is not up by then holds a place others need."""

BAN_S = 3_600.0
BANS_MAX = 4_096
"""Node keys kept out for acts no honest peer can commit; keys cost nothing, so the list is bounded
and its oldest entry goes first."""

KNOCK_S_MAX = 5.0
"""Who has knocked asks again so soon: somebody has been told to let him in, and waits for it."""

DOUBLE = "its node is linked already"
"""Nothing to complain of: two nodes that find each other dial each other."""

Place = tuple[Sequence[str], int]
"""Where a node listens: addresses of its machine, and a port."""

Legacy = Callable[[Stream, float], Awaitable[bool]]
"""Speaks with one who does not begin with TLS: the stream, and since when it has been open; says
whether they got on."""


@dataclass(eq=False)
class Link:
    """One connection with a node, from accept or dial to close.

    Attributes:
        dialled: by us.
        stream, certificate: set once TLS is done, as `peer_id` is.
        knocked: a user has to decide first, here or there.
        over: set when it is closed.
    """

    address: str
    dialled: bool
    peer_id: str = ""
    certificate: bytes = b""
    knocked: bool = False
    stream: "trio.SSLStream[Transport]" = field(init=False)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    over: trio.Event = field(default_factory=trio.Event)
    why_closed: str = ""

    def close(self, reason: str) -> None:
        """End it from any task."""
        self.why_closed = self.why_closed or reason
        self.scope.cancel()


LEGACY = "legacy"
KNOCKED = "knocked"
REFUSED = "refused"
FAR = "far"
Speak = Callable[[Link], Awaitable[Any]]


class Links:
    """All links of a node.

    Args:
        speak: runs an authenticated link to its end.
        trusted: who is let in, by id.
        strangers: whether anybody else is listened to; False where every city is closed.
        cities: numbers of ours.
        machine: what the node runs on.
        ungreeted: the node's accepted connections that are not up yet, legacy ones among them.

    Attributes:
        up: links that have been greeted, by the peer's id.
        parted: ids of nodes from which a command has disconnected this one.
    """

    def __init__(
        self,
        identity: Identity,
        log: Log,
        speak: Speak,
        *,
        trusted: Mapping[str, Trusted],
        strangers: bool,
        cities: Collection[int],
        machine: Machine,
        ungreeted: list[Ungreeted],
    ) -> None:
        self.identity = identity
        self.up: dict[str, Link] = {}
        self.ungreeted = ungreeted
        self._strangers = strangers
        self._trust(trusted)
        self._secured: set[Link] = set()
        self._log = log
        self._speak = speak
        self.parted: set[str] = set()
        self._cities = frozenset(cities)
        self._told: dict[tuple[str, frozenset[int]], str] = {}  # who was last found there
        self._machine = machine
        self._banned_until_s: OrderedDict[str, float] = OrderedDict()
        self._rations = Rations()

    # --- accepting ---

    async def accept(self, stream: Stream, legacy: Legacy | None = None) -> None:
        """Serve one accepted socket to its end.

        Args:
            legacy: for those who speak no TLS; None: they are not served here.
        """
        link = Link(address_of(stream), dialled=False)
        since_s = trio.current_time()
        try:
            take_place(link, self.ungreeted)
            with link.scope:
                first = await self._machine.first_byte(stream, LISTENER_SILENCE_S)
                if first == TLS_FIRST_BYTE:
                    if not self._rations.allow(link.address, trio.current_time()):
                        link.why_closed = "too many handshakes from its address"
                        return
                    await self._run(link, stream, server_side=True, expected=None)
                elif legacy:
                    self.ungreeted.remove(link)
                    await legacy(stream, since_s)
                else:
                    link.why_closed = "it does not speak TLS"
        finally:
            if link in self.ungreeted:
                self.ungreeted.remove(link)
            self._say_closed(link)
            await trio.aclose_forcefully(stream)

    # --- dialling ---

    async def dial(
        self,
        host: str,
        port: int,
        *,
        expected: str | None = None,
        cities: Collection[int] = (),
        legacy: Legacy | None = None,
    ) -> str:
        """Connect to an address, and serve what comes of it to its end.

        Args:
            expected: the id its node must have.
            cities: numbers of ours that the user wants joined with it; none: he has not said.
            legacy: speaks with one who may be no node of ours; None: a node of ours listens there,
                so TLS begins at once and nothing less will do.

        Returns:
            The id of the node there, if a link with it is up, or was; KNOCKED, if a user has to
            decide first; REFUSED by a node, or of one, else; LEGACY for one with whom `legacy` got
            on; "" if it came to nothing.

        Raises:
            OSError: no connection.
            trio.TooSlowError: none in time.
        """
        with trio.fail_after(CONNECT_S_MAX):
            stream = await self._machine.dial(host, port)
        link = Link(f"{host}:{port}", dialled=True)
        since_s = trio.current_time()
        try:
            with link.scope:
                if legacy and await self._machine.first_byte(stream, DIALLER_SILENCE_S) is not None:
                    return LEGACY if await legacy(stream, since_s) else ""
                await self._run(link, stream, server_side=False, expected=expected, cities=cities)
        finally:
            self._say_closed(link)
            await trio.aclose_forcefully(stream)
        if link.over.is_set() or link.peer_id in self.up:
            return link.peer_id
        if link.peer_id:
            return KNOCKED if link.knocked else REFUSED
        return ""

    async def keep(
        self,
        where: Callable[[], Place | None],
        *,
        expected: str | None = None,
        cities: Collection[int] = (),
        legacy: Legacy | None = None,
        pause: Callable[[float], Awaitable[Any]] = trio.sleep,
    ) -> None:
        """Dial again and again, with pauses that grow, for as long as it is wanted.

        While a link with that node is up, whoever dialled it, nobody is dialled.

        Args:
            where: a machine's addresses, tried in turn, and the port; None: wanted no more.
            expected, cities, legacy: as of `dial`. Who may be either and does not
                speak first is never taken for less than a node of ours.
            pause: waits for so many seconds, or until there is news.
        """
        bound_s = REDIAL_S_MIN
        while place := where():
            peer_id = expected or ""
            if peer_id not in self.up:
                how = {"expected": expected, "cities": cities, "legacy": legacy}
                peer_id = await self._dial_one(place, **how)
                if peer_id not in ("", LEGACY, FAR):
                    legacy = None
            if peer_id not in ("", FAR, REFUSED):
                bound_s = REDIAL_S_MIN
                while peer_id in self.up:
                    await self.up[peer_id].over.wait()
            if peer_id == KNOCKED:
                bound_s = KNOCK_S_MAX
            await pause(self._machine.random.uniform(0.1, bound_s))
            bound_s = min(REDIAL_S_MAX, bound_s * 2)

    async def _dial_one(self, place: Place, **how: Any) -> str:
        """What `dial` says of the first of a machine's addresses that leads anywhere, else FAR."""
        hosts, port = place
        outcome = FAR
        for host in hosts:
            try:
                if outcome := await self.dial(host, port, **how):
                    return outcome
            except (OSError, ValueError, trio.TooSlowError) as error:  # ValueError: an odd name
                why = str(error) or f"no answer within {CONNECT_S_MAX:g} s"
                self._log.complain(f"{host}:{port} out of reach, trying on: {why}")
        return outcome

    # --- both ---

    async def _run(
        self,
        link: Link,
        stream: Stream,
        *,
        server_side: bool,
        expected: str | None,
        cities: Collection[int] = (),
    ) -> None:
        try:
            link.stream, link.peer_id = await self._machine.secure(
                stream,
                server_side=server_side,
                identity=self.identity,
                expected=expected,
                anchors=self._anchors,
            )
        except PeerError as error:
            link.why_closed = str(error)
            return
        link.certificate = link.stream.getpeercert(binary_form=True) or b""
        await self._be_told(link, frozenset(cities))
        link.why_closed = self._refusal(link)
        if link.why_closed:
            return
        link.scope.deadline = trio.current_time() + WELCOME_S_MAX
        self._secured.add(link)
        try:
            await self._speak(link)
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            link.why_closed = link.why_closed or "connection lost"
        finally:
            self._secured.discard(link)
            if self.up.get(link.peer_id) is link:
                del self.up[link.peer_id]
                link.over.set()

    def _refusal(self, link: Link) -> str:
        """Why a peer, whose id has been proved, is not even spoken with; empty: it is."""
        if link.peer_id == self.identity.id:
            return "it is this node itself"
        if why := self.kept_out(link.peer_id):
            return why
        if not self._strangers and link.peer_id not in self.trusted:
            return f"{link.peer_id} is not trusted, and every city is closed"
        ours = {o.peer_id for o in self._secured if o.dialled and not o.why_closed}
        return DOUBLE if link.dialled and link.peer_id in ours else ""

    def kept_out(self, peer_id: str) -> str:
        """Why a node is not spoken with, by command or for what it did; empty: it is."""
        if peer_id in self.parted:
            return f"{peer_id} is disconnected by command"
        if trio.current_time() < self._banned_until_s.get(peer_id, 0.0):
            return f"{peer_id} is kept out"
        return ""

    def joined(self, peer_id: str) -> Collection[int]:
        """Numbers of our cities that are to trade with a node: those the user wants joined with it,
        whoever has dialled; all where he has not said."""
        told = (cities for (_, cities), known in self._told.items() if known == peer_id)
        return frozenset().union(*told) or self._cities

    async def _be_told(self, link: Link, cities: frozenset[int]) -> None:
        """Only now, its id being proved, is it known whom a user's wish was about. Where that
        changes which cities are joined, other links with the node end before this one begins."""
        before = self.joined(link.peer_id)
        if cities:
            self._told[link.address, cities] = link.peer_id
        if self.joined(link.peer_id) != before:
            up = self.up.get(link.peer_id)
            self._close_all(link.peer_id, DOUBLE)
            if up:
                await up.over.wait()

    def _say_closed(self, link: Link) -> None:
        if link.scope.cancelled_caught and not link.why_closed:
            link.why_closed = f"no welcome within {WELCOME_S_MAX:g} s"
        if link.why_closed and link.why_closed != DOUBLE:
            which = "to" if link.dialled else "of"
            self._log.complain(f"link {which} {link.address} closed: {link.why_closed}")

    # --- what `speak` says, and the user ---

    def greeted(self, link: Link) -> bool:
        """Count a link as up, from welcome on.

        Of two with one peer, the one that the lower id dialled survives; of two that the peer
        dialled, the newer, since he has lost the other.

        Returns:
            Whether it is the one that survives; if not, it is to be left.
        """
        other = self.up.get(link.peer_id)
        if other and other is not link:
            if link.dialled != other.dialled and link.dialled != (self.identity.id < link.peer_id):
                link.close(DOUBLE)
                return False
            other.close(DOUBLE)
            other.over.set()
        self.up[link.peer_id] = link
        link.scope.deadline = float("inf")
        if link in self.ungreeted:
            self.ungreeted.remove(link)
        return True

    def part(self, peer_id: str, why: str) -> None:
        """Have no link with a node until a command asks for one."""
        self.parted.add(peer_id)
        self._close_all(peer_id, why)

    def ban(self, peer_id: str, why: str, ending: Link | None = None) -> None:
        """Keep a node key out for an hour: it has done what no honest peer can do.

        Args:
            ending: one of its links that ends by itself, for its last line says why.
        """
        self._banned_until_s.pop(peer_id, None)
        self._banned_until_s[peer_id] = trio.current_time() + BAN_S
        if len(self._banned_until_s) > BANS_MAX:
            self._banned_until_s.popitem(last=False)
        self._log.complain(f"{peer_id} is kept out for {BAN_S / 60:g} minutes: {why}")
        self._close_all(peer_id, why, ending)

    def trust_changed(self, trusted: Mapping[str, Trusted]) -> None:
        """Go by what the user says now: whoever is trusted no more loses his links at once."""
        gone = self.trusted.keys() - trusted.keys()
        self._trust(trusted)
        for peer_id in gone:
            self._close_all(peer_id, "it is trusted no more")

    def _trust(self, trusted: Mapping[str, Trusted]) -> None:
        """Where every city is closed, TLS itself goes by the certificates of those trusted, once
        all of them are known."""
        self.trusted = trusted
        known = [entry.certificate for entry in trusted.values() if _is_own(entry)]
        all_known = len(known) == len(trusted) and not self._strangers
        self._anchors = tuple(known) if all_known else ()

    def _close_all(self, peer_id: str, why: str, but: Link | None = None) -> None:
        for link in [link for link in self._secured if link.peer_id == peer_id]:
            if link is not but:
                link.close(why)


def _is_own(entry: Trusted) -> bool:
    try:
        return id_of_certificate(entry.certificate) == entry.id
    except CertificateError:
        return False
