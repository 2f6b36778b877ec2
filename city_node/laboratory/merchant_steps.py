"""Merchants as an `engine.learning.environment.Environment`: all choose, then time passes.

In a city merchants act at moments of their own, and the network in the kernel chooses when they do.
Here whoever calls chooses for all learners at once, for the next `step_ticks` ticks: what he has
been told a merchant does at every act of these ticks, and who does not act in them does nothing.
The economy is that of `merchant_lessons`, to the last unit. What a learner sees is what he would
see at an act now, but for what he is going to hear; on the road it is all zeros.

Called by `environments`, and so by other people's programs.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from city_node.cities.advance import advance
from city_node.cities.world import World
from city_node.errors import ConfigError
from city_node.laboratory import networks
from city_node.laboratory.evolve import SETTLING_TICKS
from city_node.laboratory.merchant_lessons import KIND, REWARD_SCALE, Lesson, Lessons, worth
from city_node.settings.config import Config
from engine.learning.environment import Outcome
from engine.money import MINOR_PER_COIN
from engine.policy import Actions, Spaces
from engine.tables import Array, allocate
from merchants.mind import DEALS, SPACES, Deals, is_driven, minds_of
from merchants.views import look_around

STEP_TICKS = 10
"""A merchant acts once in so many ticks on average."""


class MerchantSteps:
    """Worlds whose learners are told what to choose.

    Rows of agents are those of the worlds, one after the other, each sorted by id. An episode is as
    long as one of `merchant_lessons`; worlds begin at different ages.

    Args:
        config: the cities of each world, without evolution; its seed founds them.
        worlds: how many.
        share: of the merchants who learn, drawn by id; the others live by the rule or their genes.
        step_ticks: of a step.
        threads: in how many threads worlds run.
        settling_ticks: before the first episode.

    Raises:
        ConfigError: merchants would be founded and retire, or `step_ticks` is out of bounds.
    """

    spaces: Mapping[str, Spaces] = {KIND: SPACES}

    def __init__(
        self,
        config: Config,
        worlds: int = 1,
        *,
        share: float = 1.0,
        step_ticks: int = STEP_TICKS,
        threads: int = 1,
        settling_ticks: int = SETTLING_TICKS,
    ) -> None:
        if any(city.evolution for city in config.cities):
            raise ConfigError("evolution = true: must be false where others choose for merchants")
        if not 1 <= step_ticks <= 1_000:
            raise ConfigError(f"step_ticks = {step_ticks}: must be from 1 to 1000")
        self.step_ticks = step_ticks
        self.pool = ThreadPoolExecutor(threads)
        self.lessons = Lessons(
            config, worlds, threads=threads, shares=[share], settling_ticks=settling_ticks
        )
        self.ids = np.array(
            [
                (place, number)
                for place, city in enumerate(config.cities)
                for number in range(city.merchants)
                if is_driven(place, number, share)
            ],
            np.int64,
        ).reshape(-1, 2)
        shape = len(config.cities), max(city.merchants for city in config.cities)
        self.shape = shape
        self.policy = networks.policy_in("network", networks.data_of("network", None), SPACES)
        self.given = [np.full((*shape, len(SPACES.choices)), -1, np.int64) for _ in range(worlds)]

    def reset(self, seed: int) -> Mapping[str, Array]:
        """Begin anew, with chances of the seed, in worlds that have settled.

        Returns:
            float32[agents, observations] by kind.
        """
        if not self.lessons.lessons:
            self.lessons.reset(self.lessons.config.seed)
        self.lessons.restart(seed)
        return {KIND: np.concatenate(list(self.pool.map(self._begun, self.lessons.lessons)))}

    def step(self, actions: Mapping[str, Actions]) -> Mapping[str, Outcome]:
        """Let `step_ticks` ticks pass, everybody doing as he is told."""
        told = np.split(actions[KIND].choices, len(self.lessons.lessons))
        parts = list(self.pool.map(self._stepped, self.lessons.lessons, told))
        return {KIND: Outcome(*(np.concatenate(column) for column in zip(*parts, strict=True)))}

    def _begun(self, lesson: Lesson) -> Array:
        """What is seen at the beginning of an episode, which has been begun."""
        for city in lesson.world.cities:
            city.town.rules = city.town.rules._replace(learned_share=lesson.share)
            city.town.minds = minds_of(self.policy, given=self.given[lesson.number])
        return self._seen(lesson.world)

    def _stepped(self, lesson: Lesson, choices: Array) -> Outcome:
        world = lesson.world
        birthplace, number = self.ids.T
        self.given[lesson.number][birthplace, number] = choices
        prices = worth(world)
        before = self._wealth(world, prices)
        advance(world, self.step_ticks)
        rewards = (np.log(self._wealth(world, prices)) - np.log(before)) * REWARD_SCALE
        seen = last = self._seen(world)
        ended = world.tick >= lesson.ends
        if ended:
            self.lessons.begin(lesson)
            seen = self._begun(lesson)
        none = np.zeros(len(seen), bool)
        return Outcome(seen, rewards.astype(np.float32), none, none | ended, last)

    def _seen(self, world: World) -> Array:
        """float32[learners, observations]."""
        seen = np.zeros((*self.shape, SPACES.observations), np.float32)
        deals = allocate(Deals, deals=DEALS)
        for city in world.cities:
            town = city.town
            look_around(town.roster, town.roads, town.rules, deals, town.here, world.tick, seen)
        birthplace, number = self.ids.T
        return seen[birthplace, number]

    def _wealth(self, world: World, prices: Array) -> Array:
        """float64[learners], coins, and one more, so that it has a logarithm."""
        found = np.ones(self.shape)
        for roster in [world.walking, *(city.town.roster for city in world.cities)]:
            size = int(roster.size[0])
            birthplace, number, money_minor, good, owned = (
                getattr(roster.rows, name)[:size]
                for name in ("birthplace", "number", "money_minor", "good", "owned")
            )
            found[birthplace, number] += money_minor / MINOR_PER_COIN + owned * prices[good]
        birthplace, number = self.ids.T
        return found[birthplace, number]
