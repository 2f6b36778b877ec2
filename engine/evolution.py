"""Evolution on arrays of genes: selection, crossover, mutation, and what a new generation is.

Plain functions; the random generator is handed in, so that whoever calls decides what a history
depends on. Shared by merchants, societies and learners; knows none of them. Genomes are
float64[population, traits] with every gene in [0, 1], fitness is float64[population], more is
better, and NaN (nothing is known of him) is worse than anything.
"""

import numpy as np

from engine.tables import Array

TOURNAMENT_SIZE = 3
CROSSOVER_PROBABILITY = 0.8
MUTATION_PROBABILITY = 0.1
MUTATION_DRIFT = 0.2


def tournament(
    fitness: Array, winners: int, random: np.random.Generator, *, size: int = TOURNAMENT_SIZE
) -> Array:
    """Who may have children: of `size` drawn at random, with replacement, the fittest; each time.

    Depends on the order of fitness alone, not on its scale (Goldberg and Deb, "A comparative
    analysis of selection schemes used in genetic algorithms", 1991).

    Args:
        fitness: [population], population at least 1.
        winners: how many are chosen.
        random: the generator.
        size: of one tournament, at least 1; 1 is no selection at all.

    Returns:
        int64[winners], numbers of individuals. Of equals the one drawn first wins.
    """
    known = np.where(np.isnan(fitness), -np.inf, fitness)
    drawn = random.integers(0, len(fitness), (winners, size))
    return drawn[np.arange(winners), np.argmax(known[drawn], axis=1)]


def crossover(
    mothers: Array,
    fathers: Array,
    random: np.random.Generator,
    *,
    probability: float = CROSSOVER_PROBABILITY,
) -> Array:
    """Children who inherit every trait whole, from either parent with even chance.

    Uniform crossover (Syswerda, "Uniform crossover in genetic algorithms", 1989): traits are named
    and have no order, so that no place along the genome is special. A child that is not crossed is
    his mother's copy.

    Args:
        mothers, fathers: [children, traits].
        random: the generator.
        probability: of a child to be crossed.

    Returns:
        float64[children, traits].
    """
    crossed = random.random((len(mothers), 1)) < probability
    of_father = random.random(mothers.shape) < 0.5
    return np.where(crossed & of_father, fathers, mothers)


def mutate(
    genomes: Array,
    random: np.random.Generator,
    *,
    probability: float = MUTATION_PROBABILITY,
    drift: float = MUTATION_DRIFT,
) -> Array:
    """Genomes in which each gene has moved, with some probability, by a uniform step.

    Steps that lead out of [0, 1] are reflected: clamping would gather genes at the ends, which a
    gene that matters to nobody must not favour.

    Args:
        genomes: [population, traits].
        random: the generator.
        probability: of each gene to move.
        drift: the longest step, from 0 to 1.

    Returns:
        float64[population, traits], new.
    """
    moves = random.random(genomes.shape) < probability
    steps = random.uniform(-drift, drift, genomes.shape)
    return reflected(np.where(moves, genomes + steps, genomes))


def reflected(genes: Array) -> Array:
    """Genes in [-1, 2] folded back into [0, 1] at its ends."""
    return 1.0 - np.abs(1.0 - np.abs(genes))


def children(
    genomes: Array,
    fitness: Array,
    count: int,
    random: np.random.Generator,
    *,
    crossover_probability: float = CROSSOVER_PROBABILITY,
    mutation_probability: float = MUTATION_PROBABILITY,
    drift: float = MUTATION_DRIFT,
) -> Array:
    """So many children of parents chosen by tournament, crossed and mutated.

    Returns:
        float64[count, traits].
    """
    mothers = genomes[tournament(fitness, count, random)]
    fathers = genomes[tournament(fitness, count, random)]
    born = crossover(mothers, fathers, random, probability=crossover_probability)
    return mutate(born, random, probability=mutation_probability, drift=drift)


def next_generation(
    genomes: Array, fitness: Array, random: np.random.Generator, *, elite: int = 0, **chances: float
) -> Array:
    """The generational scheme: everybody is replaced at once, but for the `elite` fittest.

    Args:
        genomes: [population, traits].
        fitness: [population].
        random: the generator.
        elite: how many of the fittest live on unchanged; they come first, the fittest first.
        chances: as `children` takes them.

    Returns:
        float64[population, traits], new.
    """
    kept = genomes[fittest_first(fitness)[:elite]]
    return np.concatenate(
        [kept, children(genomes, fitness, len(genomes) - elite, random, **chances)]
    )


def steady_state(
    genomes: Array, fitness: Array, births: int, random: np.random.Generator, **chances: float
) -> tuple[Array, Array]:
    """The steady-state scheme: a few children take the places of the least fit, all others live on.

    (Whitley, "The GENITOR algorithm and selection pressure", 1989.)

    Args:
        genomes: [population, traits].
        fitness: [population]; of the places returned it is unknown from now on.
        births: how many, at most the population.
        random: the generator.
        chances: as `children` takes them.

    Returns:
        float64[population, traits], new; and int64[births], the places of the children.
    """
    places = fittest_first(fitness)[len(fitness) - births :]
    following = genomes.copy()
    following[places] = children(genomes, fitness, births, random, **chances)
    return following, places


def fittest_first(fitness: Array) -> Array:
    """int64[population]: numbers of individuals by falling fitness; of equals the first first."""
    return np.argsort(-np.where(np.isnan(fitness), -np.inf, fitness), kind="stable")
