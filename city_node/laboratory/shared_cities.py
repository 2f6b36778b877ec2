"""The macro cities that agents learn in (`engine.macro.environment`), shared out to workers.

The same comes out for any number of workers, for what happens in a city follows from its number.
Every month goes to the workers and back: it pays where cities are large. Called by `train_macro`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from city_node.laboratory.workers import Kept, Workers
from engine.learning.environment import Outcome
from engine.macro.environment import MacroCities
from engine.macro.learned import SPACES
from engine.policy import Actions, Spaces
from engine.tables import Array


@dataclass(frozen=True)
class Share:
    """What a worker is asked to found and settle; as `MacroCities` takes it."""

    cities: int
    households: int
    numbers: Sequence[int]
    options: Mapping[str, Any]
    seed: int


class SharedCities:
    """An Environment, as `MacroCities` is.

    Args:
        workers: who runs the cities, each its own one after the other.
        cities, households, kinds, options: as those of `MacroCities`.
    """

    def __init__(
        self,
        workers: Workers,
        cities: int,
        households: int,
        *,
        kinds: Sequence[str],
        **options: Any,
    ) -> None:
        self.workers, self.cities, self.households = workers, cities, households
        self.spaces: Mapping[str, Spaces] = {kind: SPACES[kind] for kind in kinds}
        self.options = {**options, "kinds": tuple(kinds)}
        self.busy = min(cities, workers.count)

    def reset(self, seed: int) -> dict[str, Array]:
        """Begin anew; deterministic in the seed. Returns: float32[agents, observations] by kind."""
        numbers = range(self.cities)
        shares = [
            Share(self.cities, self.households, numbers[w :: self.busy], self.options, seed)
            for w in range(self.busy)
        ]
        seen = list(self.workers.each(begin, shares))
        return {kind: self._together([of[kind] for of in seen]) for kind in self.spaces}

    def step(self, actions: Mapping[str, Actions]) -> dict[str, Outcome]:
        """A month of all cities."""
        told = [
            {kind: Actions(*(self._share(part, w) for part in actions[kind])) for kind in actions}
            for w in range(self.busy)
        ]
        months = list(self.workers.each(step, told))
        return {
            kind: Outcome(*map(self._together, zip(*(of[kind] for of in months), strict=True)))
            for kind in self.spaces
        }

    def _share(self, rows: Array, worker: int) -> Array:
        """The rows of a worker's cities."""
        city = np.arange(len(rows)) * self.cities // len(rows)
        return rows[city % self.busy == worker]

    def _together(self, parts: Sequence[Array]) -> Array:
        """The rows of all cities, of those of each worker's."""
        agents = sum(map(len, parts)) // self.cities
        shape = parts[0].shape[1:]
        rows = np.empty((self.cities, agents, *shape), parts[0].dtype)
        for worker, part in enumerate(parts):
            rows[worker :: self.busy] = part.reshape(-1, agents, *shape)
        return rows.reshape(-1, *shape)


def begin(kept: Kept, share: Share) -> dict[str, Array]:
    """Found and settle a share of the cities. Returns: what their agents see."""
    cities = MacroCities(share.cities, share.households, numbers=share.numbers, **share.options)
    kept["cities"] = cities
    return cities.reset(share.seed)


def step(kept: Kept, actions: Mapping[str, Actions]) -> dict[str, Outcome]:
    """A month of the cities that are kept."""
    cities: MacroCities = kept["cities"]
    return cities.step(actions)
