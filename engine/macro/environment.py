"""Macro cities side by side, to learn in: an `engine.learning.environment.Environment`.

A step is a month of all cities. Every city is an economy of its own, with rules a little varied and
chances of its own, that has settled by the rule before anybody acts; it is cut off at
`HORIZON_MONTHS`, and another begins. Cities are of different ages, so that no batch holds one phase
of an episode alone. What happens in one follows from its number, so that cities can be shared out
to processes. A firm's or bank's episode ends with its failure; another takes its place.

Rows are agents, those of the first city first: `by_city` shows them as [city, agent, ...]. What an
agent sees and may do is told in `spaces`, what it is paid in `rewards`; actions beyond -1 to 1 are
cut. Kinds that do not act live by the rule. Called by `city_node.laboratory.train_macro` and by
wrappers for other people's libraries.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from engine.economy import Spread, one_by_one
from engine.learning.environment import Outcome
from engine.macro.laboratory import advance_alone, found_alone
from engine.macro.learned import SPACES, act, seen_by_all
from engine.macro.params import Behaviour
from engine.macro.rewards import failed, rewards, standing
from engine.macro.state import Macro
from engine.policy import Actions, Spaces
from engine.rng import key_of
from engine.tables import Array

KINDS = tuple(SPACES)
"""Firms, households, banks, central banks."""

HOUSEHOLDS = 500
"""A city: twenty firms."""

SETTLING_MONTHS = 48
"""By the rule, before an episode."""

HORIZON_MONTHS = 120
"""Of an episode: three times what a discount of .97 looks ahead."""

VARIATION = 0.1
"""Of the way to the nearer end of what is allowed: so far is every value of a city's rules."""


@dataclass
class Lesson:
    """One city of the batch.

    Attributes:
        macro: the city as it is; key: of its randomness.
        months_left: of its episode.
        episode: its number, from which everything in it follows.
    """

    macro: Macro
    key: np.uint64
    months_left: int
    episode: int


class MacroCities:
    """The batch.

    Args:
        cities: how many.
        households: of each.
        numbers: those of them that are here, where others have the rest; None: all.
        kinds: who acts; the others live by the rule.
        behaviours: rules from which the cities' are varied, dealt out in turn.
        variation: how far, see `VARIATION`.
        settling_months, horizon_months: of an episode.
        spread: what runs the cities; the same months pass whatever it is.

    Attributes:
        spaces: by kind that acts, what each agent sees and sets.
        agents: by kind that acts, how many there are in a city.
    """

    def __init__(
        self,
        cities: int,
        households: int = HOUSEHOLDS,
        *,
        numbers: Sequence[int] | None = None,
        kinds: Sequence[str] = KINDS,
        behaviours: Sequence[Behaviour] = (Behaviour(),),
        variation: float = VARIATION,
        settling_months: int = SETTLING_MONTHS,
        horizon_months: int = HORIZON_MONTHS,
        spread: Spread = one_by_one,
    ) -> None:
        self.everywhere, self.households = cities, households
        self.numbers = range(cities) if numbers is None else numbers
        self.cities = len(self.numbers)
        self.behaviours, self.variation = tuple(behaviours), variation
        self.settling_months, self.horizon_months = settling_months, horizon_months
        self.spaces: Mapping[str, Spaces] = {kind: SPACES[kind] for kind in kinds}
        self.spread = spread
        self.lessons: list[Lesson] = []
        self.seed = 0
        first = found_alone(self.behaviours[0], 0, households)[0]
        self.agents = {kind: len(seen_by_all(first)[kind]) for kind in kinds}

    def reset(self, seed: int) -> dict[str, Array]:
        """Begin anew; deterministic in the seed. Returns: float32[agents, observations] by kind."""
        self.seed = seed
        self.lessons = self._each(self._begun, self.numbers)
        for number, lesson in zip(self.numbers, self.lessons, strict=True):
            lesson.months_left -= self.horizon_months * number // self.everywhere
        seen = [seen_by_all(lesson.macro) for lesson in self.lessons]
        return {kind: np.concatenate([of[kind] for of in seen]) for kind in self.spaces}

    def step(self, actions: Mapping[str, Actions]) -> dict[str, Outcome]:
        """A month of all cities.

        Args:
            actions: by kind, `residuals` float[agents, actions], cut to -1 to 1.
        """
        by_city = {kind: self.by_city(actions[kind].residuals) for kind in self.spaces}
        chosen = [{kind: of[city] for kind, of in by_city.items()} for city in range(self.cities)]
        months = self._each(pass_month, self.lessons, chosen)
        seen = [month.seen for month in months]
        over = [city for city, lesson in enumerate(self.lessons) if lesson.months_left == 0]
        episodes = [self.lessons[city].episode + self.everywhere for city in over]
        for city, lesson in zip(over, self._each(self._begun, episodes), strict=True):
            self.lessons[city], seen[city] = lesson, seen_by_all(lesson.macro)
        is_over = np.isin(np.arange(self.cities), over)
        return {
            kind: Outcome(
                np.concatenate([of[kind] for of in seen]),
                np.concatenate([month.rewards[kind] for month in months]),
                np.concatenate([month.failed[kind] for month in months]),
                np.repeat(is_over, self.agents[kind]),
                np.concatenate([month.seen[kind] for month in months]),
            )
            for kind in self.spaces
        }

    def by_city(self, rows: Array) -> Array:
        """[city, agent, ...]: rows of one kind, as a view."""
        return rows.reshape(self.cities, -1, *rows.shape[1:])

    def _each(self, work: Callable[..., Any], *arguments: Sequence[Any]) -> list[Any]:
        """What each piece of work returns, in order, wherever it was done."""
        pieces = list(zip(*arguments, strict=True))
        found: list[Any] = [None] * len(pieces)

        def piece(number: int) -> None:
            found[number] = work(*pieces[number])

        if pieces:
            self.spread([partial(piece, number) for number in range(len(pieces))])
        return found

    def _begun(self, episode: int) -> Lesson:
        """An episode's city, settled by the rule."""
        seed = int(key_of(self.seed, "macro lesson", str(episode))) >> 1
        random = np.random.default_rng(seed)
        behaviour = self.behaviours[episode % len(self.behaviours)]
        behaviour = varied(behaviour, random, self.variation)
        macro, key = found_alone(behaviour, seed, self.households)
        advance_alone(macro, key, self.settling_months)
        return Lesson(macro, key, self.horizon_months, episode)


class Month(NamedTuple):
    """What became of a city's agents in a month, by kind."""

    seen: Mapping[str, Array]
    rewards: Mapping[str, Array]
    failed: Mapping[str, Array]


def pass_month(lesson: Lesson, chosen: Mapping[str, Array]) -> Month:
    """A month of one city."""
    before = standing(lesson.macro)
    act(lesson.macro, chosen)
    advance_alone(lesson.macro, lesson.key, 1)
    lesson.months_left -= 1
    return Month(
        seen_by_all(lesson.macro), rewards(before, lesson.macro), failed(before, lesson.macro)
    )


def varied(behaviour: Behaviour, random: np.random.Generator, variation: float) -> Behaviour:
    """The same rules with every value moved by chance.

    Args:
        behaviour: the rules.
        random: where chance comes from.
        variation: how far at most, of the way to the nearer end of the range that is allowed.
    """
    moved = {}
    for field in fields(Behaviour):
        value = getattr(behaviour, field.name)
        room = min(value - field.metadata["low"], field.metadata["high"] - value)
        moved[field.name] = value + variation * room * random.uniform(-1.0, 1.0)
    return replace(behaviour, **moved)
