"""Chained price indices: what statisticians see of prices. Called by `month` after production.

Weights are smoothed shares of what was bought and made in the months before (Laspeyres, chained).
"""

import numpy as np

from engine.kernels import helper
from engine.macro.tally import PRICE_DISPERSION

WEIGHT_LEARNING = 0.1
"""Share a month by which weights follow what is bought and made."""


@helper
def chain(macro):
    """Move both indices by this month's price changes, at last month's weights."""
    firms, nation = macro.firms, macro.nation
    above, below_, above_all, below_all = 0.0, 0.0, 0.0, 0.0
    consumers = len(macro.world.sold_as)
    for firm in range(len(firms.wage)):
        ratio = firms.price[firm] / firms.price_before[firm]
        firms.price_before[firm] = firms.price[firm]
        above_all += firms.weight_output[firm] * ratio
        below_all += firms.weight_output[firm]
        if firm < consumers:
            above += firms.weight_consumer[firm] * ratio
            below_ += firms.weight_consumer[firm]
    nation.price_consumer[0] *= above / below_
    nation.price_output[0] *= above_all / below_all


@helper
def reweigh(macro, consumed_value):
    """Weights follow the shares in consumption and in output."""
    firms, nation = macro.firms, macro.nation
    for firm in range(len(firms.wage)):
        share = firms.output[firm] * firms.price[firm] / max(nation.output_value[0], 1e-9)
        firms.weight_output[firm] += WEIGHT_LEARNING * (share - firms.weight_output[firm])
        if firm < len(macro.world.sold_as):
            share = firms.sales[firm] * firms.price[firm] / max(consumed_value, 1e-9)
            firms.weight_consumer[firm] += WEIGHT_LEARNING * (share - firms.weight_consumer[firm])


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
