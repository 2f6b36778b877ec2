"""What a firm wants: output, workers, pay and prices. A month begins with it.

Every rule here looks at the firm's own books, at what it is told of wages and prices, and at its
expectations. Called by `month`; draws of a firm: 0 to 4 here, products from 16, the rest in
`capital_goods` and `firms`.
"""

import numpy as np

from engine.kernels import helper, part
from engine.macro.draws import FIRM, near_normal, stream_of
from engine.macro.tally import PRICE_CHANGE_SUM, PRICES_CHANGED, PRICES_CUT
from engine.rng import uniform

LEAST = 0.05
"""Units, times technology: no firm expects to sell less, so that it can come back."""

CAPACITY_WANTED = 1.5
"""Output of a plant at full use, of what its capital is planned for."""

OVER_CAPACITY = 1.4
"""Of capacity: no firm plans to make more."""

PRODUCT_PERSISTENCE = 0.9955
"""A month, of the shocks to single products: the sd of 19-36 % across shops is theirs."""

PRICE_ACTION, HIRING_ACTION = 0.05, 0.1
"""Log, of the price asked and of workers needed: a firm's whole action."""


@helper
def plan_all(macro, key):
    """Expectations, planned output, vacancies and dismissals, wages, prices, firm by firm."""
    firms, nation, rules = macro.firms, macro.nation, macro.rules
    count, consumers = len(firms.wage), len(macro.world.sold_as)
    firms.backlog[:] = 0.0
    for firm in range(count):
        firms.backlog[firms.supplier[firm]] += firms.ordered[firm]
    technology = nation.technology[0] * np.exp(nation.productivity[0])
    unit_cost_log = np.log((1.0 + rules.markup) / nation.technology[0])
    inflation_month = np.log1p(max(nation.inflation[0], -0.9) / 12.0)
    reference_consumer = np.log(nation.price_shops[0]) + inflation_month
    reference_capital = np.log(nation.price_capital[0]) + inflation_month
    for firm in range(count):
        stream = stream_of(key, FIRM, firm)
        firms.productivity[firm] *= rules.firm_persistence
        firms.productivity[firm] += rules.firm_sd * near_normal(stream, 0)
        firms.appeal[firm] *= rules.appeal_persistence
        firms.appeal[firm] += rules.appeal_sd * near_normal(stream, 1)
        is_capital = firm >= consumers
        plan_output(macro, firm, is_capital)
        plan_workers(macro, firm, technology, stream)
        revise_wage(macro, firm, stream)
        reference = reference_capital if is_capital else reference_consumer
        ask_prices(macro, firm, is_capital, unit_cost_log, reference, stream)


@part
def plan_output(macro, firm, is_capital):
    """Expectations follow what happened; output makes up for a stock too small or too large."""
    firms, rules = macro.firms, macro.rules
    least = LEAST * macro.nation.technology[0]
    expected = firms.demand_expected[firm]
    expected = max(expected + rules.demand_learning * (firms.demand[firm] - expected), least)
    firms.demand_expected[firm] = expected
    usual = firms.demand_long[firm]
    firms.demand_long[firm] = max(
        usual + rules.demand_long_learning * (firms.demand[firm] - usual), least
    )
    sold = max(firms.sales[firm], 0.02 * expected) - firms.sales_usual[firm]
    firms.sales_usual[firm] += 0.2 * sold
    firms.sales_year[firm] += firms.sales[firm]
    firms.demand[firm] = firms.sales[firm] = 0.0  # what merchants bought at any tick was counted
    if is_capital:
        planned = rules.backlog_share * firms.backlog[firm]
    else:
        gap = rules.stock_target * expected - firms.stock[firm]
        planned = max(0.1 * expected, expected + rules.stock_adjustment * gap)
    capacity = CAPACITY_WANTED * firms.capital[firm] / rules.capital_output
    firms.planned[firm] = min(planned, OVER_CAPACITY * capacity)


@part
def plan_workers(macro, firm, technology, stream):
    """Vacancies for what is missing and for who is going to leave; dismissals of an excess."""
    firms, rules = macro.firms, macro.rules
    needed = firms.planned[firm] / (technology * np.exp(firms.productivity[firm]))
    needed *= np.exp(HIRING_ACTION * macro.actions.firms[firm, 1])
    firms.workers_wanted[firm] += rules.labour_adjustment * (needed - firms.workers_wanted[firm])
    workers = firms.workers[firm]
    gap = firms.workers_wanted[firm] - workers
    kept = rules.hoarding * workers
    opened, dismissed = 0.0, 0.0
    if gap > -kept:
        opened = rules.vacancy_posting * gap + (rules.separation + rules.retirement) * workers
    else:
        dismissed = rules.firing * (-gap - kept)
    vacancies = np.int64(np.floor(max(opened, 0.0) + uniform(stream, 2)))
    if workers == 0:
        vacancies = max(vacancies, np.int64(1))
    people = len(macro.households.employer)
    firms.vacancies[firm] = firms.opened[firm] = min(vacancies, people)
    excess = np.int64(np.floor(dismissed + uniform(stream, 3)))
    firms.layoffs[firm] = max(excess, firms.layoffs[firm])  # all, where the last one here failed


@part
def revise_wage(macro, firm, stream):
    """Staggered: expected inflation and growth since the last time, its own want of workers, and
    what others pay. No wage is cut."""
    firms, nation, rules = macro.firms, macro.nation, macro.rules
    bits = uniform(stream, 4)
    if bits < rules.expectation_update:
        gap = nation.inflation[0] - firms.inflation_expected[firm]
        firms.inflation_expected[firm] += 0.5 * gap
    if uniform(stream, 5) >= rules.wage_revision:
        return
    month = nation.month[0]
    years = (month - firms.wage_month[firm]) / 12.0
    firms.wage_month[firm] = month
    indexed = rules.indexation * firms.inflation_expected[firm]
    indexed += (1.0 - rules.indexation) * rules.inflation_target + np.log1p(rules.growth)
    tightness = rules.wage_tightness * (firms.unfilled[firm] - rules.unfilled_usual)
    others = rules.wage_comparison * np.log(nation.wage_mean[0] / firms.wage[firm])
    change = years * indexed + tightness + others
    if change > 0.0:
        firms.wage[firm] *= np.exp(change)


@part
def ask_prices(macro, firm, is_capital, unit_cost_log, reference_log, stream):
    """Cost plus a mark-up that follows stock and effort, in part what others ask; changed where
    the gap is worth the menu."""
    firms, nation, rules = macro.firms, macro.nation, macro.rules
    least = 0.05 * firms.demand_expected[firm]
    if is_capital:
        load = max(rules.backlog_share * firms.backlog[firm], least)
        wanted = rules.stock_price * np.log(load / firms.demand_expected[firm])
    else:
        target = rules.stock_target * firms.demand_expected[firm]
        wanted = -rules.stock_price * np.log(max(firms.stock[firm], least) / target)
    firms.stock_gap[firm] += 0.3 * (wanted - firms.stock_gap[firm])
    cost_log = unit_cost_log + np.log(firms.wage[firm]) - firms.productivity[firm]
    asked = cost_log + nation.markup_shock[0] + firms.stock_gap[firm]
    asked += rules.effort_price * np.log(firms.effort_usual[firm])
    asked += PRICE_ACTION * macro.actions.firms[firm, 0]
    asked = (1.0 - rules.reference_weight) * asked + rules.reference_weight * reference_log
    products = macro.products.price.shape[1]
    total = 0.0
    for product in range(products):
        shock = PRODUCT_PERSISTENCE * macro.products.shock[firm, product]
        shock += rules.product_sd * near_normal(stream, 16 + product)
        macro.products.shock[firm, product] = shock
        change = asked + shock - macro.products.price_log[firm, product]
        if abs(change) > rules.price_threshold:
            macro.products.price_log[firm, product] = asked + shock
            macro.products.price[firm, product] = np.exp(asked + shock)
            macro.books.tally[PRICES_CHANGED] += 1.0
            macro.books.tally[PRICES_CUT] += np.float64(change < 0.0)
            macro.books.tally[PRICE_CHANGE_SUM] += abs(change)
        total += macro.products.price[firm, product]
    firms.price[firm] = total / products
