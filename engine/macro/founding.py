"""How a macro economy begins: people, firms, loans and deposits, drawn so that its first years are
near where it settles. Ten years are dropped before anything is graded.
"""

import numpy as np

from engine.macro.accounts import balances_now
from engine.macro.params import Behaviour, Rules
from engine.macro.plan import PRODUCT_PERSISTENCE
from engine.macro.state import (
    ABROAD,
    FLOWS,
    GOVERNMENT,
    INACTIVE,
    SHOPS,
    UNEMPLOYED,
    Actions,
    Banks,
    Books,
    Firms,
    Households,
    Macro,
    Nation,
    Products,
    World,
    rows,
)
from engine.macro.tally import TALLY
from engine.money import MINOR_PER_COIN
from engine.tables import Array, allocate, packed, record

HOUSEHOLDS_PER_FIRM = 25
CAPITAL_FIRMS_SHARE = 130 / 800
PRODUCTS = 8
BANKS = 6
FIRMS_MIN, CAPITAL_FIRMS_MIN = 12, 3
HOUSEHOLDS_MIN = 100
"""Fewer could not staff a dozen firms; below some 8,000 a single firm's luck moves the whole."""

PRICE_FIRST = 100.0
"""Crowns for a unit of output at the founding: a month's wage is near that."""

EMPLOYED, LOOKING = 0.70, 0.055
"""Shares of households at the founding; the rest is inactive."""

SIZE_CHEAPNESS = 0.3
"""Correlation of size with cheapness: customers gather where goods are cheap."""

SIZE_LEAST = 0.03
"""Of the scale of sizes: the least that is drawn."""

WAGE_SD = 0.035
"""Log, of the wages of firms at the founding."""

CAPITAL_SECTOR = 0.145
"""Of all workers at the founding, those who make capital goods."""

CAPITAL_TAIL = 1.4
"""Exponent of their makers' sizes; `size_tail` is of the others'."""

STOCK_SHARE, CAPITAL_SHARE = 0.78, 0.89
"""Of their targets, stock and capital at the founding: where firms of all sizes settle."""

DEPOSIT_FIRMS, LOAN_FIRMS = 1.2, 4.5
"""Months of output."""

DEPOSIT_SPENDERS, DEPOSIT_SAVERS, DEPOSIT_OWNERS = 0.62, 4.6, 0.58
"""Months of wages, of the hand-to-mouth and of others, who hold more for each mean share owned."""

HOUSES_SKILL = 1.6
"""Exponent: houses go to whoever earns more in the long run, whatever he was born to."""

RATE_FIRST, UNEMPLOYMENT_FIRST = 0.05, 0.07


def firm_counts(households: int) -> tuple[int, int]:
    """How many firms so many households have, and how many of these make capital goods."""
    count = max(FIRMS_MIN, households // HOUSEHOLDS_PER_FIRM)
    return count, max(CAPITAL_FIRMS_MIN, round(count * CAPITAL_FIRMS_SHARE))


def found_macro(
    behaviour: Behaviour, households: int, key: int, world: World, *, goods: int = 0
) -> Macro:
    """A new economy at month 0.

    Args:
        behaviour: the rules' numbers.
        households: at least HOUSEHOLDS_MIN.
        key: of its randomness, a uint64.
        world: what it trades; `alone` for nothing.
        goods: of the world.
    """
    firms, capital_firms = firm_counts(households)
    rules = packed(Rules, behaviour)
    sizes = {
        "households": households,
        "firms": firms,
        "consumer_firms": firms - capital_firms,
        "products": PRODUCTS,
        "banks": BANKS,
        "flows": len(FLOWS),
        "tally": len(TALLY),
        "goods": goods,
    }
    macro = Macro(
        households=np.zeros(households, record(Households)),
        shops=np.zeros((households, SHOPS), np.int32),
        firms=np.zeros(firms, record(Firms)),
        products=allocate(Products, **sizes),
        banks=np.zeros(BANKS, record(Banks)),
        nation=np.zeros(1, record(Nation)),
        books=allocate(Books, **sizes),
        actions=allocate(Actions, **sizes),
        world=world,
        rules=rules,
    )
    random = np.random.Generator(np.random.Philox(key=[int(key), 2]))
    share = _found_firms(macro, random)
    _found_households(macro, random, share)
    _found_banks(macro, random)
    _found_nation(macro)
    macro.books.balances_end_minor[:] = balances_now(macro)
    return macro


def alone(households: int) -> World:
    """The world of an economy without merchants."""
    firms, capital_firms = firm_counts(households)
    world = allocate(World, goods=0, consumer_firms=firms - capital_firms)
    world.sold_as[:] = -1
    world.exchange_first[:] = 1.0
    world.step_ticks[:] = world.step_months[:] = 1
    return world


def _found_firms(macro: Macro, random: np.random.Generator) -> Array:
    """Sizes as Lomax has them: many small, a Pareto tail, none beyond a capped share of its sector;
    float64[firms], sum 1."""
    firms, rules = rows(macro.firms), macro.rules
    count, consumers = len(firms.wage), len(macro.world.sold_as)
    spread = rules.product_sd / np.sqrt(1.0 - PRODUCT_PERSISTENCE**2)
    macro.products.shock[:] = random.normal(0.0, spread, macro.products.shock.shape)
    tail = np.where(np.arange(count) < consumers, rules.size_tail, CAPITAL_TAIL)
    share = (1.0 - random.random(count)) ** (-1.0 / tail) - 1.0 + SIZE_LEAST
    shock = macro.products.shock.mean(axis=1)
    cheap = random.normal(0.0, np.sqrt(1.0 - SIZE_CHEAPNESS**2), count)
    cheap -= SIZE_CHEAPNESS * shock / max(float(shock.std()), 1e-9)
    for part, cap, total in (
        (slice(0, consumers), 0.06, 1.0 - CAPITAL_SECTOR),
        (slice(consumers, count), 0.15, CAPITAL_SECTOR),
    ):
        order = np.argsort(np.argsort(cheap[part]))
        share[part] = np.sort(share[part])[order]
        share[part] = np.minimum(share[part], cap * share[part].sum())
        share[part] *= total / share[part].sum()
    workers = share * EMPLOYED * len(rows(macro.households).skill)
    spread = rules.firm_sd / np.sqrt(1.0 - rules.firm_persistence**2)
    firms.productivity[:] = random.normal(0.0, spread, count)
    spread = rules.appeal_sd / np.sqrt(1.0 - rules.appeal_persistence**2)
    firms.appeal[:] = random.normal(0.0, spread, count)
    macro.products.price_log[:] = np.log(PRICE_FIRST) + macro.products.shock
    macro.products.price[:] = np.exp(macro.products.price_log)
    firms.price[:] = firms.price_before[:] = macro.products.price.mean(axis=1)
    firms.wage[:] = PRICE_FIRST / (1.0 + rules.markup) * np.exp(random.normal(0.0, WAGE_SD, count))
    for column in (firms.demand, firms.demand_expected, firms.demand_long, firms.sales):
        column[:] = workers
    firms.sales_usual[:] = firms.planned[:] = firms.workers_wanted[:] = workers
    firms.stock[:consumers] = np.maximum(workers[:consumers], 0.5)
    firms.stock[:consumers] *= STOCK_SHARE * rules.stock_target
    firms.capital[:] = CAPITAL_SHARE * workers * rules.capital_output
    firms.ordered[:] = rules.depreciation * firms.capital / rules.backlog_share
    by_size = share[consumers:] / share[consumers:].sum()
    firms.supplier[:] = random.choice(np.arange(consumers, count), count, p=by_size)
    firms.bank[:] = random.integers(0, len(rows(macro.banks).equity_minor), count)
    firms.deposit_minor[:] = DEPOSIT_FIRMS * workers * PRICE_FIRST * MINOR_PER_COIN
    firms.loan_minor[:] = -LOAN_FIRMS * workers * PRICE_FIRST * MINOR_PER_COIN
    firms.margin[:] = 0.17
    firms.effort[:] = firms.effort_usual[:] = firms.pay_factor[:] = 1.0
    firms.unfilled[:] = rules.unfilled_usual
    firms.inflation_expected[:] = rules.inflation_target
    firms.wage_month[:] = random.integers(-12, 0, count)
    firms.weight_output[:] = share
    firms.weight_consumer[:consumers] = share[:consumers]
    return share


def _found_households(macro: Macro, random: np.random.Generator, share: Array) -> None:
    people, firms, rules = rows(macro.households), rows(macro.firms), macro.rules
    count, consumers = len(people.skill), len(macro.world.sold_as)
    skill = np.exp(random.normal(0.0, rules.skill_sd, count))
    people.skill[:] = skill / skill.mean()
    state = random.random(count)
    people.employer[:] = random.choice(len(share), count, p=share)
    people.employer[state >= EMPLOYED] = UNEMPLOYED
    people.employer[state >= EMPLOYED + LOOKING] = INACTIVE
    firms.workers[:] = np.bincount(people.employer[people.employer >= 0], minlength=len(share))
    firms.identity[:] = np.arange(len(share))
    rows(macro.nation).next_identity[:] = len(share)
    people.spell[:] = 9
    people.bank[:] = np.arange(count) % len(rows(macro.banks).equity_minor)
    by_size = share[:consumers] / share[:consumers].sum()
    macro.shops[:] = random.choice(consumers, (count, SHOPS), p=by_size)
    people.hand_to_mouth[:] = random.random(count) < rules.hand_to_mouth
    saver = people.hand_to_mouth == 0
    owned = random.random(count) ** (-1.0 / rules.ownership_tail) * people.skill * saver
    if owned.sum() == 0.0:
        owned = people.skill.copy()
    people.ownership[:] = owned / owned.sum()
    owner = random.random(count) < rules.house_owners
    wanted = people.skill**HOUSES_SKILL
    wanted *= random.exponential(rules.house_value, count) / wanted.mean()
    people.houses[:] = owner * wanted
    skill_crowns = people.skill * PRICE_FIRST
    months = np.where(saver, DEPOSIT_SAVERS * people.skill, DEPOSIT_SPENDERS * people.skill)
    months += DEPOSIT_OWNERS * people.ownership * count
    people.deposit_minor[:] = months * PRICE_FIRST * MINOR_PER_COIN
    people.loan_minor[:] = -4.0 * random.random(count) * skill_crowns * MINOR_PER_COIN
    people.income_usual[:] = 0.48 * skill_crowns
    people.wage_last[:] = 0.69 * skill_crowns
    people.met[:] = UNEMPLOYMENT_FIRST


def _found_banks(macro: Macro, random: np.random.Generator) -> None:
    """Capital of 13 % of loans; banks differ in how much they lend and for how much."""
    banks, count = rows(macro.banks), len(rows(macro.banks).equity_minor)
    for customers in (rows(macro.firms), rows(macro.households)):
        np.add.at(banks.loans_minor, customers.bank, -customers.loan_minor)
        np.add.at(banks.deposits_minor, customers.bank, customers.deposit_minor)
    banks.equity_minor[:] = 0.13 * banks.loans_minor + 0.5 * PRICE_FIRST * MINOR_PER_COIN
    banks.risk_tolerance[:] = np.exp(random.normal(0.0, 0.1, count))
    banks.margin_own[:] = random.normal(0.0, 0.002, count)


def _found_nation(macro: Macro) -> None:
    """The state owes whatever the others own, so that all accounts sum to nothing."""
    nation, rules = rows(macro.nation), macro.rules
    employed = EMPLOYED * len(rows(macro.households).skill)
    owned_minor = int(
        rows(macro.households).deposit_minor.sum() + rows(macro.households).loan_minor.sum()
    )
    owned_minor += int(rows(macro.firms).deposit_minor.sum() + rows(macro.firms).loan_minor.sum())
    owned_minor += int(rows(macro.banks).equity_minor.sum())
    macro.books.account_minor[GOVERNMENT] = -owned_minor
    macro.books.account_minor[ABROAD] = 0
    nation.reserves_minor[:] = macro.world.reserves_usual_minor
    nation.reserves_booked_minor[:] = macro.world.reserves_usual_minor
    nation.exchange_rate[:] = macro.world.exchange_first
    nation.technology[:] = nation.denomination[:] = 1.0
    nation.policy_rate[:] = RATE_FIRST
    nation.inflation[:] = rules.inflation_target
    nation.unemployment[:] = UNEMPLOYMENT_FIRST
    nation.unemployment_usual[:] = UNEMPLOYMENT_FIRST
    nation.purchases_planned[:] = rules.purchases * employed
    nation.wage_mean[:] = rows(macro.firms).wage.mean()
    nation.output_value[:] = 0.98 * employed * PRICE_FIRST
    nation.price_consumer[:] = nation.price_output[:] = PRICE_FIRST
    nation.price_shops[:] = nation.price_capital[:] = PRICE_FIRST
    macro.books.price_history[:] = PRICE_FIRST
    nation.credit_spread[:] = 0.02
