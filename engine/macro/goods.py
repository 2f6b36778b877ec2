"""The market of consumer goods: the government buys, then households shop around.

A household's demand counts where it went first, served or not: that is what firms learn from. What
it could not get there it looks for elsewhere. Called by `month`; draws of a person here: 10 to 25.
"""

import numpy as np

from engine.kernels import helper, inlined, part
from engine.macro.accounts import COIN, pay
from engine.macro.draws import NATION, PERSON, stream_of
from engine.macro.state import CONSUMPTION, GOVERNMENT, PURCHASES, SHOPS, UNEMPLOYED
from engine.macro.tally import CONSUMED, GOVERNMENT_BOUGHT, UNSERVED
from engine.money import to_minor
from engine.rng import below, draw, uniform

CONSUMPTION_ACTION = 0.2
"""Log, of what is spent: a household's whole action."""

KEPT = 0.1
"""Share of its deposit that a household keeps, whatever it would like to spend."""


@inlined
def sell(macro, firm, wanted_minor):
    """(float64 units, int64 minor units) that a firm sells of what is wanted, as stock allows."""
    firms = macro.firms
    price = firms.price[firm]
    units = wanted_minor * COIN / price
    paid_minor = wanted_minor
    if units > firms.stock[firm]:
        units = firms.stock[firm]
        paid_minor = min(to_minor(units * price), wanted_minor)
    firms.stock[firm] -= units
    firms.sales[firm] += units
    firms.revenue_minor[firm] += paid_minor
    return units, paid_minor


@helper
def government_buys(macro):
    """Planned purchases, from all firms by their usual sales."""
    firms, nation = macro.firms, macro.nation
    planned = nation.purchases_planned[0] * np.exp(nation.purchases_shock[0])
    usual, units = 0.0, 0.0
    consumers = len(macro.world.sold_as)
    for firm in range(consumers):
        usual += firms.sales_usual[firm]
    for firm in range(consumers):
        wanted = planned * firms.sales_usual[firm] / usual
        firms.demand[firm] += wanted
        got, paid_minor = sell(macro, firm, to_minor(wanted * firms.price[firm]))
        account = macro.books.account_minor
        pay(macro.books, PURCHASES, account, GOVERNMENT, firms.deposit_minor, firm, paid_minor)
        units += got
    macro.books.tally[GOVERNMENT_BOUGHT] = units


@helper
def households_shop(macro, key):
    """In turn from a random one on."""
    people, nation, rules = macro.households, macro.nation, macro.rules
    count = len(people.employer)
    turn = below(draw(stream_of(key, NATION, 2), 0), count)
    mood = nation.confidence[0] - rules.rate_consumption * (nation.real_rate[0] - 0.02)
    mood = np.exp(mood)
    units, budgets_minor, lacking_minor = 0.0, np.int64(0), np.int64(0)
    for step in range(count):
        person = step + turn
        if person >= count:
            person -= count
        stream = stream_of(key, PERSON, person)
        meet(people, rules, person, below(draw(stream, 10), count))
        imported_minor = people.imported_minor[person]
        budget_minor = budget_of(people, rules, person, mood, macro.actions.households[person, 0])
        if uniform(stream, 11) < rules.shop_review:
            review_shop(macro, person, stream)
        got, left_minor = shop_around(macro, person, budget_minor, stream)
        people.spent_minor[person] = imported_minor + budget_minor - left_minor
        units += got
        budgets_minor += budget_minor
        lacking_minor += left_minor
    macro.books.tally[CONSUMED] = units
    macro.books.tally[UNSERVED] = lacking_minor / max(budgets_minor, np.int64(1))


@inlined
def meet(people, rules, person, other):
    """What a household thinks of unemployment follows whom it meets; smoothed income, income."""
    is_out = np.float64(people.employer[other] == UNEMPLOYED)
    people.met[person] += rules.meeting * (is_out - people.met[person])
    gap = people.income[person] - people.income_usual[person]
    people.income_usual[person] += rules.income_smoothing * gap


@inlined
def budget_of(people, rules, person, mood, action):
    """int64 minor units to spend: a share of smoothed income and of deposits, less by fear; what
    was spent at stalls since the last time is spent already."""
    deposit = people.deposit_minor[person] * COIN
    wealth_share = rules.consumption_wealth
    if people.hand_to_mouth[person] != 0:
        wealth_share *= rules.hand_to_mouth_wealth
    wanted = rules.consumption_income * people.income_usual[person]
    wanted *= 1.0 - rules.fear * (people.met[person] - 0.04)
    wanted = (wanted + wealth_share * deposit) * mood
    if action != 0.0:
        wanted *= np.exp(CONSUMPTION_ACTION * action)
    wanted -= people.imported_minor[person] * COIN
    people.imported_minor[person] = 0
    loan = people.loan_spending[person]
    wanted = min(wanted, (1.0 - KEPT) * (deposit - loan))
    wanted_minor = to_minor(max(wanted, 0.0) + loan)
    return min(wanted_minor, max(people.deposit_minor[person], np.int64(0)))


@part
def review_shop(macro, person, stream):
    """Compare one of its shops with another household's, or any; change for a better price."""
    people, firms, rules = macro.households, macro.firms, macro.rules
    place = below(draw(stream, 12), SHOPS)
    if uniform(stream, 13) < rules.shop_random:
        other = below(draw(stream, 14), len(macro.world.sold_as))
    else:
        whom = below(draw(stream, 14), len(people.employer))
        other = np.int64(macro.shops[whom, below(draw(stream, 15), SHOPS)])
    own = macro.shops[person, place]
    liked = np.exp(firms.appeal[own] - firms.appeal[other])
    if firms.price[other] * liked < firms.price[own] * (1.0 - rules.shop_gain):
        macro.shops[person, place] = other


@part
def shop_around(macro, person, budget_minor, stream):
    """Buy a third at each shop, with what was lacking before; then ask for others' shops.

    Returns:
        (float64 units bought, int64 minor units that could not be spent).
    """
    people, firms, rules = macro.households, macro.firms, macro.rules
    left_minor, units, sold_out = np.int64(0), 0.0, -1
    third_minor = budget_minor // SHOPS
    for place in range(SHOPS):
        firm = macro.shops[person, place]
        here_minor = third_minor
        if place == 0:
            here_minor = budget_minor - third_minor * (SHOPS - 1)
        firms.demand[firm] += here_minor * COIN / firms.price[firm]
        wanted_minor = here_minor + left_minor
        got, paid_minor = sell(macro, firm, wanted_minor)
        pay(
            macro.books, CONSUMPTION,
            people.deposit_minor, person, firms.deposit_minor, firm, paid_minor,
        )  # fmt: skip
        units += got
        left_minor = wanted_minor - paid_minor
        if left_minor > 0:
            sold_out = place
    if sold_out < 0:
        return units, left_minor
    count = len(people.employer)
    if left_minor == 0:
        if uniform(stream, 16) < 0.3 * rules.shop_leaving:
            whom = below(draw(stream, 17), count)
            macro.shops[person, sold_out] = macro.shops[whom, below(draw(stream, 18), SHOPS)]
        return units, left_minor
    for number in range(SHOPS):
        whom = below(draw(stream, 16 + 3 * number), count)
        firm = macro.shops[whom, below(draw(stream, 17 + 3 * number), SHOPS)]
        got, paid_minor = sell(macro, firm, left_minor)
        pay(
            macro.books, CONSUMPTION,
            people.deposit_minor, person, firms.deposit_minor, firm, paid_minor,
        )  # fmt: skip
        units += got
        left_minor -= paid_minor
        if got > 0.0 and sold_out >= 0 and uniform(stream, 18 + 3 * number) < rules.shop_leaving:
            macro.shops[person, sold_out] = firm
            sold_out = -1
        if left_minor == 0:
            break
    return units, left_minor
