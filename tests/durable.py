"""Worlds that can crash, for tests: ledger and recovery of the node, on a disk in memory."""

import sqlite3

from city_node.cities.advance import advance
from city_node.cities.report import report, state_hash
from city_node.cities.world import World, found_world
from city_node.durability.checkpoint import chunks_of, freeze
from city_node.durability.folder import founding
from city_node.durability.ledger import Ledger
from city_node.durability.recovery import program, recover
from city_node.durability.shelf import name_of, prune
from city_node.network.crossing import addressed, give_inputs, take_abroad
from city_node.network.departures import leave
from city_node.network.network import Network, Travelway
from tests.roads import road


class MemoryShelf:
    """Checkpoints in memory."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = dict(files or {})

    def names(self) -> list[str]:
        return sorted(self.files)

    def read(self, name: str) -> bytes:
        return self.files[name]

    def write(self, name: str, chunks) -> None:
        self.files[name] = b"".join(chunks)

    def remove(self, name: str) -> None:
        del self.files[name]


def database(image: bytes = b"") -> sqlite3.Connection:
    """A database in memory, as it was."""
    found = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    if image:
        found.deserialize(image)
    return found


class Kept:
    """A world with its ledger and its checkpoints, whose first city has a road to a guest."""

    def __init__(self, config, image: bytes = b"", files: dict[str, bytes] | None = None) -> None:
        self.config = config
        self.ledger = Ledger(database(image))
        self.shelf = MemoryShelf(files)
        self.said: list[str] = []
        self.recovered = recover(config, self.ledger, self.shelf, say=self.said.append)
        self.world: World = self.recovered.world
        self.network: Network
        self.way: Travelway
        self.network, self.way = road(self.world, "Seashore")
        self.network.quotas = dict(self.recovered.quotas)
        self.ledger.begin(self.world, "atlas", program(), {"founding": founding(config)})

    def window(self, ticks: int, at_s: float = 0.0) -> None:
        """A window as the node has it; a quiet one is marked."""
        tick = self.world.tick
        give_inputs(self.network, self.world)
        advance(self.world, ticks)
        departures = addressed(self.network, leave(self.world, "@ATLAS"))
        if self.world.taken or departures:
            self.ledger.commit(self.world, tick, self.world.taken, departures, at_s=at_s)
            self.world.taken.clear()
        else:
            self.ledger.mark(self.world)
        take_abroad(self.network, departures)

    def checkpoint(self) -> None:
        """Keep the whole world."""
        ledger = self.ledger
        quotas = self.network.quotas
        frozen = freeze(self.world, ledger.commits, ledger.chain, quotas, 0.0)
        self.shelf.write(name_of(self.world.tick, ledger.commits), chunks_of(frozen))
        prune(self.shelf)

    def image(self) -> bytes:
        """The database as the disk has it."""
        return self.ledger._database.serialize()

    def after_a_crash(self) -> "Kept":
        """What comes up when all else is lost."""
        return Kept(self.config, self.image(), self.shelf.files)


def everything(of: World) -> tuple:
    """All that a crash must not change."""
    hashes = [state_hash(of, city) for city in of.cities]
    said = report(of, "test", 0.0)
    lists = list(of.places), list(of.events), list(of.happened)
    return said, hashes, of.tick, *lists, dict(of.luggage), dict(of.next_xid)


def founded_twin(config) -> World:
    """A world that never crashes."""
    return found_world(config)
