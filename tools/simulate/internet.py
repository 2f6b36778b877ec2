"""The internet between simulated hosts, and all that can befall it.

A parted cable delivers nothing until it is mended; a cut one resets every connection over it.
Used by `nodes` and by `nemesis`; knows no node.
"""

import hashlib
from dataclasses import dataclass, field
from errno import EADDRINUSE, ECONNREFUSED
from random import Random

import trio

from city_node.machine import Bound
from tools.simulate.streams import BYTES_PER_S, Cable, End, Host, Listening

DELAY_S_MIN, DELAY_S_MAX = 0.0005, 0.05
"""One way, of a cable to which nothing has happened."""


@dataclass
class Internet:
    """All hosts' sockets.

    Attributes:
        random: of what the cables do.
        nursery: for what is under way.
        hosts: by address.
        listening: by address and port.
        ends: open ends, in the order in which they were opened.
        cables: by both addresses, the lower first.
        trace: of all that was ever sent: who, when, what.
    """

    random: Random
    nursery: trio.Nursery
    hosts: dict[str, Host] = field(default_factory=dict)
    listening: dict[tuple[str, int], Listening] = field(default_factory=dict)
    ends: dict[End, None] = field(default_factory=dict)
    cables: dict[tuple[str, str], Cable] = field(default_factory=dict)
    trace: hashlib.blake2b = field(default_factory=hashlib.blake2b)

    def note(self, end: End, data: bytes) -> None:
        """Write into the trace that an end sends."""
        self.trace.update(f"{trio.current_time()!r} {end} ".encode())
        self.trace.update(data)

    def cable(self, one: str, other: str) -> Cable:
        """What joins two hosts, either way."""
        key = (one, other) if one < other else (other, one)
        if key not in self.cables:
            delay_s = self.random.uniform(DELAY_S_MIN, DELAY_S_MAX)
            self.cables[key] = Cable(delay_s, delay_s)
        return self.cables[key]

    def close(self, end: End) -> None:
        """An end is open no more."""
        self.ends.pop(end, None)
        end.cable.ends.pop(end, None)

    # --- what a host does ---

    async def listen(self, host: Host, port: int) -> Bound:
        """A listening socket.

        Raises:
            OSError: the port is in use.
        """
        await trio.lowlevel.checkpoint()
        if port and (host.address, port) in self.listening:
            raise OSError(EADDRINUSE, "Address already in use")
        while not port or (host.address, port) in self.listening:
            port = self.random.randrange(32_768, 61_000)
        listener = Listening(self, host, port)
        if host.is_up:
            self.listening[host.address, port] = listener
        return Bound([listener], host.address, port)

    async def dial(self, here: Host, address: str, port: int) -> End:
        """Connect.

        Raises:
            OSError: nobody listens there.
        """
        cable, there = self.cable(here.address, address), self.hosts[address]
        await trio.sleep(2 * cable.delay_s)
        while cable.parted or here.frozen or there.frozen or not here.is_up:
            await trio.sleep(1.0)  # who dials gives up by himself
        listener = self.listening.get((address, port))
        if listener is None:
            raise ConnectionRefusedError(ECONNREFUSED, "Connection refused")
        ours, theirs = End(self, here, there, cable), End(self, there, here, cable)
        ours.other, theirs.other = theirs, ours
        theirs.open_s = trio.current_time() + cable.delay_s
        for end in (ours, theirs):
            self.ends[end] = cable.ends[end] = None
        self.nursery.start_soon(self._accept, listener, theirs)
        return ours

    async def _accept(self, listener: Listening, end: End) -> None:
        """The dialler's last word of the handshake arrives."""
        await trio.sleep_until(end.open_s)
        try:
            listener.came.send_nowait(end)
        except (trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
            end.other.reset(end.cable.delay_s)
            await end.aclose()

    # --- what befalls it ---

    def take_down(self, host: Host, *, told: bool) -> None:
        """A host is no more.

        Args:
            told: whether peers learn of it now, as from a system whose process died; else when it
                is up again.
        """
        host.is_up = False
        for at in [at for at in self.listening if at[0] == host.address]:
            del self.listening[at]
        for end in [end for end in self.ends if end.here is host]:
            end.die()
            end.other.lose_coming(self.random.random())
            if told:
                end.other.reset(end.cable.delay_s)

    def bring_up(self, host: Host) -> None:
        """A host is there again; what it does not remember is reset."""
        host.is_up, host.frozen = True, False
        for end in self.ends:
            if end.there is host and end.other.is_dead:
                end.reset(end.cable.delay_s)

    def cut(self, one: str, other: str) -> int:
        """Reset all connections between two hosts; returns how many ends."""
        ends = list(self.cable(one, other).ends)
        for end in ends:
            end.lose_coming(self.random.random())
            end.reset()
        return len(ends)

    def change(self, one: str, other: str, **changed: float) -> None:
        """Change a cable, and let everybody on it see."""
        cable = self.cable(one, other)
        for name, value in changed.items():
            setattr(cable, name, value)
        for end in cable.ends:
            end.wake()

    def mend(self, one: str, other: str) -> None:
        """A cable is as it was."""
        usual_s = self.cable(one, other).usual_delay_s
        self.change(one, other, delay_s=usual_s, bytes_per_s=BYTES_PER_S, parted=False)

    def freeze(self, host: Host, frozen: bool) -> None:
        """A host stops in its tracks, or goes on."""
        host.frozen = frozen
        for end in list(self.ends):
            if end.here is host:
                end.wake()
