"""What goes wrong in a simulated network, and when: all of it drawn from the seed."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

import trio

from tools.simulate.internet import Internet
from tools.simulate.liar import Liar
from tools.simulate.nodes import Node

PAUSE_S_MIN, PAUSE_S_MAX = 10.0, 100.0
"""Mean time from one fault of a node to its next; drawn once a run."""

AWAY_S_MAX = 60.0
"""Until a node is started again."""

LASTS_S_MAX = 90.0
"""Of what passes by itself: longer than a silence that kills a link, 45 s."""

KINDS_MIN = 3
"""Of faults in one run."""

HOSTILE_NODES_MIN, HOSTILE_SHARE = 3, 0.4
"""Runs of so many nodes in which one is a villain; two honest ones are left."""

SENDS_MAX = 20
"""A crash at a write is at one of the next so many."""

COMMITS_MAX = 20
"""A crash at a commit is at one of the next so many."""

WATCHED_S_MAX = 3.0
"""Power is lost within so long after what is written unsynced is remembered."""

SKEW_S_MAX = 10_000.0
"""Nearly three hours: an hour's quota notices."""

SLOW_S_MIN, SLOW_S_MAX = 0.5, 8.0
SLOW_BYTES_PER_S_MIN, SLOW_BYTES_PER_S_MAX = 2_000.0, 50_000.0


@dataclass
class Nemesis:
    """Whoever does it.

    Attributes:
        faults: done so far, by kind.
        villain: who lies, and whose disk is rolled back; None: nobody.
        say: tells the story.
        hostile: whether there may be one.
    """

    nodes: list[Node]
    internet: Internet
    random: Random
    say: Callable[[str], None]
    faults: Counter[str] = field(default_factory=Counter)
    villain: Node | None = None
    hostile: bool = True

    async def haunt(self) -> None:
        """Do harm until cancelled; then everything is as it was, and every node lives.

        Each run has some kinds of faults only, in proportions of its own: rare mixtures are where
        the rare errors are.
        """
        kinds = self.random.sample(list(FAULTS), self.random.randint(KINDS_MIN, len(FAULTS)))
        enough = self.hostile and len(self.nodes) >= HOSTILE_NODES_MIN
        if enough and self.random.random() < HOSTILE_SHARE:
            self.villain = self.random.choice(self.nodes)
            kinds += list(HOSTILE)
        weights = [self.random.random() for _ in kinds]
        pause_s = self.random.uniform(PAUSE_S_MIN, PAUSE_S_MAX) / len(self.nodes)
        try:
            async with trio.open_nursery() as nursery:
                while True:
                    await trio.sleep(self.random.expovariate(1 / pause_s))
                    (kind,) = self.random.choices(kinds, weights)
                    nursery.start_soon(self._do, kind)
        finally:
            self._mend()

    def cut_all(self) -> None:
        """Reset every connection. Trade had recovered, so many are under way, and whatever links
        come next have to bring them to an end."""
        self._strike("cut", "all are cut off")
        for one, other in self.internet.cables:
            self.internet.cut(one, other)

    async def _do(self, kind: str) -> None:
        node = self.random.choice(self.nodes)
        if kind in HOSTILE and self.villain:
            node = self.villain
        if node.host.is_up:
            await (FAULTS | HOSTILE)[kind](self, node)

    def _strike(self, kind: str, story: str) -> None:
        """Note that a fault has been done."""
        self.faults[kind] += 1
        self.say(story)

    def _mend(self) -> None:
        for one, other in self.internet.cables:
            self.internet.mend(one, other)
        for node in self.nodes:
            node.host.on_send, node.host.lies = lambda: None, None
            node.disk.on_commit = lambda _: None
            node.disk.full = False
            self.internet.freeze(node.host, False)

    def _peer_of(self, node: Node) -> str | None:
        peers = {end.there.address: None for end in self.internet.ends if end.here is node.host}
        return self.random.choice(list(peers)) if peers else None

    # --- the faults ---

    async def crash(self, node: Node) -> None:
        """The process is killed; its system tells the peers."""
        self._strike("crash", f"{node.name} is killed")
        node.crash(self.random.uniform(0, AWAY_S_MAX))

    async def lose_power(self, node: Node) -> None:
        """The machine is gone, with what was not synced; peers learn of it when it is back."""
        node.disk.watched = True
        await trio.sleep(self.random.uniform(0, WATCHED_S_MAX))
        node.disk.watched = False
        if node.host.is_up:
            self._strike("power loss", f"{node.name} loses power")
            node.crash(self.random.uniform(0, AWAY_S_MAX), told=False, with_power=False)

    async def crash_at_a_commit(self, node: Node) -> None:
        """The process is killed just before or just after a commit."""
        before = self.random.random() < 0.5
        left, away_s = self.random.randint(1, COMMITS_MAX), self.random.uniform(0, AWAY_S_MAX)

        def on_commit(is_before: bool) -> None:
            nonlocal left
            left -= is_before
            if left <= 0 and is_before == before and node.host.is_up:
                node.disk.on_commit = lambda _: None
                when = "before" if before else "after"
                self._strike("crash at a commit", f"{node.name} is killed {when} a commit")
                node.crash(away_s)

        node.disk.on_commit = on_commit

    async def fill_disk(self, node: Node) -> None:
        """Nothing can be written for a while."""
        self._strike("full disk", f"{node.name} has a full disk")
        node.disk.full = True
        await trio.sleep(self.random.uniform(0, LASTS_S_MAX))
        node.disk.full = False

    async def damage(self, node: Node) -> None:
        """The process is killed, and a bit of its newest checkpoint changes."""
        node.crash(self.random.uniform(0, AWAY_S_MAX))
        if node.disk.damage_checkpoint():
            self._strike("damaged checkpoint", f"{node.name} is killed, its checkpoint damaged")

    async def set_clock(self, node: Node) -> None:
        """The clock on the wall jumps, or goes back."""
        node.skew_s = self.random.uniform(-SKEW_S_MAX, SKEW_S_MAX)
        self._strike("clock", f"{node.name}'s clock is off by {node.skew_s:,.0f} s")

    async def crash_at_a_write(self, node: Node) -> None:
        """The process is killed as it is about to write to a peer."""
        at, away_s = self.random.randint(1, SENDS_MAX), self.random.uniform(0, AWAY_S_MAX)
        at += node.host.sends

        def on_send() -> None:
            if node.host.sends >= at and node.host.is_up:
                node.host.on_send = lambda: None
                self._strike("crash at a write", f"{node.name} is killed at a write")
                node.crash(away_s)

        node.host.on_send = on_send

    async def stop(self, node: Node) -> None:
        """The process is stopped by a signal."""
        self._strike("stop", f"{node.name} is stopped")
        node.stop(self.random.uniform(0, AWAY_S_MAX))

    async def cut(self, node: Node) -> None:
        """All connections with one peer are reset, and what is under way is lost."""
        if peer := self._peer_of(node):
            self._strike("cut", f"{node.name} is cut off {peer}")
            self.internet.cut(node.host.address, peer)

    async def part(self, node: Node) -> None:
        """Nothing passes between some nodes and the others for a while."""
        count = self.random.randint(0, len(self.nodes) // 2)
        these = {each.host.address for each in [node, *self.random.sample(self.nodes, count)]}
        cables = [both for both in self.internet.cables if len(these & set(both)) == 1]
        self._strike("partition", f"parted: {', '.join(sorted(these))}")
        for one, other in cables:
            self.internet.change(one, other, parted=True)
        await trio.sleep(self.random.uniform(0, LASTS_S_MAX))
        for one, other in cables:
            self.internet.change(one, other, parted=False)

    async def slow(self, node: Node) -> None:
        """A cable is long and thin for a while."""
        peer = self._peer_of(node)
        if not peer:
            return
        here = node.host.address
        slow_s = self.random.uniform(SLOW_S_MIN, SLOW_S_MAX)
        bytes_per_s = self.random.uniform(SLOW_BYTES_PER_S_MIN, SLOW_BYTES_PER_S_MAX)
        self._strike("slow", f"{node.name} to {peer} takes {slow_s:.1f} s")
        self.internet.change(here, peer, delay_s=slow_s, bytes_per_s=bytes_per_s)
        await trio.sleep(self.random.uniform(0, LASTS_S_MAX))
        self.internet.mend(here, peer)

    async def half_close(self, node: Node) -> None:
        """One direction of a connection ends."""
        ends = [end for end in self.internet.ends if end.here is node.host]
        if ends:
            end = self.random.choice(ends)
            self._strike("half-close", f"{end.there.address} says no more to {node.name}")
            end.end()

    async def freeze(self, node: Node) -> None:
        """A node neither hears nor speaks for a while, and does not know."""
        self._strike("freeze", f"{node.name} freezes")
        self.internet.freeze(node.host, True)
        await trio.sleep(self.random.uniform(0, LASTS_S_MAX))
        self.internet.freeze(node.host, False)

    # --- what only the villain does ---

    async def lie(self, node: Node) -> None:
        """A node says what is not so to other nodes, for a while."""
        node.is_honest = False
        self._strike("lies", f"{node.name} lies")
        node.host.lies = Liar(self.random)
        await trio.sleep(self.random.uniform(0, LASTS_S_MAX))
        node.host.lies = None

    async def roll_back(self, node: Node) -> None:
        """A backup is put in the place of a disk."""
        node.disk.back_up()
        await trio.sleep(self.random.uniform(0, LASTS_S_MAX))
        node.crash(self.random.uniform(0, AWAY_S_MAX))
        if node.disk.roll_back():
            node.is_honest, node.kept = False, None
            self._strike("rolled back", f"{node.name} is killed, and its disk rolled back")


FAULTS: dict[str, Callable[[Nemesis, Node], Awaitable[None]]] = {
    "crash": Nemesis.crash,
    "power loss": Nemesis.lose_power,
    "crash at a write": Nemesis.crash_at_a_write,
    "crash at a commit": Nemesis.crash_at_a_commit,
    "full disk": Nemesis.fill_disk,
    "damaged checkpoint": Nemesis.damage,
    "clock": Nemesis.set_clock,
    "stop": Nemesis.stop,
    "cut": Nemesis.cut,
    "partition": Nemesis.part,
    "slow": Nemesis.slow,
    "half-close": Nemesis.half_close,
    "freeze": Nemesis.freeze,
}
"""What may befall any node, and must cost nobody anything."""

HOSTILE: dict[str, Callable[[Nemesis, Node], Awaitable[None]]] = {
    "lies": Nemesis.lie,
    "rolled back": Nemesis.roll_back,
}
"""What one node does in some runs: the others must not lose more by it than their credit to it."""
