"""Where merchants learn: many small worlds whose cities have settled, every merchant an agent.

A Recorder (`engine.learning.environment`): the worlds run with the network in their kernels, and
the merchants' logs become decisions and rewards. A step is a tick of all worlds. An episode begins
in a settled world, with chances of its own, and is cut off at `HORIZON_TICKS`; worlds begin at
different ages, so that no batch holds one phase of an episode alone. Called by `train` and by
tools.

The reward from one decision to the next is the growth of the logarithm of wealth: money, and goods
at what residents of all cities expect on average when the recording begins. Seeds of lessons are
digests of 63 bits; those of trials (`tools.evolution_trials.HELD_OUT`) are small numbers.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from city_node.cities.advance import advance
from city_node.cities.world import City, World, found_world
from city_node.laboratory.evolve import SETTLING_TICKS
from city_node.settings.config import Config
from engine.learning.environment import Record
from engine.money import MINOR_PER_COIN
from engine.policy import Actions, Policy
from engine.rng import key_of
from engine.tables import Array
from merchants.mind import SPACES, Log, Minds, minds_of

KIND = "merchant"

HORIZON_TICKS = 10_000
"""An episode: as long as a generation of the laboratory."""

SHARES = (0.25, 0.5, 0.5, 1.0)
"""Of learned merchants, dealt out to the worlds: they meet others and their like."""

REWARD_SCALE = 100.0
"""Growth of wealth is some 0.0001 an act; critics learn numbers near one."""


@dataclass
class Lesson:
    """One world of the batch.

    Attributes:
        number: of the world in the batch.
        settled: the world as it was when its cities had settled; never advanced.
        world: the world as it is.
        share: of its merchants who learn.
        ends: tick at which its episode is cut off.
        episodes: begun so far.
        minds: by name of a city; their logs are written over.
    """

    number: int
    settled: World
    world: World
    share: float
    ends: int = 0
    episodes: int = 0
    minds: dict[str, Minds] = field(default_factory=dict)


class Lessons:
    """The batch.

    Args:
        config: the cities of each world; a seed of its own each.
        worlds: how many.
        numbers: of those that are here; None: all.
        threads: in how many threads they run.
        shares: of learned merchants, dealt out to the worlds.
        settling_ticks: before the first episode.
        settled: told after each world that has settled.
    """

    spaces: Mapping[str, Any] = {KIND: SPACES}

    def __init__(
        self,
        config: Config,
        worlds: int,
        *,
        numbers: Sequence[int] | None = None,
        threads: int = 1,
        shares: Sequence[float] = SHARES,
        settling_ticks: int = SETTLING_TICKS,
        settled: Callable[[], object] = lambda: None,
    ) -> None:
        self.config, self.worlds, self.shares = config, worlds, shares
        self.numbers = range(worlds) if numbers is None else numbers
        self.settling_ticks, self.settled = settling_ticks, settled
        self.pool = ThreadPoolExecutor(threads)
        self.lessons: list[Lesson] = []
        self.seed = 0

    def reset(self, seed: int) -> None:
        """Found and settle the worlds; deterministic in the seed."""
        self.seed = seed
        self.lessons = list(self.pool.map(self._settled, self.numbers))
        self.restart(seed)

    def _settled(self, number: int) -> Lesson:
        seed = int(key_of(self.seed, "lesson", str(number))) >> 1
        world = found_world(replace(self.config, seed=seed))
        advance(world, self.settling_ticks)
        self.settled()
        return Lesson(number, world, world, self.shares[number % len(self.shares)])

    def restart(self, seed: int) -> None:
        """First episodes in the worlds as they had settled, with chances of a seed."""
        self.seed = seed
        for lesson in self.lessons:
            lesson.episodes = 0
            self.begin(lesson)
            lesson.ends -= HORIZON_TICKS * lesson.number // self.worlds

    def begin(self, lesson: Lesson) -> None:
        """Another episode, from where the cities had settled."""
        lesson.world = copied(lesson.settled)
        lesson.ends = lesson.world.tick + HORIZON_TICKS
        names = "episode", str(lesson.number), str(lesson.episodes)
        for city in lesson.world.cities:
            city.town.key = key_of(self.seed, *names, city.name)
        lesson.episodes += 1

    def record(self, policies: Mapping[str, Policy], steps: int) -> Mapping[str, Record]:
        """All worlds for so many ticks."""
        return {KIND: side_by_side(self.parts(policies[KIND], steps))}

    def parts(self, policy: Policy, ticks: int) -> list[Record]:
        """The record of each world, for so many ticks."""
        for lesson in self.lessons:
            if lesson.world.tick >= lesson.ends:
                self.begin(lesson)
        return list(self.pool.map(lambda one: recorded(one, policy, ticks), self.lessons))


def recorded(lesson: Lesson, policy: Policy, ticks: int) -> Record:
    """One world for so many ticks."""
    cities = lesson.world.cities
    rosters = [lesson.world.walking, *(city.town.roster for city in cities)]
    room = sum(int(roster.size[0]) for roster in rosters) * ticks // 4 + 64
    for city in cities:
        minds = lesson.minds.get(city.name)
        if minds is None or len(minds.log.tick) < room:
            minds = minds_of(policy, logged=room)
        minds.log.size[0] = 0
        lesson.minds[city.name] = city.town.minds = minds._replace(policy=policy)
        city.town.rules = city.town.rules._replace(learned_share=lesson.share)
    prices = worth(lesson.world)
    advance(lesson.world, ticks)
    return record_of([minds.log for minds in lesson.minds.values()], prices)


def worth(world: World) -> Array:
    """float64[goods], coins: what residents of all cities expect on average; leisure: 0."""
    prices = np.array([city.economy.prices(city.state) for city in world.cities])
    return np.nan_to_num(prices).mean(axis=0)


def record_of(logs: list[Log], prices: Array) -> Record:
    """The logs of a world's cities, sorted into rows by merchant and time.

    Args:
        logs: of its cities.
        prices: float64[goods], coins, at which goods are counted as wealth.
    """
    columns = {
        name: np.concatenate([getattr(log, name)[: log.size[0]] for log in logs])
        for name in Log._fields[1:]
    }
    order = np.lexsort((columns["tick"], columns["number"], columns["birthplace"]))
    columns = {name: column[order] for name, column in columns.items()}
    who = columns["birthplace"] * 2**32 + columns["number"]
    _, first, agent, decisions = np.unique(
        who, return_index=True, return_inverse=True, return_counts=True
    )
    row = np.arange(len(who)) - first[agent]
    money = columns["money_minor"] / MINOR_PER_COIN
    wealth = np.log(money + columns["owned"] * prices[columns["good"]] + 1.0)
    depth, agents = int(decisions.max(initial=0)), len(decisions)
    seen = np.zeros((depth, agents, SPACES.observations), np.float32)
    choices = np.zeros((depth, agents, len(SPACES.choices)), np.int64)
    rewards = np.zeros((depth, agents), np.float32)
    seen[row, agent], choices[row, agent] = columns["seen"], columns["choices"]
    grown = np.append(wealth[1:] - wealth[:-1], 0.0) * REWARD_SCALE
    rewards[row, agent] = np.where(row < decisions[agent] - 1, grown, 0.0)
    residuals = np.zeros((depth, agents, 0), np.float32)
    return Record(decisions, seen, Actions(choices, residuals), rewards)


def side_by_side(parts: Sequence[Record]) -> Record:
    """One record of the agents of all, each part made as deep as the deepest with zeros."""
    depth = max(len(part.rewards) for part in parts)

    def padded(arrays: list[Array]) -> Array:
        filled = [
            np.concatenate([array, np.zeros((depth - len(array), *array.shape[1:]), array.dtype)])
            for array in arrays
        ]
        return np.concatenate(filled, axis=1)

    return Record(
        np.concatenate([part.decisions for part in parts]),
        padded([part.seen for part in parts]),
        Actions(
            padded([part.actions.choices for part in parts]),
            padded([part.actions.residuals for part in parts]),
        ),
        padded([part.rewards for part in parts]),
    )


def copied(world: World) -> World:
    """A world that goes its own way from here on; events and travellers abroad it has none of."""
    cities = [_copied_city(city) for city in world.cities]
    luggage = world.luggage.copy()
    return replace(world, cities=cities, walking=tree_copied(world.walking), luggage=luggage)


def _copied_city(city: City) -> City:
    town = city.town
    town = replace(
        town,
        roster=tree_copied(town.roster),
        departures=tree_copied(town.departures),
        roads=tree_copied(town.roads),
        lives=tree_copied(town.lives),
    )
    return replace(
        city,
        state=tree_copied(city.state),
        town=town,
        ledger=copy.copy(city.ledger),
        arrivals=city.arrivals.copy(),
        departures=city.departures.copy(),
    )


def tree_copied(tree: Any) -> Any:
    """Named tuples of named tuples, arrays and numbers, with every array copied."""
    if isinstance(tree, np.ndarray):
        return tree.copy()
    if isinstance(tree, tuple):
        return type(tree)(*(tree_copied(branch) for branch in tree))
    return tree
