"""What statisticians see of prices: chained indices, mean prices, dispersion. Called by `month`.

An index moves by the mean of the logarithms of price changes, each weighted by the good's share in
spending of the months before. Where people spend a given sum at a shop that is what a given sum
buys; a chained mean of the ratios themselves climbs whenever prices bounce, by a fifth in decades.
"""

import numpy as np

from engine.kernels import helper, inlined
from engine.macro.tally import PRICE_DISPERSION

WEIGHT_LEARNING = 0.1
"""Share a month by which weights follow what is bought and made."""


@helper
def chain(macro):
    """Move both indices by this month's price changes, at last month's weights."""
    firms, nation = macro.firms, macro.nation
    change, weight, change_all, weight_all = 0.0, 0.0, 0.0, 0.0
    consumers = len(macro.world.sold_as)
    for firm in range(len(firms.wage)):
        log_ratio = np.log(firms.price[firm] / firms.price_before[firm])
        firms.price_before[firm] = firms.price[firm]
        change_all += firms.weight_output[firm] * log_ratio
        weight_all += firms.weight_output[firm]
        if firm < consumers:
            change += firms.weight_consumer[firm] * log_ratio
            weight += firms.weight_consumer[firm]
    nation.price_consumer[0] *= np.exp(change / weight)
    nation.price_output[0] *= np.exp(change_all / weight_all)


@helper
def reweigh(macro):
    """Weights follow the shares in what is sold at home and in output."""
    firms, nation = macro.firms, macro.nation
    consumers, sold_value = len(macro.world.sold_as), 0.0
    for firm in range(consumers):
        sold_value += firms.sales[firm] * firms.price[firm]
    for firm in range(len(firms.wage)):
        share = firms.output[firm] * firms.price[firm] / max(nation.output_value[0], 1e-9)
        firms.weight_output[firm] += WEIGHT_LEARNING * (share - firms.weight_output[firm])
        if firm < consumers:
            share = firms.sales[firm] * firms.price[firm] / max(sold_value, 1e-9)
            firms.weight_consumer[firm] += WEIGHT_LEARNING * (share - firms.weight_consumer[firm])


@helper
def levels(macro):
    """What consumer and what capital goods cost on average: prices, not indices."""
    firms, nation = macro.firms, macro.nation
    consumers, count = len(macro.world.sold_as), len(firms.wage)
    nation.price_shops[0] = mean_price(firms, 0, consumers)
    nation.price_capital[0] = mean_price(firms, consumers, count)


@inlined
def mean_price(firms, first, last):
    """float64 crowns: of some firms' goods, geometric, weighted by output's value."""
    log_sum, weight = 0.0, 0.0
    for firm in range(first, last):
        log_sum += firms.weight_output[firm] * np.log(firms.price[firm])
        weight += firms.weight_output[firm]
    return np.exp(log_sum / weight)


@helper
def dispersion(macro):
    """Mean over products of the standard deviation over the mean of its prices across shops."""
    consumers, products = len(macro.world.sold_as), macro.products.price.shape[1]
    total = 0.0
    for product in range(products):
        mean, square = 0.0, 0.0
        for firm in range(consumers):
            price = macro.products.price[firm, product]
            mean += price / consumers
            square += price * price / consumers
        total += np.sqrt(max(square - mean * mean, 0.0)) / mean
    macro.books.tally[PRICE_DISPERSION] = total / products
