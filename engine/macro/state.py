"""Every array of a macro economy, declared once: what the future depends on and nothing else.

Money is int64 minor units of the city's own money, the crown; prices and wages are float64 crowns;
quantities of goods are float64 units of output, of which a worker makes about one a month at first.
A loan is an account below zero, so that all accounts of a city always sum to nothing.
"""

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple, cast, get_type_hints

import numpy as np

from engine.macro.params import Rules
from engine.tables import Array, Column, record

UNEMPLOYED, INACTIVE = -1, -2
"""Instead of an employer's number: looking for work, and not."""

SHOPS = 3
"""How many firms a household buys from."""

GOVERNMENT, DIVIDENDS, ABROAD = range(3)
"""Accounts that belong to nobody in particular: the state's; dividends declared and not yet paid
out, which are households'; what the city owes the world for coins taken."""

FLOWS = (
    ("wages", "firms", "households"),
    ("dividends of firms", "firms", "households"),
    ("dividends of banks", "banks", "households"),
    ("tax on wages", "households", "government"),
    ("tax on dividends of firms", "firms", "government"),
    ("tax on dividends of banks", "banks", "government"),
    ("tax on profits", "firms", "government"),
    ("benefits and pensions", "government", "households"),
    ("interest on deposits", "banks", "households"),
    ("interest of households", "households", "banks"),
    ("interest of firms", "firms", "banks"),
    ("interest of government", "government", "banks"),
    ("consumption", "households", "firms"),
    ("government purchases", "government", "firms"),
    ("investment", "firms", "firms"),
    ("houses", "households", "households"),
    ("loans not repaid by households", "banks", "households"),
    ("loans not repaid by firms", "banks", "firms"),
    ("capital for failed banks", "government", "banks"),
    ("interest of banks", "banks", "government"),
    ("claims written off", "banks", "government"),
    ("exports", "abroad", "firms"),
    ("imports", "households", "abroad"),
    ("coins given to the city", "abroad", "government"),
)
"""Every payment between two sectors: what for, who pays, who is paid."""

(
    WAGES, DIVIDENDS_FIRMS, DIVIDENDS_BANKS, TAX_WAGES, TAX_DIVIDENDS_FIRMS, TAX_DIVIDENDS_BANKS,
    TAX_PROFITS, BENEFITS, INTEREST_DEPOSITS, INTEREST_HOUSEHOLDS, INTEREST_FIRMS,
    INTEREST_GOVERNMENT, CONSUMPTION, PURCHASES, INVESTMENT, HOUSES, DEFAULTS_HOUSEHOLDS,
    DEFAULTS_FIRMS, RESCUES, INTEREST_BANKS, WRITTEN_OFF, EXPORTS, IMPORTS, COINS_GIVEN,
) = range(len(FLOWS))  # fmt: skip


class Households(NamedTuple):
    """One row a household; each has one member who may work."""

    deposit_minor: Annotated[Array, Column("i8", "households", "minor units, at its bank")]
    loan_minor: Annotated[Array, Column("i8", "households", "minor units, none or less")]
    imported_minor: Annotated[Array, Column("i8", "households", "spent at stalls since shopping")]
    employer: Annotated[Array, Column("i4", "households", "firm, UNEMPLOYED or INACTIVE")]
    bank: Annotated[Array, Column("i4", "households", "where it has its account")]
    spell: Annotated[Array, Column("i4", "households", "months without work")]
    hand_to_mouth: Annotated[Array, Column("i4", "households", "1: spends what it has")]
    skill: Annotated[Array, Column("f8", "households", "efficiency, mean 1")]
    ownership: Annotated[Array, Column("f8", "households", "share of all dividends")]
    houses: Annotated[Array, Column("f8", "households", "houses owned, months of the mean wage")]
    income: Annotated[Array, Column("f8", "households", "this month after tax, crowns")]
    income_usual: Annotated[Array, Column("f8", "households", "smoothed, crowns a month")]
    income_year: Annotated[Array, Column("f8", "households", "before tax, this year so far")]
    income_last_year: Annotated[Array, Column("f8", "households", "before tax, crowns")]
    wage_last: Annotated[Array, Column("f8", "households", "of its last job, crowns a month")]
    met: Annotated[Array, Column("f8", "households", "unemployment among people met, share")]
    loan_spending: Annotated[Array, Column("f8", "households", "of a new loan, crowns")]
    spent_minor: Annotated[Array, Column("i8", "households", "on goods, last month, minor units")]


class Firms(NamedTuple):
    """One row a firm: those that make consumer goods first, then those that make capital goods."""

    deposit_minor: Annotated[Array, Column("i8", "firms", "minor units, at its bank")]
    loan_minor: Annotated[Array, Column("i8", "firms", "minor units, none or less")]
    wages_minor: Annotated[Array, Column("i8", "firms", "paid this month, minor units")]
    revenue_minor: Annotated[Array, Column("i8", "firms", "since books were closed, minor units")]
    interest_minor: Annotated[Array, Column("i8", "firms", "this month, minor units")]
    workers: Annotated[Array, Column("i8", "firms", "people")]
    vacancies: Annotated[Array, Column("i8", "firms", "still open")]
    opened: Annotated[Array, Column("i8", "firms", "vacancies at the month's start")]
    layoffs: Annotated[Array, Column("i8", "firms", "still to be dismissed this month")]
    identity: Annotated[Array, Column("i8", "firms", "number of the firm; never used again")]
    wage_month: Annotated[Array, Column("i8", "firms", "month of the last wage revision")]
    bank: Annotated[Array, Column("i4", "firms", "where it borrows and has its account")]
    supplier: Annotated[Array, Column("i4", "firms", "of its capital goods")]
    productivity: Annotated[Array, Column("f8", "firms", "log, its own")]
    appeal: Annotated[Array, Column("f8", "firms", "log, to shoppers")]
    demand: Annotated[Array, Column("f8", "firms", "first-choice demand this month, units")]
    demand_expected: Annotated[Array, Column("f8", "firms", "units a month")]
    demand_long: Annotated[Array, Column("f8", "firms", "the same for plans of years")]
    sales: Annotated[Array, Column("f8", "firms", "since the month began, units")]
    sales_usual: Annotated[Array, Column("f8", "firms", "smoothed, units a month")]
    stock: Annotated[Array, Column("f8", "firms", "inventory, units; 0 for capital firms")]
    planned: Annotated[Array, Column("f8", "firms", "output planned, units")]
    output: Annotated[Array, Column("f8", "firms", "output, units")]
    sales_year: Annotated[Array, Column("f8", "firms", "this year so far, units")]
    sales_last_year: Annotated[Array, Column("f8", "firms", "last year, units")]
    capital: Annotated[Array, Column("f8", "firms", "units")]
    ordered: Annotated[Array, Column("f8", "firms", "capital ordered, not delivered, units")]
    backlog: Annotated[Array, Column("f8", "firms", "orders it has to fill, units")]
    workers_wanted: Annotated[Array, Column("f8", "firms", "people")]
    effort: Annotated[Array, Column("f8", "firms", "of a worker, 1 usual")]
    effort_usual: Annotated[Array, Column("f8", "firms", "smoothed")]
    pay_factor: Annotated[Array, Column("f8", "firms", "hours with overtime pay, 1 usual")]
    unfilled: Annotated[Array, Column("f8", "firms", "share of its vacancies, smoothed")]
    wage: Annotated[Array, Column("f8", "firms", "crowns a month for skill 1")]
    inflation_expected: Annotated[Array, Column("f8", "firms", "a year")]
    stock_gap: Annotated[Array, Column("f8", "firms", "log, added to the price asked")]
    price: Annotated[Array, Column("f8", "firms", "mean over its products, crowns")]
    price_before: Annotated[Array, Column("f8", "firms", "last month's, crowns")]
    weight_output: Annotated[Array, Column("f8", "firms", "in the output deflator")]
    weight_consumer: Annotated[Array, Column("f8", "firms", "in the consumer index")]
    margin: Annotated[Array, Column("f8", "firms", "profit over sales as banks see it")]
    borrowed_lack: Annotated[Array, Column("f8", "firms", "orders not made for want of credit")]
    dividend_minor: Annotated[Array, Column("i8", "firms", "before tax, last month, minor units")]
    failures: Annotated[Array, Column("i8", "firms", "in this place, so far")]


class Banks(NamedTuple):
    """One row a bank. Its assets are its customers' loans, and claims on the state."""

    equity_minor: Annotated[Array, Column("i8", "banks", "minor units")]
    loans_minor: Annotated[Array, Column("i8", "banks", "its customers', as of this moment")]
    deposits_minor: Annotated[Array, Column("i8", "banks", "at the month's end")]
    state_stake_minor: Annotated[Array, Column("i8", "banks", "public money not paid back yet")]
    risk_tolerance: Annotated[Array, Column("f8", "banks", "times the limit of a firm's debt")]
    margin_own: Annotated[Array, Column("f8", "banks", "added to its spreads, a year")]
    failures: Annotated[Array, Column("i8", "banks", "so far")]
    dividend_minor: Annotated[Array, Column("i8", "banks", "before tax, last month, minor units")]


class Nation(NamedTuple):
    """What there is one of."""

    reserves_minor: Annotated[Array, Column("i8", "1", "merchants' coins, minor units of a coin")]
    reserves_booked_minor: Annotated[Array, Column("i8", "1", "the same as the books have it")]
    trades: Annotated[Array, Column("i8", "1", "units of the world's goods sold, both ways")]
    month: Annotated[Array, Column("i8", "1", "months since the founding")]
    next_identity: Annotated[Array, Column("i8", "1", "of the next firm to enter")]
    technology: Annotated[Array, Column("f8", "1", "trend of productivity, 1 at first")]
    productivity: Annotated[Array, Column("f8", "1", "log, shock to all firms")]
    confidence: Annotated[Array, Column("f8", "1", "log, mood")]
    purchases_shock: Annotated[Array, Column("f8", "1", "log")]
    markup_shock: Annotated[Array, Column("f8", "1", "log")]
    participation: Annotated[Array, Column("f8", "1", "log, shock to discouragement")]
    rate_surprise: Annotated[Array, Column("f8", "1", "a year, next month's, by an event")]
    policy_rate: Annotated[Array, Column("f8", "1", "a year")]
    real_rate: Annotated[Array, Column("f8", "1", "policy rate less inflation, a year")]
    inflation: Annotated[Array, Column("f8", "1", "of consumer prices over a year")]
    unemployment: Annotated[Array, Column("f8", "1", "share, as last published")]
    unemployment_usual: Annotated[Array, Column("f8", "1", "smoothed, share")]
    tax_rate: Annotated[Array, Column("f8", "1", "share of wages and dividends")]
    purchases_planned: Annotated[Array, Column("f8", "1", "units a month, trend")]
    wage_mean: Annotated[Array, Column("f8", "1", "crowns a month")]
    output_value: Annotated[Array, Column("f8", "1", "of last month, crowns")]
    price_consumer: Annotated[Array, Column("f8", "1", "chained index, crowns")]
    price_output: Annotated[Array, Column("f8", "1", "chained index, crowns")]
    price_shops: Annotated[Array, Column("f8", "1", "of consumer goods, mean, crowns")]
    price_capital: Annotated[Array, Column("f8", "1", "of capital goods, mean, crowns")]
    denomination: Annotated[Array, Column("f8", "1", "first crowns in a crown of today")]
    exchange_rate: Annotated[Array, Column("f8", "1", "crowns a coin")]
    credit_spread: Annotated[Array, Column("f8", "1", "of firms' loans, mean, a year")]


class Products(NamedTuple):
    """One row a firm, one column a product."""

    price: Annotated[Array, Column("f8", "firms products", "crowns")]
    price_log: Annotated[Array, Column("f8", "firms products", "its logarithm")]
    shock: Annotated[Array, Column("f8", "firms products", "log, to what is asked")]


class Books(NamedTuple):
    """Common accounts, what has flowed between sectors, and what was written down."""

    account_minor: Annotated[Array, Column("i8", "3", "GOVERNMENT, DIVIDENDS, ABROAD, minor")]
    told: Annotated[Array, Column("f8", "goods", "prices a merchant is told, coins; scratch")]
    flows_minor: Annotated[Array, Column("i8", "flows", "this month, see FLOWS")]
    flows_last_minor: Annotated[Array, Column("i8", "flows", "last month")]
    balances_minor: Annotated[Array, Column("i8", "8", "at the last month's start, see accounts")]
    balances_end_minor: Annotated[Array, Column("i8", "8", "at the last month's end")]
    exported: Annotated[Array, Column("i8", "goods", "units of the world's goods, so far")]
    imported: Annotated[Array, Column("i8", "goods", "units of the world's goods, so far")]
    price_history: Annotated[Array, Column("f8", "12", "consumer prices, by month mod 12")]
    tally: Annotated[Array, Column("f8", "tally", "sums of the month, see month.py")]


class Actions(NamedTuple):
    """What agents do beside their rules, each from -1 to 1; 0 is the rule. See spaces.py."""

    central_bank: Annotated[Array, Column("f8", "1", "rate")]
    banks: Annotated[Array, Column("f8", "banks 3", "lending spread, deposit spread, risk")]
    households: Annotated[Array, Column("f8", "households 3", "consumption, borrowing, labour")]
    firms: Annotated[Array, Column("f8", "firms 3", "price, hiring, investment")]


class World(NamedTuple):
    """How the city's output is measured in the world's goods; none of it changes."""

    content: Annotated[Array, Column("f8", "goods", "units of output in a unit of a good")]
    sold: Annotated[Array, Column("u1", "goods", "1: firms sell it to merchants")]
    bought: Annotated[Array, Column("u1", "goods", "1: households buy it from merchants")]
    sold_as: Annotated[Array, Column("i4", "consumer_firms", "the good a firm sells, -1: none")]
    reserves_usual_minor: Annotated[Array, Column("i8", "1", "coins at the founding, minor")]
    exchange_first: Annotated[Array, Column("f8", "1", "crowns a coin at the founding")]
    step_ticks: Annotated[Array, Column("i8", "1", "ticks between two steps")]
    step_months: Annotated[Array, Column("i8", "1", "months of a step, 1 or 3")]
    visits: Annotated[Array, Column("f8", "1", "households at the stalls a tick, on average")]


class Macro(NamedTuple):
    """All there is to a macro economy. `world` and `rules` never change.

    Agents are records, so that a kernel takes one array a kind of agent: with an array a column it
    took five times as long to compile. In a kernel `macro.firms.wage[firm]` is a field of a record,
    in Python `rows(macro.firms).wage[firm]`.
    """

    households: Annotated[Array, Column(record(Households), "households", "see Households")]
    shops: Annotated[Array, Column("i4", "households 3", "firms each buys from")]
    firms: Annotated[Array, Column(record(Firms), "firms", "see Firms")]
    products: Products
    banks: Annotated[Array, Column(record(Banks), "banks", "see Banks")]
    nation: Annotated[Array, Column(record(Nation), "1", "see Nation")]
    books: Books
    actions: Actions
    world: World
    rules: Rules


class Lineage(NamedTuple):
    """The genes of one kind of agent, a row a bearer; no rows where that kind does not evolve.

    Of a central bank, of which a city has one, the first row has proved itself and the second
    challenges it; they serve in turn. See evolved.py.
    """

    genomes: Annotated[Array, Column("f8", "bearers genes", "0 to 1; 0.5 everywhere is the rule")]
    paid: Annotated[Array, Column("f8", "bearers", "rewards since they have them, this term's")]
    months: Annotated[Array, Column("i8", "bearers", "in which these were paid")]


class Heredity(NamedTuple):
    """The genes of a city's agents, and by which numbers they are handed on."""

    firm: Lineage
    household: Lineage
    bank: Lineage
    central_bank: Lineage
    term_months: int
    mutation: float


_FIELDS = [*get_type_hints(Macro, include_extras=True).items(), ("heredity", Heredity)]
Evolving: Any = cast(Any, NamedTuple)("Evolving", _FIELDS)
"""A Macro some of whose agents live by genes; `plain` is what kernels take of it. A city in which
nobody evolves is a Macro and nothing beside."""


def plain(state: Any) -> Macro:
    """A Macro or an Evolving as a Macro, sharing its arrays."""
    return state if isinstance(state, Macro) else Macro(*state[: len(Macro._fields)])


def rows(records: Array) -> Any:
    """Records by attribute: `rows(macro.firms).wage` is a float64 array, and may be assigned."""
    return ByAttribute(records)


class ByAttribute:
    """What numpy's own recarray does, whose every attribute costs as much as a small sum."""

    __slots__ = ("_records",)

    def __init__(self, records: Array) -> None:
        object.__setattr__(self, "_records", records)

    def __getattr__(self, name: str) -> Any:
        return self._records[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._records[name] = value

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, row: Any) -> Any:
        return self._records.view(np.recarray)[row]


def live(state: Any) -> Iterator[Array]:
    """Every array of a Macro or an Evolving that the future depends on, in declared order."""
    if isinstance(state, np.ndarray):
        yield state
    elif isinstance(state, tuple):
        for part in state:
            yield from live(part)
