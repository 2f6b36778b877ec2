"""Genes as policies of macro agents: what drives kinds whose settings say so
(`merchants.advance_macro`), and tools.

An agent's genome is a small policy beside its rule: of every action a constant, and a weight on
each of what it sees. Genes lie from 0 to 1, weights from -1 to 1; 0.5 everywhere is the rule.
What agents are paid (`rewards`) decides whose genes go on:

- Firms, households and banks serve terms. At the end of one each takes a child of those who were
  paid best a month among three looked at: crossed, here and there mutated (`engine.evolution`).
  All do, and not the losers alone: what agents are paid depends most on what they have, and the
  rich would otherwise keep the genes they were founded with for ever.
- Where a firm or bank fails, its successor takes such a child of the living at once.
- Of a city's one central bank a mutant serves every other term, and the better of two terms stays:
  a (1+1) evolution strategy (Rechenberg, "Evolutionsstrategie", 1973), re-evaluated each time. One
  noisy comparison in two terms learns slowly.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from engine.evolution import children, fittest_first, mutate, next_generation
from engine.goods import check
from engine.macro.laboratory import advance_alone
from engine.macro.learned import SPACES, TABLES
from engine.macro.rewards import Standing, failed, rewards, standing
from engine.macro.spaces import Policy
from engine.macro.state import Evolving, Heredity, Lineage, Macro, plain
from engine.macro.tally import TALLY
from engine.tables import Array, allocate

SEEN: Mapping[str, tuple[tuple[float, float], ...]] = {
    "firm": (
        (0.0, 1.0), (0.0, 0.15), (0.0, 0.4), (0.55, 0.15), (0.45, 0.25), (0.17, 0.25), (0.02, 0.02),
    ),
    "household": ((4.0, 8.0), (4.0, 6.0), (1.0, 0.1), (0.0, 1.0), (0.05, 0.05), (0.02, 0.02)),
    "bank": ((0.13, 0.03), (1.5, 0.4), (0.17, 0.1), (0.05, 0.03)),
    "central_bank": ((0.035, 0.02), (0.06, 0.02), (0.06, 0.01), (0.05, 0.03)),
}  # fmt: skip
"""Of every observation, in the order of `spaces.OBSERVATIONS`, what is usual in a city of the rule
and how far from it is far: a weight acts on the distance in these, cut to -1 to 1."""

OFFICE_TERMS = 4
"""Terms of other agents in a term of the central bank: prices and jobs answer its rate for years,
and a shorter one would be judged by what the one before it did."""

CHANCE = 4
"""Second word of the key of all draws here; the city's founding takes 2, see `founding`."""


@dataclass(frozen=True)
class Evolution:
    """How agents who live by genes hand them on.

    Attributes:
        term_months: after which all of a kind take genes of those who were paid best. A year: what
            lies behind the months' luck shows, and a century has a hundred generations.
        founders_spread: genes, 0 to 1, of the first agents lie at most so far from the rule's 0.5:
            something to choose from, in an economy that still works.
        mutation: the longest step of a gene that mutates, as one in ten does: less than the
            merchants', for thousands who mutate for centuries would end anywhere.
    """

    term_months: int = 12
    founders_spread: float = 0.1
    mutation: float = 0.1

    def __post_init__(self) -> None:
        check("", "term_months", self.term_months, 1, 1200)
        check("", "founders_spread", self.founders_spread, 0.0, 0.5)
        check("", "mutation", self.mutation, 0.0, 1.0)


def evolving(macro: Macro, kinds: Iterable[str], evolution: Evolution, key: np.uint64) -> Any:
    """An economy as founded, agents of these kinds living by genes around those of the rule.

    Returns:
        an Evolving that shares the Macro's arrays; of no kinds, the Macro itself.
    """
    chosen = tuple(kinds)
    if not chosen:
        return macro
    founders = {
        kind: _founders(macro, kind, evolution, key) if kind in chosen else _nobody()
        for kind in TABLES
    }
    heredity = Heredity(**founders, term_months=evolution.term_months, mutation=evolution.mutation)
    return Evolving(*macro, heredity)


def _nobody() -> Lineage:
    return allocate(Lineage, bearers=0, genes=0)


def _founders(macro: Macro, kind: str, evolution: Evolution, key: np.uint64) -> Lineage:
    space, random = SPACES[kind], _chance(key, kind, 0)
    agents = getattr(macro.actions, TABLES[kind]).size // space.residuals
    bearers = 2 if kind == "central_bank" else agents
    lineage = allocate(Lineage, bearers=bearers, genes=space.residuals * (1 + space.observations))
    lineage.genomes[:] = 0.5
    if kind == "central_bank":
        lineage.genomes[1:] = _mutant(lineage.genomes[:1], evolution.mutation, random)
    else:
        spread = evolution.founders_spread
        lineage.genomes[:] += random.uniform(-spread, spread, lineage.genomes.shape)
    return lineage


def _chance(key: np.uint64, kind: str, month: int) -> np.random.Generator:
    """The draws of one kind in one month: counter-based, so that no cut of time matters."""
    counter = [0, 0, list(TABLES).index(kind), month]
    return np.random.Generator(np.random.Philox(key=[int(key), CHANCE], counter=counter))


def lineages(heredity: Heredity) -> dict[str, Lineage]:
    """Those of the kinds that evolve."""
    found = {kind: getattr(heredity, kind) for kind in TABLES}
    return {kind: lineage for kind, lineage in found.items() if len(lineage.genomes)}


def policies(heredity: Heredity, month: int) -> dict[str, Policy]:
    """What drives the kinds that evolve, as `spaces.decide` takes it.

    Args:
        month: that is about to pass, from 0.
    """
    found: dict[str, Policy] = {}
    for kind, lineage in lineages(heredity).items():
        genomes = lineage.genomes
        if kind == "central_bank":
            genomes = genomes[[_serving(heredity, month)]]
        found[TABLES[kind]] = partial(residuals, kind, genomes)
    return found


def _serving(heredity: Heredity, month: int) -> int:
    """Which of the central bank's two rows serves in a month."""
    return month // (OFFICE_TERMS * heredity.term_months) % 2


def residuals(kind: str, genomes: Array, observations: Array) -> Array:
    """float64[agents, actions]: what genes make of what their bearers see, cut to -1 to 1.

    Args:
        kind: of agents.
        genomes: float64[agents, genes]; of each action in turn its constant, then its weights.
        observations: float64[agents, observations], as `spaces.observe` has them.
    """
    usual, far = np.array(SEEN[kind]).T
    seen = np.clip((observations - usual) / far, -1.0, 1.0)
    weights = (2.0 * genomes - 1.0).reshape(len(genomes), SPACES[kind].residuals, 1 + len(usual))
    wished = weights[:, :, 0] + np.einsum("aco,ao->ac", weights[:, :, 1:], seen)
    return np.clip(wished, -1.0, 1.0)


def pass_months(state: Any, key: np.uint64, months: int, others: Mapping[str, Policy]) -> Array:
    """float64[months, tally]: as `laboratory.advance_alone`, of a Macro or an Evolving.

    Args:
        state: changed in place.
        key: of its randomness.
        months: how many.
        others: policies of kinds that are not driven by genes.
    """
    macro = plain(state)
    if macro is state:
        return advance_alone(macro, key, months, others)
    series = np.empty((months, len(TALLY)))
    for number in range(months):
        month = int(macro.nation["month"][0])
        before = standing(macro)
        driven = {**others, **policies(state.heredity, month)}
        series[number] = advance_alone(macro, key, 1, driven)[0]
        hand_on(state.heredity, before, macro, key)
    return series


def hand_on(heredity: Heredity, before: Standing, macro: Macro, key: np.uint64) -> None:
    """After a month: pay genes what their bearers were paid; successors and terms' ends.

    Args:
        heredity: changed in place.
        before: how agents stood when the month began.
        macro: as it is now.
        key: of the city's randomness.
    """
    month = int(macro.nation["month"][0])
    paid, gone = rewards(before, macro), failed(before, macro)
    for kind, lineage in lineages(heredity).items():
        random = _chance(key, kind, month)
        if kind == "central_bank":
            serving = _serving(heredity, month - 1)
            _earn(lineage, slice(serving, serving + 1), paid[kind])
            if month % (2 * OFFICE_TERMS * heredity.term_months) == 0:
                _challenge(lineage, heredity.mutation, random)
            continue
        _earn(lineage, slice(None), paid[kind])
        if month % heredity.term_months == 0:
            _imitate(lineage, heredity.mutation, random)
        elif gone[kind].any() and not gone[kind].all():
            _succeed(lineage, gone[kind], heredity.mutation, random)


def _earn(lineage: Lineage, bearers: slice, paid: Array) -> None:
    lineage.paid[bearers] += paid
    lineage.months[bearers] += 1


def _fitness(lineage: Lineage) -> Array:
    """float64[bearers]: paid a month."""
    return lineage.paid / np.maximum(lineage.months, 1)


def _imitate(lineage: Lineage, mutation: float, random: np.random.Generator) -> None:
    """A term is over: everybody takes genes of who was paid well."""
    lineage.genomes[:] = next_generation(lineage.genomes, _fitness(lineage), random, drift=mutation)
    _begin(lineage, slice(None))


def _succeed(lineage: Lineage, gone: Array, mutation: float, random: np.random.Generator) -> None:
    """Who takes the place of one that failed takes genes of the living."""
    lineage.genomes[gone] = children(
        lineage.genomes[~gone],
        _fitness(lineage)[~gone],
        int(gone.sum()),
        random,
        drift=mutation,
    )
    _begin(lineage, gone)


def _challenge(lineage: Lineage, mutation: float, random: np.random.Generator) -> None:
    """Both have served: the better stays, of equals the one before, and a mutant of it is next."""
    lineage.genomes[0] = lineage.genomes[fittest_first(_fitness(lineage))[0]]
    lineage.genomes[1:] = _mutant(lineage.genomes[:1], mutation, random)
    _begin(lineage, slice(None))


def _mutant(genomes: Array, mutation: float, random: np.random.Generator) -> Array:
    """Different in every gene: one that differs in none would try nothing."""
    return mutate(genomes, random, probability=1.0, drift=mutation)


def _begin(lineage: Lineage, bearers: slice | Array) -> None:
    lineage.paid[bearers] = 0.0
    lineage.months[bearers] = 0
