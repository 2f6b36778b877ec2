"""A world that is watched: prices are noted every hundred ticks while time passes.

Called by the scenarios. A hundred ticks are what the tutorial calls an iteration: it drew a picture
after every hundred steps, and its figures are dated by pictures.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from city_node.cities.advance import advance
from city_node.cities.shocks import schedule
from city_node.cities.world import Event, World, city_named, found_world
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from engine.money import MINOR_PER_COIN
from engine.tables import Array

EXAMPLES = Path(__file__).parents[2] / "examples"

PICTURE_TICKS = 100


@dataclass
class Film:
    """A world and what has been seen of it.

    Attributes:
        ticks: when each picture was taken.
        prices: of each picture, the mean expected price, coins [cities, goods]; NaN for leisure.
        ranges: of each picture, the lowest and the highest belief [cities, 2, goods].
        notes: what befell the world, as (tick, a few words).
    """

    world: World
    ticks: list[int] = field(default_factory=list)
    prices: list[Array] = field(default_factory=list)
    ranges: list[Array] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)

    def roll(self, ticks: int) -> None:
        """Let so many ticks pass, a multiple of a hundred, taking pictures."""
        for _ in range(ticks // PICTURE_TICKS):
            advance(self.world, PICTURE_TICKS)
            self.take()

    def take(self) -> None:
        """One picture now."""
        cities = self.world.cities
        self.ticks.append(self.world.tick)
        self.prices.append(np.array([city.economy.prices(city.state) for city in cities]))
        self.ranges.append(np.array([city.economy.price_range(city.state) for city in cities]))

    def note(self, words: str) -> None:
        """Write a few words below the picture of now."""
        self.notes.append((self.world.tick, words))

    def befall(self, city: str, event: str, **arguments: float | str) -> None:
        """Let an event happen to a city now."""
        schedule(self.world, Event(self.world.tick, city, event, arguments))

    def price(self, city: str, good: str, over_ticks: int = PICTURE_TICKS) -> float:
        """The mean expected price, coins, over the last ticks."""
        return float(self.price_line(city, good)[-(over_ticks // PICTURE_TICKS) :].mean())

    def price_line(self, city: str, good: str) -> Array:
        """float64[pictures]: the mean expected price, coins."""
        place = city_named(self.world, city).here
        return np.array(self.prices)[:, place, self.world.goods.index(good)]

    def range_line(self, city: str, good: str) -> Array:
        """float64[pictures, 2]: the lowest and the highest belief, coins."""
        place = city_named(self.world, city).here
        return np.array(self.ranges)[:, place, :, self.world.goods.index(good)]

    def beliefs(self, city: str, good: str) -> Array:
        """float64[residents]: what each expects the good to cost now, coins."""
        residents = city_named(self.world, city).state.residents
        return residents.expected_price[:, self.world.goods.index(good)]

    def base_values(self, city: str, good: str) -> Array:
        """float64[residents]: what the first unit is worth to each, coins."""
        residents = city_named(self.world, city).state.residents
        return residents.base_value[:, self.world.goods.index(good)]

    def made(self, city: str, good: str) -> int:
        """Units gathered or crafted since the founding."""
        return int(city_named(self.world, city).state.books.made[self.world.goods.index(good)])

    def mean_money(self, city: str) -> float:
        """What a resident has, on average, coins."""
        return (
            float(city_named(self.world, city).state.residents.money_minor.mean()) / MINOR_PER_COIN
        )

    def money_minor(self) -> int:
        """The money of everybody in the cities, minor units."""
        return sum(city.economy.holdings_minor(city.state) for city in self.world.cities)

    def stock(self) -> Array:
        """int64[goods]: units that residents own."""
        return np.sum([city.economy.stock(city.state) for city in self.world.cities], axis=0)


def open_film(example: str, seed: int) -> Film:
    """The world of a file of `examples/`, at tick 0, the first picture taken."""
    film = Film(found_world(resolve(Wishes(config=EXAMPLES / example, seed=seed))))
    film.take()
    return film
