"""The contract: what the economy of a city is, and how one is found.

An economy is a module of plain functions over arrays; nothing is inherited. `city_node` finds it by
the entry point `city_node.economies`, whose value is the module that holds the loop fused with the
merchants (`merchants.advance_bazaar`). Such a module has:

    Parameters                          frozen dataclass, each field with a default
    found(setting, parameters) -> state a new city's state: a NamedTuple of tables and arrays
    advance(state, town, arrivals, tick, ticks) -> state    residents and merchants, in place or
                                        grown; see `merchants.town`: who is here, roads, who left
    live(state) -> iterator of arrays   all that the future depends on, without spare capacity
    residents(state) -> int             how many live here
    holdings_minor(state) -> int        the residents' money
    purses(state) -> int64[n]           its accounts, not copies, that taxes are shared out among
    prices(state) -> float64[goods]     mean expected price, coins, NaN where there is none
    price_range(state) -> float64[2, goods]   lowest and highest expected price, coins
    stock(state) -> int64[goods]        units the residents own
    trades(state) -> int                purchases since the founding
    series(state) -> {name: number}     what may be plotted over time
    samples(state, most) -> {name: float64[<= most]}   a sample of residents, for distributions
    CHARTS                              tuple of Chart
    EVENTS                              {name: function(state, random, *, ...) -> Issued}

It may have LOCALS_USUAL, residents where nobody says how many, and LOCALS_LEAST, fewer of which it
refuses; KEEPS_DEVICE, where a history depends on the device it is computed on; LEARNS, where a
network may drive its merchants (`town.minds`); RESIDENTS_LEARN, the spaces of each kind of its
residents that a network may drive (`town.networks`), each a parameter with `policy` and `network`;
and `ready(state, town)`, which has compiled what a city needs that importing the module has not,
before anybody waits for it.

The state lives in the tables alone, so that what `live` and a checkpoint see is all there is. It is
a tree of named tuples whose leaves are arrays and numbers. `advance` may replace an array by a
larger one and never changes the tree: a checkpoint holds the leaves, and puts them back into the
tree that `found` makes of the same setting and parameters. An economy needs no code for that.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import numpy as np

from engine.goods import Goods, Recipes
from engine.tables import Array, Column

GROUP = "city_node.economies"

DEVICES = ("cpu", "cuda", "mps")
"""What an economy that has a choice may compute on; all but cpu need torch."""


Spread = Callable[[Sequence[Callable[[], Any]]], Any]
"""Runs pieces of work, anywhere and in any order, and returns when all are done. An economy that is
handed one must do the same whatever it is."""


def one_by_one(pieces: Sequence[Callable[[], Any]]) -> None:
    """The Spread of whoever has one thread."""
    for piece in pieces:
        piece()


@dataclass(frozen=True)
class Setting:
    """What a city is founded with, whatever its economy.

    Attributes:
        residents: number of residents, at least 0.
        goods, recipes: checked by `engine.goods.check_goods`.
        key: uint64, the city's key of randomness.
        founders: a table of traits that the node has read, for an economy that names one.
        device: of DEVICES, what an economy that has a choice computes on.
    """

    residents: int
    goods: Goods
    recipes: Recipes
    key: np.uint64
    founders: Array | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class Issued:
    """Money that an event made or destroyed, minor units, neither negative."""

    issued_minor: int = 0
    destroyed_minor: int = 0


@dataclass(frozen=True)
class Chart:
    """A chart that an economy declares as data, so that a viewer needs no code for an economy.

    Attributes:
        kind: how it is drawn.
        slot: where: a name that the layouts of the viewer know.
        title, unit: as printed.
        keys: names of series or samples, in the order in which the kind reads them.
        names: what people call the keys, when not their own names.
        log: whether the axis of the values is logarithmic; None: as the viewer finds best.
        zero: whether the range includes 0, as for shares and counts.
        summary: the figure beside the title: "", spread, total or mean.
        view: title of the tab it stands in; by default the economy's name.
        steps: the value holds until it is set anew: a staircase.
        reference: a level worth a dashed line.
    """

    kind: Literal["line", "band", "scatter", "path", "matrix", "table", "lorenz", "ridge"]
    slot: str
    title: str
    unit: str
    keys: tuple[str, ...]
    names: tuple[str, ...] = ()
    log: bool | None = None
    zero: bool = False
    summary: str = ""
    view: str = ""
    steps: bool = False
    reference: float | None = None


class Stalls(NamedTuple):
    """What residents see of the merchants in town: columns of the roster, shared with it.

    `place` is where a stall stands in the row of its good's sellers, for markets that have rows.
    """

    money_minor: Annotated[Array, Column("i8", "merchants", "minor units")]
    good: Annotated[Array, Column("i8", "merchants", "the good he deals in")]
    owned: Annotated[Array, Column("i8", "merchants", "units of it")]
    ask: Annotated[Array, Column("f8", "merchants", "coins; infinite: his stall is shut")]
    place: Annotated[Array, Column("i8", "merchants", "place in the row, -1: none")]


class Economy(Protocol):
    """The module, as a type checker sees it."""

    Parameters: Any
    CHARTS: tuple[Chart, ...]
    EVENTS: Mapping[str, Callable[..., Issued]]

    def found(self, setting: Setting, parameters: Any) -> Any: ...
    def advance(self, state: Any, town: Any, arrivals: Any, tick: int, ticks: int) -> Any: ...
    def live(self, state: Any) -> Iterator[Array]: ...
    def residents(self, state: Any) -> int: ...
    def holdings_minor(self, state: Any) -> int: ...
    def purses(self, state: Any) -> Array: ...
    def prices(self, state: Any) -> Array: ...
    def price_range(self, state: Any) -> Array: ...
    def stock(self, state: Any) -> Array: ...
    def trades(self, state: Any) -> int: ...
    def series(self, state: Any) -> Mapping[str, float]: ...
    def samples(self, state: Any, most: int) -> Mapping[str, Array]: ...


class UnknownEconomyError(ValueError):
    """No installed economy has that name, or its module does not fulfil the contract."""


def names() -> list[str]:
    """The economies installed, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def load(name: str) -> Economy:
    """The economy of that name, its kernels compiled (seconds) or read from the cache.

    Raises:
        UnknownEconomyError: none has that name, or the module lacks a part of the contract.
    """
    points = entry_points(group=GROUP, name=name)
    if not points:
        raise UnknownEconomyError(f"economy = {name!r}: must be one of {', '.join(names())}")
    collects = gc.isenabled()
    gc.disable()  # a compilation makes millions of objects and no garbage: a tenth of its time
    try:
        module: ModuleType = next(iter(points)).load()
    except ImportError as error:
        raise UnknownEconomyError(f"economy = {name!r}: cannot be imported ({error})") from None
    finally:
        if collects:
            gc.enable()
    parts = [*Economy.__annotations__, *(n for n, v in vars(Economy).items() if _is_part(n, v))]
    missing = [part for part in parts if not hasattr(module, part)]
    if missing:
        raise UnknownEconomyError(
            f"economy = {name!r}: its module {module.__name__} lacks {', '.join(missing)}"
        )
    return module


def _is_part(name: str, value: object) -> bool:
    return callable(value) and not name.startswith("_")
