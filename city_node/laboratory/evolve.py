"""The laboratory: generations of merchants over islands of cities, all in one process.

A generation lives for some thousand ticks in cities that have settled: residents and neutral
merchants have found their prices, then the merchants are given their genes. Who has gained most
wealth from there on has most children. Each city is an island: parents are drawn from those who are
in town, or on the way there, at the end, so that genes cross borders as their bearers do. Nobody is
founded and nobody retires meanwhile (that is `merchants.life`, for cities that go on). Equal seeds
give equal histories. Called by the command line and by tools.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from city_node.cities.advance import advance
from city_node.cities.world import World, found_world
from city_node.errors import ConfigError
from city_node.laboratory import genomes
from city_node.settings.config import Config, resolve
from city_node.settings.wishes import Wishes
from engine.evolution import children, fittest_first
from engine.money import MINOR_PER_COIN
from engine.rng import key_of
from engine.tables import Array
from merchants.genome import NAMES, genome_of
from merchants.roster import Merchants

CITIES = ("Riverwood", "Seaside", "Portsville", "Winterhold")
LOCALS = 100
POPULATION = 100
GENERATIONS = 60
TICKS = 10_000

SETTLING_TICKS = 30_000
"""What cities need to find their prices. Merchants bred in younger ones learn to sit still while
prices fall, and earn less than neutral ones from then on."""

TRIALS = 6
"""Worlds in which the last population is compared, to tell the able from the lucky."""

BEST = 10
"""Genomes that are saved."""

POPULATION_MAX = 10_000
GENERATIONS_MAX = 100_000
TICKS_MAX = 10_000_000


@dataclass(frozen=True)
class Laboratory:
    """What is asked of an evolution.

    Attributes:
        config: the cities, with as many merchants each as an island holds; evolution is off.
        generations: how many.
        ticks: a generation's life.
    """

    config: Config
    generations: int
    ticks: int


@dataclass(frozen=True)
class Lives:
    """How a generation ended, a row a merchant.

    Attributes:
        genes: float64[population, traits].
        gained: float64[population], coins: money and goods, at the end less at the start.
        wealth: float64[population], coins, at the end.
        island: int64[population]: the city he is in, or on the way to.
        number: int64[population]: which genome he was given.
        world: as it was at the end.
    """

    genes: Array
    gained: Array
    wealth: Array
    island: Array
    number: Array
    world: World


def laboratory(
    wishes: Wishes, *, population: int = POPULATION, generations: int, ticks: int
) -> Laboratory:
    """The laboratory for what a user wishes; four cities of 100 residents unless he says others.

    Raises:
        ConfigError: what is wrong, in one line.
    """
    for field, value, least, most in (
        ("population", population, 4, POPULATION_MAX),
        ("generations", generations, 1, GENERATIONS_MAX),
        ("every", ticks, 1, TICKS_MAX),
    ):
        if not least <= value <= most:
            raise ConfigError(f"{field} = {value}: must be from {least} to {most}")
    if wishes.config is None:
        wishes = replace(wishes, cities=wishes.cities or CITIES, locals=wishes.locals or LOCALS)
    config = resolve(replace(wishes, merchants=0, evolution=False))
    islands = len(config.cities)
    if population % islands:
        raise ConfigError(f"population = {population}: must be a multiple of {islands} cities")
    cities = tuple(replace(city, merchants=population // islands) for city in config.cities)
    return Laboratory(replace(config, cities=cities), generations, ticks)


def live(
    config: Config, seed: int, population: Array, ticks: int, settling_ticks: int = SETTLING_TICKS
) -> Lives:
    """One generation in cities of its own, once they have settled.

    Args:
        config: the cities.
        seed: of the world.
        population: float64[population, traits], dealt to the merchants by id; where each of them
            is, what he owns and what he believes depend on the seed.
        ticks: how long they live with these genes.
        settling_ticks: how long everybody has lived as a neutral one before.
    """
    world = found_world(replace(config, seed=seed))
    per_city = config.cities[0].merchants
    advance(world, settling_ticks)
    before = np.empty(len(population))
    for rows, size in _rosters(world):
        number = rows.birthplace[:size] * per_city + rows.number[:size]
        rows.genome[:size] = population[number]
        before[number] = wealth(world, rows, size)
    advance(world, ticks)
    ended = [
        (
            rows.genome[:size],
            wealth(world, rows, size),
            rows.to_place[:size],
            rows.birthplace[:size] * per_city + rows.number[:size],
        )
        for rows, size in _rosters(world)
    ]
    genes, after, island, number = (np.concatenate(parts) for parts in zip(*ended, strict=True))
    return Lives(genes, after - before[number], after, island, number, world)


def _rosters(world: World) -> list[tuple[Merchants, int]]:
    """The merchants under way and in each city: their columns, and how many rows live."""
    rosters = [world.walking, *(city.town.roster for city in world.cities)]
    return [(roster.rows, int(roster.size[0])) for roster in rosters]


def wealth(world: World, rows: Merchants, size: int) -> Array:
    """float64[size], coins: money, and goods at the residents' mean price over all cities."""
    prices = np.array([city.economy.prices(city.state) for city in world.cities])
    worth = np.nan_to_num(prices).mean(axis=0)
    return rows.money_minor[:size] / MINOR_PER_COIN + rows.owned[:size] * worth[rows.good[:size]]


def bred(lives: Lives, islands: int, random: np.random.Generator) -> Array:
    """The next generation: each island's children of those who are there, or of all if few are.

    Returns:
        float64[population, traits], island by island.
    """
    each = len(lives.gained) // islands
    born = []
    for island in range(islands):
        here = lives.island == island
        if here.sum() < 2:
            here = np.ones(len(here), bool)
        born.append(children(lives.genes[here], lives.gained[here], each, random))
    return np.concatenate(born)


def generations(asked: Laboratory) -> Iterator[Lives]:
    """Each generation's end, the last included; the first has random genes."""
    seed = asked.config.seed
    random = np.random.Generator(np.random.Philox(key=int(key_of(seed, "evolve"))))
    islands = len(asked.config.cities)
    population = random.random((islands * asked.config.cities[0].merchants, len(NAMES)))
    for generation in range(asked.generations):
        world_seed = int(key_of(seed, "generation", str(generation))) >> 1
        lives = live(asked.config, world_seed, population, asked.ticks)
        yield lives
        population = bred(lives, islands, random)


def best_of(asked: Laboratory, population: Array) -> tuple[Array, Array]:
    """The ablest of a population, by the mean of what they gain in several new worlds.

    In each world they are dealt to the cities anew.

    Returns:
        float64[<= 10, traits] and float64[<= 10] coins gained, the ablest first.
    """
    gained = np.zeros(len(population))
    for trial in range(TRIALS):
        seed = int(key_of(asked.config.seed, "trial", str(trial))) >> 1
        places = np.random.default_rng(seed).permutation(len(population))
        lives = live(asked.config, seed, population[places], asked.ticks)
        gained[places[lives.number]] += lives.gained / TRIALS
    best = fittest_first(gained)[:BEST]
    return population[best], gained[best]


def save(asked: Laboratory, best: Array, gained: Array, path: Path) -> None:
    """Write a file of genomes.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        genomes.write(
            path,
            map(genome_of, best),
            seed=asked.config.seed,
            generations=asked.generations,
            ticks=asked.ticks,
            cities=[city.name for city in asked.config.cities],
            gained_coins=[round(float(coins), 2) for coins in gained],
        )
    except OSError as error:
        raise ConfigError(f"save = '{path}': cannot be written ({error.strerror})") from None
