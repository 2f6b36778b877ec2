"""The market of capital goods: orders, deliveries from a supplier's backlog, and how they are paid.

Called by `month`; draws of a firm here: 6 to 9.
"""

import numpy as np

from engine.kernels import helper, part
from engine.macro.accounts import COIN, lend, pay
from engine.macro.draws import FIRM, stream_of
from engine.macro.state import INVESTMENT
from engine.macro.tally import INVESTED, ORDERS_REFUSED
from engine.money import to_minor
from engine.rng import below, draw, uniform

SUPPLIER_REVIEW, SUPPLIER_RANDOM, SUPPLIER_GAIN, SUPPLIER_SLOW = 0.05, 0.3, 0.97, 0.7
"""Chance a month to look at another supplier, and that at any; the share of price at which one
changes, and of the output due below which the own one is slow."""

WAGES_KEPT = 0.5
"""Months of wages that a firm keeps when it pays for capital itself."""

INVESTMENT_ACTION, RISK_ACTION = 0.5, 0.5
"""Log: of the capital a firm wants, of the debt a bank lets it have; their whole actions."""


@helper
def deliver(macro):
    """Suppliers share their output among their orders; the buyer borrows part of the price."""
    firms, rules, banks = macro.firms, macro.rules, macro.banks
    invested = 0.0
    for firm in range(len(firms.wage)):
        supplier = firms.supplier[firm]
        if firms.backlog[supplier] <= 0.0:
            continue
        units = firms.ordered[firm] * firms.output[supplier] / firms.backlog[supplier]
        price_minor = to_minor(units * firms.price[supplier])
        spare_minor = firms.deposit_minor[firm] - np.int64(WAGES_KEPT * firms.wages_minor[firm])
        loan_minor = max(
            price_minor - max(spare_minor, np.int64(0)),
            np.int64(rules.borrowed_share * price_minor),
        )
        bank = firms.bank[firm]
        lend(banks, firms.loan_minor, firms.deposit_minor, firm, bank, loan_minor)
        pay(
            macro.books, INVESTMENT,
            firms.deposit_minor, firm, firms.deposit_minor, supplier, price_minor,
        )  # fmt: skip
        firms.revenue_minor[supplier] += price_minor
        firms.ordered[firm] -= units
        firms.capital[firm] += units
        invested += units
    macro.books.tally[INVESTED] = invested


@helper
def order(macro, key):
    """Wear is replaced and a share of the gap to the capital wanted ordered, within credit."""
    firms, nation, rules = macro.firms, macro.nation, macro.rules
    mood = rules.confidence_investment * nation.confidence[0]
    mood -= rules.investment_rate * (nation.real_rate[0] - 0.02)
    factor = rules.capital_output * np.exp(mood)
    refused = 0.0
    for firm in range(len(firms.wage)):
        firms.capital[firm] *= 1.0 - rules.depreciation
        wear = rules.depreciation * firms.capital[firm]
        wanted = factor * firms.demand_long[firm]
        wanted *= np.exp(INVESTMENT_ACTION * macro.actions.firms[firm, 2])
        due = firms.ordered[firm] - wear / rules.backlog_share
        units = wear + rules.investment_adjustment * (wanted - firms.capital[firm] - 0.5 * due)
        firms.borrowed_lack[firm] = 0.0
        if units <= 0.0:
            continue
        can_pay = max(0.0, room_for(macro, firm)) / nation.price_capital[0]
        bought = min(units, can_pay)
        firms.borrowed_lack[firm] = units - bought
        refused += units - bought
        review_supplier(macro, firm, stream_of(key, FIRM, firm))
        firms.ordered[firm] += bought
        firms.demand[firms.supplier[firm]] += bought
    macro.books.tally[ORDERS_REFUSED] = refused


@part
def room_for(macro, firm):
    """float64 crowns: what a firm may order: its spare cash, and what its bank lends on earnings
    and plant, as far as the bank has the capital."""
    firms, nation, rules, banks = macro.firms, macro.nation, macro.rules, macro.banks
    bank = firms.bank[firm]
    price = nation.price_capital[0]
    spare = (firms.deposit_minor[firm] - WAGES_KEPT * firms.wages_minor[firm]) * COIN
    spare = max(spare, 0.0)
    plant = max(firms.capital[firm], 0.7 * rules.capital_output * firms.demand_long[firm])
    limit = rules.leverage_max * banks.risk_tolerance[bank] * 0.5 * price * plant
    limit *= np.exp(RISK_ACTION * macro.actions.banks[bank, 2])
    room = limit + spare + firms.loan_minor[firm] * COIN - firms.ordered[firm] * price
    lendable = banks.equity_minor[bank] / rules.capital_ratio - banks.loans_minor[bank]
    return min(room, max(lendable * COIN, 0.0) + spare)


@part
def review_supplier(macro, firm, stream):
    """Now and then look at another; change for a better price, or from one that is slow."""
    firms, rules = macro.firms, macro.rules
    if uniform(stream, 6) >= SUPPLIER_REVIEW:
        return
    consumers, count = len(macro.world.sold_as), len(firms.wage)
    own = firms.supplier[firm]
    if uniform(stream, 7) < SUPPLIER_RANDOM:
        other = consumers + below(draw(stream, 8), count - consumers)
    else:
        other = np.int64(firms.supplier[below(draw(stream, 8), count)])
    due = SUPPLIER_SLOW * rules.backlog_share * firms.backlog[own]
    if firms.price[other] < SUPPLIER_GAIN * firms.price[own] or firms.output[own] < due:
        firms.supplier[firm] = other
