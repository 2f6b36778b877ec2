"""Chapter 1: nobody sets a price, and yet there is one.

Set-up (`examples/chapter1.toml`): 200 people, one good, values drawn from 2 to 11 coins. Money and
apples are plentiful and one more apple is worth as much as the last, so that nothing but beliefs
can change. Everybody begins by expecting what an apple is worth to himself.

The original's chapter 1 let everybody act in every step and gave way at once; ours acts by the
rules of the later chapters, once in ten ticks, and gives way after ten turns. Its 200 ticks are
therefore read as 200 pictures of 100 ticks. After them apples become worth a coin more to 90
people.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from tools.scenarios.claims import Number, Scenario
from tools.scenarios.film import Film, open_film

CITY, GOOD = "Riverwood", "apple"

PHASE_TICKS = 20_000
OVER_TICKS = 2_000
"""Prices are means over so many ticks."""


@dataclass(frozen=True)
class Measured:
    """Coins throughout."""

    median_value: Annotated[float, Number("median value of 200 people", 6.59)]
    price: Annotated[float, Number("mean expected price after 200 pictures", 6.50)]
    off_median: Annotated[float, Number("that price less the median value", -0.09)]
    spread_at_first: Annotated[float, Number("standard deviation of beliefs at tick 0")]
    spread: Annotated[float, Number("the same after 200 pictures")]
    price_later: Annotated[float, Number("price, worth 1 more to 90 people", 7.0)]
    rise: Annotated[float, Number("how far it rose", 0.5)]
    off_median_later: Annotated[float, Number("that price less the median as it is then")]


def play(seed: int) -> tuple[Measured, Film]:
    """The numbers of one run."""
    film = open_film("chapter1.toml", seed)
    spread_at_first = float(film.beliefs(CITY, GOOD).std())
    film.roll(PHASE_TICKS)
    median = float(np.median(film.base_values(CITY, GOOD)))
    price = film.price(CITY, GOOD, OVER_TICKS)
    spread = float(film.beliefs(CITY, GOOD).std())

    film.note("worth 1 more to 90 of 200")
    film.befall(CITY, "change_values", good=GOOD, shift=1.0, share=0.45)
    film.roll(PHASE_TICKS)
    median_later = float(np.median(film.base_values(CITY, GOOD)))
    price_later = film.price(CITY, GOOD, OVER_TICKS)
    measured = Measured(
        median_value=median,
        price=price,
        off_median=price - median,
        spread_at_first=spread_at_first,
        spread=spread,
        price_later=price_later,
        rise=price_later - price,
        off_median_later=price_later - median_later,
    )
    return measured, film


def statements(of: Measured) -> dict[str, bool]:
    """What must be seen."""
    return {
        "the mean expected price meets the median value": abs(of.off_median) < 0.35,
        "everybody comes to expect it": of.spread < 0.1 * of.spread_at_first,
        "+1 on 90 of 200 raises it by about a half": 0.2 < of.rise < 0.9,
        "to the new median": abs(of.off_median_later) < 0.35,
    }


DIFFERS = """\
At first the mean falls by a coin before it climbs back: whoever buys lowers his belief by a
fiftieth of what an apple is worth to him, whoever sells raises his by as much of his own, and
buyers are those to whom it is worth more. The original's chapter 1 moved every belief by the same
0.1.
"""

SCENARIO = Scenario(
    name="price-discovery",
    title="Nobody sets a price",
    about=__doc__ or "",
    measured=Measured,
    play=play,
    statements=statements,
    panels=(GOOD,),
    differs=DIFFERS,
)
