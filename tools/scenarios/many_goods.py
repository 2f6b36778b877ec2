"""Chapter 2: many goods, and nothing comes from nowhere.

Set-up (`examples/chapter2.toml`): 200 people, the four goods of the table with nobody making any
and nothing wearing out. As in the original's chapter 2, people talk at every turn. Its 100 ticks
are 100 pictures of 100 ticks.

The original had one good, whose prices lay 5.4 apart (standard deviation) at first and 0.08 at the
end; it began with prices drawn at random, ours with what everybody's goods are worth to him. So
what is compared is the part of the spread that is left: 0.08 / 5.4. It cannot go to nothing, for a
belief moves in steps of a fiftieth of the base value.
"""

from dataclasses import dataclass
from typing import Annotated

from tools.scenarios.claims import Number, Scenario
from tools.scenarios.film import Film, open_film

CITY = "Riverwood"
GOODS = ("wood", "chair", "thread", "bed")

PHASE_TICKS = 10_000


@dataclass(frozen=True)
class Measured:
    """Standard deviations of beliefs, in coins and as shares, and what was counted."""

    chair_at_first: Annotated[float, Number("spread of a chair's price at tick 0, coins", 5.4)]
    chair_later: Annotated[float, Number("after 100 pictures, coins", 0.08)]
    wood_left: Annotated[float, Number("wood: later spread over first")]
    chair_left: Annotated[float, Number("chair: later spread over first", 0.015)]
    thread_left: Annotated[float, Number("thread: later spread over first")]
    bed_left: Annotated[float, Number("bed: later spread over first")]
    money_gone: Annotated[float, Number("money missing, minor units", 0.0)]
    goods_gone: Annotated[float, Number("goods missing or too many, units", 0.0)]


def play(seed: int) -> tuple[Measured, Film]:
    """The numbers of one run."""
    film = open_film("chapter2.toml", seed)
    money_minor, stock = film.money_minor(), film.stock()
    at_first = {good: float(film.beliefs(CITY, good).std()) for good in GOODS}
    film.roll(PHASE_TICKS)
    later = {good: float(film.beliefs(CITY, good).std()) for good in GOODS}
    measured = Measured(
        chair_at_first=at_first["chair"],
        chair_later=later["chair"],
        wood_left=later["wood"] / at_first["wood"],
        chair_left=later["chair"] / at_first["chair"],
        thread_left=later["thread"] / at_first["thread"],
        bed_left=later["bed"] / at_first["bed"],
        money_gone=money_minor - film.money_minor(),
        goods_gone=float(abs(stock - film.stock()).sum()),
    )
    return measured, film


def statements(of: Measured) -> dict[str, bool]:
    """What must be seen."""
    left = (of.wood_left, of.chair_left, of.thread_left)
    return {
        "beliefs in all prices meet": max(left) < 0.1 and of.bed_left < 0.3,
        "those in a chair's, to some hundredths": of.chair_left < 0.05,
        "money is conserved to the unit": of.money_gone == 0,
        "goods are conserved to the unit": of.goods_gone == 0,
    }


DIFFERS = """\
With talk at one turn in a hundred, the rule from chapter 3 on, the same takes some 400 pictures;
with none at all nobody ever trades.
"""

SCENARIO = Scenario(
    name="many-goods",
    title="Beliefs meet, and nothing is lost",
    about=__doc__ or "",
    measured=Measured,
    play=play,
    statements=statements,
    panels=GOODS,
    differs=DIFFERS,
)
