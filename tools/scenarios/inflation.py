"""Chapter 4: twice the money is twice the price, and no more chairs.

Set-up (`examples/chapter4.toml`): chapter 3's town of 100 with 1000 coins each, where a coin is
worth less to who has more. After 400 pictures everybody's money is doubled, after 200 more it is
halved.

What is made is counted over 200 pictures each time, before and after the doubling.
"""

from dataclasses import dataclass
from typing import Annotated

from tools.scenarios.claims import Number, Scenario
from tools.scenarios.film import Film, open_film

CITY = "Riverwood"

PHASE_TICKS = 20_000
OVER_TICKS = 5_000


@dataclass(frozen=True)
class Measured:
    """Prices in coins, ratios, units."""

    chair: Annotated[float, Number("chair, coins", 14.9)]
    chair_doubled: Annotated[float, Number("chair, money doubled", 29.2)]
    chair_halved: Annotated[float, Number("chair, money halved again", 13.5)]
    price_ratio: Annotated[float, Number("doubled over before", 1.96)]
    price_ratio_back: Annotated[float, Number("halved again over before", 0.91)]
    chairs_made: Annotated[float, Number("chairs made in 100 pictures, before")]
    chairs_made_ratio: Annotated[float, Number("chairs made, doubled over before")]
    wood_made_ratio: Annotated[float, Number("wood made, doubled over before")]


def play(seed: int) -> tuple[Measured, Film]:
    """The numbers of one run."""
    film = open_film("chapter4.toml", seed)
    film.roll(PHASE_TICKS)
    chair, chairs, wood = _phase(film)

    film.note("money doubled")
    film.befall(CITY, "scale_money", factor=2.0)
    doubled, chairs_doubled, wood_doubled = _phase(film)

    film.note("money halved")
    film.befall(CITY, "scale_money", factor=0.5)
    halved, _, _ = _phase(film)
    measured = Measured(
        chair=chair,
        chair_doubled=doubled,
        chair_halved=halved,
        price_ratio=doubled / chair,
        price_ratio_back=halved / chair,
        chairs_made=chairs * 10_000 / PHASE_TICKS,
        chairs_made_ratio=chairs_doubled / chairs,
        wood_made_ratio=wood_doubled / wood,
    )
    return measured, film


def _phase(film: Film) -> tuple[float, int, int]:
    """The price of a chair at the end of the next phase; chairs and wood made in it."""
    chairs, wood = film.made(CITY, "chair"), film.made(CITY, "wood")
    film.roll(PHASE_TICKS)
    price = film.price(CITY, "chair", OVER_TICKS)
    return price, film.made(CITY, "chair") - chairs, film.made(CITY, "wood") - wood


def statements(of: Measured) -> dict[str, bool]:
    """What must be seen."""
    return {
        "twice the money: a chair costs about twice as much": 1.7 < of.price_ratio < 2.2,
        "half of it: about as much as before": 0.75 < of.price_ratio_back < 1.1,
        "production barely moves": (
            0.85 < of.chairs_made_ratio < 1.1 and 0.85 < of.wood_made_ratio < 1.1
        ),
    }


SCENARIO = Scenario(
    name="inflation",
    title="Twice the money, twice the price",
    about=__doc__ or "",
    measured=Measured,
    play=play,
    statements=statements,
    panels=("wood", "chair"),
)
