"""A merchant's nature: named traits, and how each shifts a number of the rules.

A gene is a number in [0, 1]. At 0.5 it is neutral: every function here then gives the tutorial's
number bit for bit, because it multiplies by exactly 1, adds exactly 0 or compares with exactly 1.
Factors come from one division (`swing`) and not from a power, whose last bit differs between
machines. Called by `merchants.step` and the fused loops; `engine.evolution` moves the genes.

Everywhere: `rows` is a merchants.roster.Merchants, `merchant` an int64 row, `rules` a
merchants.params.Rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.kernels import inlined, part
from engine.tables import Array


@dataclass(frozen=True)
class Trait:
    """One trait.

    Attributes:
        name: on the wire, in files and in charts.
        meaning: what a merchant with more of it does.
        formula: what becomes of which number; g is the gene, s(g, F) is `swing`: from 1 / F to F.
    """

    name: str
    meaning: str
    formula: str


TRAITS = (
    Trait(
        "risk",
        "relies on what he expects elsewhere",
        "expected price elsewhere x s(g, 1.5) when he weighs a sale there and bids for it",
    ),
    Trait(
        "patience",
        "waits on, though he could set out",
        "chance an act to set out when loaded: 1 - 1.8 max(0, g - 0.5);"
        " with some goods but not loaded: 0.4 max(0, 0.5 - g)",
    ),
    Trait(
        "curiosity",
        "takes a random road more often",
        "chance an act to leave by a random road x s(g, 8)",
    ),
    Trait(
        "gossip",
        "believes more of what he hears",
        "weight of what a resident says: min(1, weight x s(g, 8))",
    ),
    Trait(
        "margin",
        "demands more of a journey",
        "moving cost that he weighs x s(g, 8)",
    ),
    Trait(
        "loyalty",
        "stays with his good",
        "gain of his own good, against that of others, x s(g, 8)",
    ),
    Trait(
        "asking_price",
        "asks more at his stall",
        "asking price: what he expects here x s(g, 1.5)",
    ),
    Trait(
        "fullness",
        "wants a fuller load before he is loaded; from 0.5 on, a full one",
        "loaded with max(1, capacity x min(1, 2 g)) units",
    ),
    Trait(
        "eagerness",
        "pays more for what he wants to carry away",
        "most he bids: what he expects here x s(g, 1.5)",
    ),
    Trait(
        "birthmark",
        "nothing: what selection does to the others is measured against it",
        "none",
    ),
)

NAMES = tuple(trait.name for trait in TRAITS)
NUMBER = {name: number for number, name in enumerate(NAMES)}
NEUTRAL = 0.5

RISK, PATIENCE, CURIOSITY, GOSSIP, MARGIN, LOYALTY, ASKING, FULLNESS, EAGERNESS, BIRTHMARK = range(
    len(TRAITS)
)

PRICE_SWING = 1.5
"""Of what is compared with prices: cities' prices differ by a few times at most."""

RATE_SWING = 8.0
"""Of chances, weights and costs, which make a difference by their order of magnitude."""


def genes_of(genome: Mapping[str, float]) -> Array:
    """float64[traits]: a genome of the wire as a row: known names, in [0, 1]; others neutral."""
    return np.array([min(1.0, max(0.0, genome.get(name, NEUTRAL))) for name in NAMES])


def genome_of(genes: Array) -> dict[str, float]:
    """A row of genes by name."""
    return {name: float(gene) for name, gene in zip(NAMES, genes, strict=True)}


@inlined
def swing(gene, most):
    """float64: a factor from 1 / most (gene 0) to most (gene 1), and exactly 1 at 0.5.

    (g + a) / (1 - g + a) with a = 1 / (most - 1); opposite genes give inverse factors.
    """
    spare = 1.0 / (most - 1.0)
    return (gene + spare) / ((1.0 - gene) + spare)


@part  # numba would compile a helper anew for every trait
def gene_of(rows, merchant, trait, rules):
    """float64: a gene of his, neutral where the rules let genes mean nothing."""
    return rows.genome[merchant, trait] if rules.genes_act != 0 else NEUTRAL


@part
def trust(rows, merchant, rules):
    """float64: what an expected price elsewhere counts for, as a factor."""
    return swing(gene_of(rows, merchant, RISK, rules), PRICE_SWING)


@part
def toll(rows, merchant, rules):
    """float64: what a road's moving cost counts for, as a factor."""
    return swing(gene_of(rows, merchant, MARGIN, rules), RATE_SWING)


@part
def gossip_weight(rows, merchant, rules):
    """float64 in [0, 1]: how far he follows what he hears."""
    return min(1.0, rules.gossip_weight * swing(gene_of(rows, merchant, GOSSIP, rules), RATE_SWING))


@part
def wander_probability(rows, merchant, rules):
    """float64: chance an act to leave by a random road."""
    return rules.leave_probability * swing(gene_of(rows, merchant, CURIOSITY, rules), RATE_SWING)


@part
def attachment(rows, merchant, rules):
    """float64: what a gain in his own good counts for against others, as a factor."""
    return swing(gene_of(rows, merchant, LOYALTY, rules), RATE_SWING)


@part
def asking_price(rows, merchant, rules, expected):
    """float64 coins: what he asks where he expects `expected`."""
    return expected * swing(gene_of(rows, merchant, ASKING, rules), PRICE_SWING)


@part
def bidding_price(rows, merchant, rules, expected):
    """float64 coins: what he would pay where he expects `expected`."""
    return expected * swing(gene_of(rows, merchant, EAGERNESS, rules), PRICE_SWING)


@part
def load_wanted(rows, merchant, rules):
    """float64: units with which he is loaded."""
    share = min(1.0, 2.0 * gene_of(rows, merchant, FULLNESS, rules))
    return max(1.0, rows.capacity[merchant] * share)


@part
def setting_out_probability(rows, merchant, rules):
    """float64: chance an act to set out for the best place to sell."""
    gene = gene_of(rows, merchant, PATIENCE, rules)
    if rows.owned[merchant] >= load_wanted(rows, merchant, rules):
        return 1.0 - 1.8 * max(0.0, gene - NEUTRAL)
    if rows.owned[merchant] > 0:
        return 0.4 * max(0.0, NEUTRAL - gene)
    return 0.0
