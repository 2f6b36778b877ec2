"""Every number of the macro economy's rules, with unit, reason and the range that is allowed.

The values are those of calibrated.toml, which names the command that found them. Rates that act
every month are "a month"; quantities of goods are measured in months of their sales or output.
"""

import tomllib
from dataclasses import dataclass, field, fields
from importlib.resources import files
from typing import Any

from engine.goods import check
from engine.tables import scalars

CALIBRATED = tomllib.loads(files("engine.macro").joinpath("calibrated.toml").read_text("utf-8"))[
    "values"
]


def number(name: str, unit: str, reason: str, low: float, high: float) -> Any:
    """A field: its calibrated value, and what is known of it as metadata."""
    return field(
        default=float(CALIBRATED[name]),
        metadata={"unit": unit, "reason": reason, "low": low, "high": high},
    )


@dataclass(frozen=True)
class Behaviour:
    """How agents behave and what shocks befall them; see the metadata of each field."""

    growth: float = number("growth", "a year", "trend of productivity", 0.0, 0.1)
    productivity_persistence: float = number(
        "productivity_persistence", "a month", "of the shock to all firms' productivity", 0.0, 0.995
    )
    productivity_sd: float = number("productivity_sd", "log, a month", "its size", 0.0, 0.02)
    confidence_persistence: float = number(
        "confidence_persistence", "a month", "of the shock to households' and firms' mood", 0, 0.995
    )
    confidence_sd: float = number("confidence_sd", "log, a month", "its size", 0.0, 0.02)
    confidence_investment: float = number(
        "confidence_investment", "elasticity", "of the capital firms want", 0.0, 6.0
    )
    purchases_persistence: float = number(
        "purchases_persistence", "a month", "of the shock to government purchases", 0.0, 0.995
    )
    purchases_sd: float = number("purchases_sd", "log, a month", "its size", 0.0, 0.05)
    markup_persistence: float = number(
        "markup_persistence", "a month", "of the shock to all prices asked (energy)", 0.0, 0.995
    )
    markup_sd: float = number("markup_sd", "log, a month", "its size", 0.0, 0.01)
    policy_sd: float = number("policy_sd", "a year", "surprises of the central bank", 0.0, 0.005)
    participation_persistence: float = number(
        "participation_persistence", "a month", "of the shock to leaving the labour force", 0, 0.998
    )
    participation_sd: float = number("participation_sd", "log, a month", "its size", 0.0, 0.1)

    demand_learning: float = number(
        "demand_learning", "share a month", "expected demand moves towards demand", 0.02, 1.0
    )
    demand_long_learning: float = number(
        "demand_long_learning", "share a month", "the same for plans of years", 0.005, 0.5
    )
    stock_adjustment: float = number(
        "stock_adjustment", "share a month", "of a gap in stock is planned away", 0.0, 0.6
    )
    stock_target: float = number("stock_target", "months", "of expected demand", 0.5, 3.0)
    backlog_share: float = number(
        "backlog_share", "share a month", "of its orders a capital firm plans to make", 0.15, 1.0
    )
    labour_adjustment: float = number(
        "labour_adjustment", "share a month", "wanted workers move towards needed", 0.05, 1.0
    )
    hoarding: float = number(
        "hoarding", "share of workers", "kept beyond what is wanted: hiring costs", 0.0, 0.2
    )
    firing: float = number("firing", "share a month", "of the excess is dismissed", 0.02, 1.0)
    vacancy_posting: float = number(
        "vacancy_posting", "share a month", "of a gap in workers is advertised", 0.05, 1.5
    )
    hours_elasticity: float = number(
        "hours_elasticity", "elasticity", "of hours paid to effort", 0.0, 1.0
    )
    effort_exponent: float = number(
        "effort_exponent", "elasticity", "of effort to workers needed over workers", 0.05, 1.0
    )
    overtime: float = number("overtime", "share", "of longer hours is paid on top", 0.0, 1.0)
    bonus: float = number(
        "bonus", "elasticity", "of pay to demand beyond its usual level", 0.0, 1.0
    )

    contacts: float = number(
        "contacts", "people a month", "whom a vacancy contacts at random", 1.0, 40.0
    )
    separation: float = number(
        "separation", "a month", "workers who lose or leave their job for no job", 0.004, 0.08
    )
    retirement: float = number(
        "retirement", "a month", "workers who leave the labour force", 0.0, 0.01
    )
    poaching: float = number(
        "poaching", "probability", "a worker contacted changes for better pay", 0.0, 0.4
    )
    activation: float = number(
        "activation", "probability", "an inactive person contacted accepts", 0.0, 0.2
    )
    discouragement: float = number(
        "discouragement", "a month", "unemployed who stop looking for work", 0.0, 0.3
    )
    entry_to_search: float = number(
        "entry_to_search", "a month", "inactive who begin to look for work", 0.0, 0.05
    )
    reservation: float = number(
        "reservation", "of benefit", "the least pay an unemployed accepts", 0.0, 2.0
    )
    wage_tightness: float = number(
        "wage_tightness", "log", "raise by the share of vacancies a firm cannot fill", 0.0, 0.1
    )
    unfilled_usual: float = number(
        "unfilled_usual", "share", "of vacancies unfilled at which no such raise is due", 0.05, 0.95
    )
    indexation: float = number(
        "indexation", "share", "of expected inflation in raises, the rest the target's", 0.0, 0.95
    )
    wage_comparison: float = number(
        "wage_comparison", "share", "of a gap to the mean wage made up at a revision", 0.0, 0.6
    )
    expectation_update: float = number(
        "expectation_update", "probability a month", "a firm looks up inflation", 0.01, 1.0
    )
    wage_revision: float = number(
        "wage_revision", "probability a month", "contracts are staggered", 0.02, 0.5
    )

    markup: float = number("markup", "log", "of price over unit cost", 0.1, 0.8)
    effort_price: float = number(
        "effort_price", "elasticity", "of the price asked to effort: dear hours", 0.0, 1.5
    )
    stock_price: float = number(
        "stock_price", "elasticity", "of the price asked to a stock too small", 0.0, 0.5
    )
    reference_weight: float = number(
        "reference_weight", "share", "of the price asked that follows other prices", 0.0, 0.8
    )
    price_threshold: float = number(
        "price_threshold", "log", "gap at which a price is changed: menu cost", 0.01, 0.15
    )
    product_sd: float = number("product_sd", "log, a month", "shocks to one product", 0.0, 0.05)
    firm_sd: float = number("firm_sd", "log, a month", "shocks to one firm's productivity", 0, 0.03)
    firm_persistence: float = number("firm_persistence", "a month", "of these", 0.0, 0.995)
    appeal_sd: float = number("appeal_sd", "log, a month", "shocks to what shoppers like", 0, 0.05)
    appeal_persistence: float = number("appeal_persistence", "a month", "of these", 0.0, 0.995)

    consumption_income: float = number(
        "consumption_income", "share", "of smoothed income spent", 0.6, 0.99
    )
    consumption_wealth: float = number(
        "consumption_wealth", "a month", "of deposits spent", 0.001, 0.05
    )
    hand_to_mouth_wealth: float = number(
        "hand_to_mouth_wealth", "times", "that, by those who cannot save", 1.0, 20.0
    )
    hand_to_mouth: float = number("hand_to_mouth", "share", "of households", 0.05, 0.9)
    income_smoothing: float = number(
        "income_smoothing", "share a month", "smoothed income follows income", 0.02, 1.0
    )
    fear: float = number(
        "fear", "elasticity", "less spent for unemployment met beyond 4 %", 0.0, 4.0
    )
    meeting: float = number(
        "meeting", "weight", "of the one met this month in the unemployment met", 0.01, 0.4
    )
    rate_consumption: float = number(
        "rate_consumption", "a year", "less spent for a real rate beyond 2 %", 0.0, 3.0
    )
    shop_review: float = number(
        "shop_review", "probability a month", "a shop is compared with another", 0.002, 0.5
    )
    shop_random: float = number(
        "shop_random", "probability", "that with any, not another household's", 0.0, 0.5
    )
    shop_gain: float = number("shop_gain", "share", "cheaper at which one changes", 0.0, 0.1)
    shop_leaving: float = number("shop_leaving", "probability", "a sold-out shop is left", 0.0, 1.0)

    borrowing: float = number(
        "borrowing", "probability a month", "an employed household takes a loan", 0.0, 0.06
    )
    borrowing_size: float = number("borrowing_size", "months of income", "a loan", 1.0, 15.0)
    borrowing_confidence: float = number(
        "borrowing_confidence", "elasticity", "of that probability to the mood", 0.0, 200.0
    )
    borrowing_fear: float = number("borrowing_fear", "elasticity", "to unemployment met", 0.0, 80.0)
    borrowing_rate: float = number("borrowing_rate", "a year", "to the real rate", 0.0, 15.0)
    borrowing_income: float = number(
        "borrowing_income", "elasticity", "to wages beyond smoothed income", 0.0, 12.0
    )
    borrowing_spent: float = number(
        "borrowing_spent", "share", "of a loan spent; the rest buys a house", 0.0, 0.9
    )
    repayment: float = number("repayment", "a month", "of household loans", 0.004, 0.06)
    household_spread: float = number(
        "household_spread", "a year", "of household loans over the policy rate", 0.0, 0.06
    )
    house_owners: float = number("house_owners", "share", "of households at first", 0.1, 0.95)
    house_value: float = number("house_value", "months of wages", "of a house at first", 1.0, 80.0)

    investment_adjustment: float = number(
        "investment_adjustment", "share a month", "of a gap in capital is ordered", 0.002, 0.2
    )
    capital_output: float = number(
        "capital_output", "months of output", "capital wanted", 6.0, 24.0
    )
    depreciation: float = number("depreciation", "a month", "of capital", 0.004, 0.02)
    investment_rate: float = number(
        "investment_rate", "a year", "elasticity of capital wanted to the real rate", 0.0, 4.0
    )
    borrowed_share: float = number(
        "borrowed_share", "share", "of investment at least borrowed", 0.0, 0.9
    )
    leverage_max: float = number(
        "leverage_max", "of half the plant's value", "that banks lend a firm", 0.3, 3.0
    )
    amortisation: float = number("amortisation", "a month", "of firms' loans", 0.004, 0.05)
    capital_ratio: float = number(
        "capital_ratio", "share of loans", "below which a bank lends no more", 0.04, 0.2
    )
    spread_base: float = number("spread_base", "a year", "of firms' loans", 0.0, 0.06)
    spread_leverage: float = number("spread_leverage", "a year", "by debt over assets", 0.0, 0.1)
    spread_margin: float = number("spread_margin", "a year", "less by profit margin", 0.0, 0.4)
    spread_demand: float = number(
        "spread_demand", "a year", "less by demand over its usual level", 0.0, 0.3
    )
    margin_learning: float = number(
        "margin_learning", "share a month", "the margin a bank sees follows the margin", 0.005, 0.5
    )

    closure: float = number(
        "closure", "probability a month", "a small firm closes; 20 / (20 + workers)", 0.0, 0.03
    )

    tax: float = number("tax", "share", "of wages and dividends at 50 % debt", 0.1, 0.6)
    tax_debt: float = number("tax_debt", "share", "more for each year of GDP in debt", 0.0, 0.3)
    benefit: float = number("benefit", "of the last wage", "for the unemployed", 0.1, 0.8)
    pension: float = number("pension", "of the mean wage", "for the inactive", 0.05, 0.6)
    purchases: float = number("purchases", "of output", "bought by the government", 0.05, 0.4)
    rate_smoothing: float = number("rate_smoothing", "a month", "of the policy rate", 0.0, 0.99)
    rate_inflation: float = number(
        "rate_inflation", "points", "of rate by a point of inflation", 1.0, 3.0
    )
    rate_unemployment: float = number(
        "rate_unemployment", "points", "less by a point of unemployment beyond usual", 0.0, 3.0
    )
    inflation_target: float = number("inflation_target", "a year", "", 0.0, 0.08)

    skill_sd: float = number("skill_sd", "log", "of wages of one firm", 0.05, 1.2)
    ownership_tail: float = number("ownership_tail", "exponent", "of who owns firms", 0.6, 2.0)
    size_tail: float = number("size_tail", "exponent", "of firms' sizes at first", 0.8, 2.0)

    def __post_init__(self) -> None:
        for each in fields(self):
            if each.metadata:
                low, high = each.metadata["low"], each.metadata["high"]
                check("", each.name, getattr(self, each.name), low, high)


Rules = scalars(Behaviour, __name__, "Rules")
"""The same as a kernel takes them."""
