"""The labour market: people leave and lose jobs, vacancies contact people, firms make goods.

Nobody matches people and vacancies but themselves: an open vacancy contacts people at random, who
accept or not. Called by `month`; draws of a person here: 0, of the search a sequence of its own.
"""

import numpy as np

from engine.kernels import helper, part
from engine.macro.draws import NATION, PERSON, SEARCH, stream_of
from engine.macro.plan import CAPACITY_WANTED
from engine.macro.state import INACTIVE, UNEMPLOYED
from engine.macro.tally import HIRES, HOURS, OUTPUT, OUTPUT_VALUE, SEPARATIONS, UTILISATION
from engine.rng import below, draw, uniform

WORTH_CHANGING = 1.02
"""Of the present wage: what must be offered beyond, to the employed."""

LABOUR_ACTION = 0.2
"""Log, of the pay that an unemployed accepts: a household's whole action."""

EFFORT_LOW, EFFORT_HIGH = 0.5, 1.5
"""Of usual: what a worker can be asked for."""

OVER_CAPACITY_RETURNS = 0.7
"""Exponent of output beyond a plant's capacity."""


@helper
def separate(macro, key):
    """Dismissals first come to whom the month's turn begins with; then chance."""
    people, firms, rules = macro.households, macro.firms, macro.rules
    count = len(people.employer)
    turn = below(draw(stream_of(key, NATION, 1), 0), count)
    stops = rules.discouragement * np.exp(macro.nation.participation[0])
    separated = 0
    for step in range(count):
        person = step + turn
        if person >= count:
            person -= count
        firm = people.employer[person]
        luck = uniform(stream_of(key, PERSON, person), 0)
        if firm >= 0:
            if firms.layoffs[firm] > 0:
                firms.layoffs[firm] -= 1
                luck = 0.0
            if luck < rules.separation:
                people.employer[person] = UNEMPLOYED
                people.spell[person] = 0
                firms.workers[firm] -= 1
                separated += 1
            elif luck < rules.separation + rules.retirement:
                people.employer[person] = INACTIVE
                firms.workers[firm] -= 1
        elif firm == UNEMPLOYED:
            people.spell[person] += 1
            if luck < stops:
                people.employer[person] = INACTIVE
        elif luck < rules.entry_to_search:
            people.employer[person] = UNEMPLOYED
            people.spell[person] = 0
    macro.books.tally[SEPARATIONS] += separated


@helper
def search(macro, key):
    """Every open vacancy contacts people at random, in rounds, until it is filled or they are
    through. What stays open is the statistic, and what a firm's raises follow."""
    people, firms, rules = macro.households, macro.firms, macro.rules
    count, people_count = len(firms.wage), len(people.employer)
    stream = stream_of(key, SEARCH, 0)
    rounds = np.int64(np.floor(rules.contacts + uniform(stream, 0)))
    first = below(draw(stream, 1), count)
    number = 2
    for _ in range(rounds):
        for step in range(count):
            firm = step + first
            if firm >= count:
                firm -= count
            for _ in range(firms.vacancies[firm]):
                person = below(draw(stream, number), people_count)
                number += 1
                if accepts(macro, firm, person, stream, number):
                    take_job(macro, firm, person)
                number += 1
    for firm in range(count):
        if firms.opened[firm] > 0:
            open_share = firms.vacancies[firm] / firms.opened[firm]
            firms.unfilled[firm] += 0.1 * (open_share - firms.unfilled[firm])


@part
def accepts(macro, firm, person, stream, number):
    """bool: the unemployed for enough pay, the inactive rarely, the employed for better pay."""
    people, firms, rules = macro.households, macro.firms, macro.rules
    employer = people.employer[person]
    if employer == UNEMPLOYED:
        least = rules.reservation * rules.benefit * people.wage_last[person]
        least *= np.exp(LABOUR_ACTION * macro.actions.households[person, 2])
        return firms.wage[firm] * people.skill[person] > least
    if employer == INACTIVE:
        return uniform(stream, number) < rules.activation
    if employer == firm or uniform(stream, number) >= rules.poaching:
        return False
    return firms.wage[firm] > WORTH_CHANGING * firms.wage[employer]


@part
def take_job(macro, firm, person):
    """A person leaves wherever he was for a firm."""
    people, firms = macro.households, macro.firms
    employer = people.employer[person]
    if employer >= 0:
        firms.workers[employer] -= 1
    elif employer == INACTIVE:
        people.wage_last[person] = firms.wage[firm] * people.skill[person]
    if employer < 0:
        macro.books.tally[HIRES] += 1.0
    people.employer[person] = firm
    firms.workers[firm] += 1
    firms.vacancies[firm] -= 1


@helper
def produce(macro):
    """Effort follows what is to be made, hours and their pay follow effort, a bonus good business;
    output falls short beyond capacity."""
    firms, nation, rules = macro.firms, macro.nation, macro.rules
    technology = nation.technology[0] * np.exp(nation.productivity[0])
    output, hours, capacity_all, value = 0.0, 0.0, 0.0, 0.0
    for firm in range(len(firms.wage)):
        each = technology * np.exp(firms.productivity[firm])
        load = firms.planned[firm] / each / max(firms.workers[firm], 1)
        effort = min(max(load, EFFORT_LOW), EFFORT_HIGH) ** rules.effort_exponent
        firms.effort[firm] = effort
        firms.effort_usual[firm] += 0.25 * (effort - firms.effort_usual[firm])
        worked = 1.0 + rules.hours_elasticity * (effort - 1.0)
        busy = np.log(firms.demand_expected[firm] / firms.demand_long[firm])
        bonus = 1.0 + rules.bonus * max(busy, 0.0)
        firms.pay_factor[firm] = worked * (1.0 + rules.overtime * (worked - 1.0)) * bonus
        made = each * firms.workers[firm] * effort
        capacity = CAPACITY_WANTED * firms.capital[firm] / rules.capital_output
        if made > capacity:
            made = capacity * (made / capacity) ** OVER_CAPACITY_RETURNS
        if firm >= len(macro.world.sold_as):
            made = min(made, firms.backlog[firm])
        else:
            firms.stock[firm] += made
        firms.output[firm] = made
        output += made
        capacity_all += capacity
        hours += worked * firms.workers[firm]
        value += made * firms.price[firm]
    macro.books.tally[OUTPUT] = output
    macro.books.tally[HOURS] = hours
    macro.books.tally[UTILISATION] = 100.0 * output / capacity_all
    macro.books.tally[OUTPUT_VALUE] = value
