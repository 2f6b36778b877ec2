"""Whole runs of the economy alone: for the ruler, calibration and experiments.

Runs share nothing and their kernels are `nogil`: whoever calls may run a seed a thread. Seeds 1 to
999 are for evaluation; calibration takes 1,000,000 and above. Called by the ruler (as `reality_run`
of the economy), by tools and by benchmarks.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

import numpy as np

from engine.macro.accounts import COIN
from engine.macro.books import balance_sheet, flow_matrix
from engine.macro.founding import alone, found_macro
from engine.macro.month import advance_months
from engine.macro.params import Behaviour
from engine.macro.reform import reform_if_due
from engine.macro.spaces import ACTIONS, Policy, decide
from engine.macro.state import Actions, Macro, rows
from engine.macro.tally import TALLY
from engine.reality.series import MONTHS_A_YEAR, SNAPSHOT_YEARS, Matrix, Series
from engine.rng import key_of
from engine.tables import Array

HOUSEHOLDS = 20_000
"""The size at which the economy wants to be graded: single firms no longer move the whole."""

ActionsOf = Literal["rules", "random"]
Shock = Callable[[Macro], None]
Advance = Callable[..., Array]
"""As `advance_alone`."""

RULES: Mapping[str, Policy] = {}
"""No policies: all live by the rule."""


class ImbalanceError(Exception):
    """The accounts of an economy do not sum to nothing: a fault of the program."""


def found_alone(behaviour: Behaviour, seed: int, households: int) -> tuple[Macro, np.uint64]:
    """A new economy without merchants, and the key of its randomness."""
    key = key_of(seed, "macro")
    return found_macro(behaviour, households, int(key), alone(households)), key


def advance_alone(
    macro: Macro, key: np.uint64, months: int, policies: Mapping[str, Policy] = RULES
) -> Array:
    """float64[months, tally]: the months that pass.

    Args:
        macro: changed in place.
        key: of its randomness.
        months: how many.
        policies: of `spaces.decide`, which set actions before every month.

    Raises:
        ImbalanceError: money was lost or made.
    """
    series = np.empty((months, len(TALLY)))
    at_once = 1 if policies else MONTHS_A_YEAR
    for first in range(0, months, at_once):
        reform_if_due(macro)
        decide(macro, policies)
        year = series[first : first + at_once]
        if advance_months(macro, key, len(year), year) != len(year):
            raise ImbalanceError(f"month {macro.nation['month'][0]}: accounts do not sum to 0")
    return series


def reality_run(
    seed: int,
    months: int,
    actions: ActionsOf = "rules",
    *,
    behaviour: Behaviour | None = None,
    households: int = HOUSEHOLDS,
    advance: Advance = advance_alone,
) -> Series:
    """One run as the ruler wants it, see `engine.reality.series`; `advance` passes its months."""
    macro, key = found_alone(behaviour or Behaviour(), seed, households)
    if actions == "random":
        random = np.random.Generator(np.random.Philox(key=[int(key), 3]))
        advance = partial(advance, policies=random_policies(random))
    courses, firms, people = [], [], []
    for year in range(1, months // MONTHS_A_YEAR + 1):
        courses.append(advance(macro, key, MONTHS_A_YEAR))
        firms.append(_firms(macro))
        if year % SNAPSHOT_YEARS == 0:
            people.append(_people(macro))
    courses.append(advance(macro, key, months % MONTHS_A_YEAR))
    return _series(np.concatenate(courses), firms, people)


def reality_accounts(seed: int, months: int) -> tuple[Matrix, Matrix]:
    """The balance sheet at the end of the last month and the flows of that month."""
    macro, key = found_alone(Behaviour(), seed, HOUSEHOLDS)
    advance_alone(macro, key, months)
    return balance_sheet(macro), flow_matrix(macro)


def response(
    behaviour: Behaviour,
    seed: int,
    shock: Shock,
    *,
    before: int = 132,
    months: int = 48,
    households: int = HOUSEHOLDS,
) -> Mapping[str, Array]:
    """What a shock changes: the same city with and without it, everything else drawn alike.

    Returns:
        name of the tally -> float64[months], with the shock, less without; series of `TALLY`.
    """
    courses = []
    for is_shocked in (False, True):
        macro, key = found_alone(behaviour, seed, households)
        advance_alone(macro, key, before)
        if is_shocked:
            shock(macro)
        courses.append(advance_alone(macro, key, months))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = 100.0 * (np.log(courses[1]) - np.log(courses[0]))
    plain = courses[1] - courses[0]
    found = {name: plain[:, number] for number, name in enumerate(TALLY)}
    return found | {f"log {name}": logs[:, n] for n, name in enumerate(TALLY)}


def random_policies(
    random: np.random.Generator, kinds: Sequence[str] = Actions._fields
) -> dict[str, Policy]:
    """Policies of agents, kinds as in `spaces`, who do anything, whatever they see."""

    def of(kind: str) -> Policy:
        actions = len(ACTIONS[kind].names)
        return lambda seen: random.uniform(-1.0, 1.0, (len(seen), actions))

    return {kind: of(kind) for kind in kinds}


def _firms(macro: Macro) -> tuple[Array, Array, Array]:
    firms = rows(macro.firms)
    there = firms.workers > 0
    return (
        np.where(there, firms.identity, -1),
        firms.workers.copy(),
        np.where(there, firms.sales_last_year, 0.0),
    )


def wealth(macro: Macro) -> Array:
    """float64[households], first crowns: deposits, houses and shares in firms and banks, less
    debts; firms at the price of their plant and their cash, less what they owe."""
    people, firms, nation = rows(macro.households), rows(macro.firms), rows(macro.nation)
    firms_own = nation.price_capital[0] * firms.capital.sum()
    firms_own += COIN * float(firms.deposit_minor.sum() + firms.loan_minor.sum())
    banks_own = COIN * float(
        rows(macro.banks).equity_minor.sum() - rows(macro.banks).state_stake_minor.sum()
    )
    own = COIN * (people.deposit_minor + people.loan_minor) + people.houses * nation.wage_mean[0]
    return (own + people.ownership * (firms_own + banks_own)) * nation.denomination[0]


def _people(macro: Macro) -> tuple[Array, Array]:
    income = rows(macro.households).income_last_year * rows(macro.nation).denomination[0]
    return wealth(macro), income


def _series(
    courses: Array, firms: Sequence[tuple[Array, ...]], people: list[tuple[Array, Array]]
) -> Series:
    """The tally's columns and the yearly looks at firms and households, as the ruler names them."""
    column = {name: courses[:, number].copy() for number, name in enumerate(TALLY)}
    names = ("output", "consumption", "investment", "employment", "hours", "unemployed",
             "short_unemployed", "vacancies", "price_consumer", "price_output", "wage", "credit",
             "policy_rate", "spread", "utilisation", "prices", "prices_changed", "prices_cut",
             "price_change_sum", "price_dispersion")  # fmt: skip
    return Series(
        **{name: column.pop(name) for name in names},
        firm=np.array([identity for identity, _, _ in firms]),
        firm_employment=np.array([workers for _, workers, _ in firms]),
        firm_sales=np.array([sales for _, _, sales in firms]),
        household_wealth=np.array([owned for owned, _ in people]),
        household_income=np.array([income for _, income in people]),
    )
