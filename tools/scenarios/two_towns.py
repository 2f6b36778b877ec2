"""Chapter 5: merchants carry what is cheap here to where it is dear.

Set-up (`examples/chapter5.toml`): two towns of 50 people and 12 merchants. In the original people
of Riverwood cut two pieces of wood in an act and those of Seaside make a chair of two. By our
rules an act yields one piece of wood everywhere; so an act is made cheaper instead: leisure is
worth half as much in Riverwood. The road is a hundred ticks long (the original's merchants are
there at once).

For 2,500 pictures both ways cost more than anything is worth, until the glut of chairs of the first
years is gone (the original lets its economy start slowly instead). Then the way from Riverwood to
Seaside is made free, and 800 pictures later the way back. Prices are means over the last 200
pictures of each phase.
"""

from dataclasses import dataclass
from typing import Annotated

from tools.scenarios.claims import Number, Scenario
from tools.scenarios.film import Film, open_film

ALONE_TICKS = 250_000
PHASE_TICKS = 80_000
OVER_TICKS = 20_000

DEAR_COINS = 100.0


@dataclass(frozen=True)
class Measured:
    """Mean expected prices, coins: r in Riverwood, s in Seaside, and how far they lie apart."""

    wood_r: Annotated[float, Number("wood in Riverwood, nobody trades", 1.14)]
    wood_s: Annotated[float, Number("wood in Seaside", 2.39)]
    wood_apart: Annotated[float, Number("Seaside's less Riverwood's", 1.25)]
    wood_r_road: Annotated[float, Number("wood in Riverwood, free to Seaside", 1.03)]
    wood_s_road: Annotated[float, Number("wood in Seaside", 1.02)]
    wood_apart_road: Annotated[float, Number("Seaside's less Riverwood's", -0.01)]
    chair_r_road: Annotated[float, Number("chair in Riverwood, free to Seaside", 8.09)]
    chair_s_road: Annotated[float, Number("chair in Seaside", 4.21)]
    chair_apart_road: Annotated[float, Number("Riverwood's less Seaside's", 3.88)]
    chair_r_both: Annotated[float, Number("chair in Riverwood, free both ways", 6.10)]
    chair_s_both: Annotated[float, Number("chair in Seaside", 6.08)]
    chair_apart_both: Annotated[float, Number("Riverwood's less Seaside's", 0.02)]


def play(seed: int) -> tuple[Measured, Film]:
    """The numbers of one run."""
    film = open_film("chapter5.toml", seed)
    film.befall("Riverwood", "road_cost", to="Seaside", coins=DEAR_COINS)
    film.befall("Seaside", "road_cost", to="Riverwood", coins=DEAR_COINS)
    film.roll(ALONE_TICKS)
    wood_r, wood_s = _prices(film, "wood")

    film.note("free to Seaside")
    film.befall("Riverwood", "road_cost", to="Seaside", coins=0.0)
    film.roll(PHASE_TICKS)
    wood_r_road, wood_s_road = _prices(film, "wood")
    chair_r_road, chair_s_road = _prices(film, "chair")

    film.note("free both ways")
    film.befall("Seaside", "road_cost", to="Riverwood", coins=0.0)
    film.roll(PHASE_TICKS)
    chair_r_both, chair_s_both = _prices(film, "chair")
    measured = Measured(
        wood_r=wood_r,
        wood_s=wood_s,
        wood_apart=wood_s - wood_r,
        wood_r_road=wood_r_road,
        wood_s_road=wood_s_road,
        wood_apart_road=wood_s_road - wood_r_road,
        chair_r_road=chair_r_road,
        chair_s_road=chair_s_road,
        chair_apart_road=chair_r_road - chair_s_road,
        chair_r_both=chair_r_both,
        chair_s_both=chair_s_both,
        chair_apart_both=chair_r_both - chair_s_both,
    )
    return measured, film


def _prices(film: Film, good: str) -> tuple[float, float]:
    return film.price("Riverwood", good, OVER_TICKS), film.price("Seaside", good, OVER_TICKS)


def statements(of: Measured) -> dict[str, bool]:
    """What must be seen."""
    return {
        "wood is much cheaper in Riverwood": of.wood_apart > 0.4 * of.wood_r,
        "a free road brings the price of wood together": (
            abs(of.wood_apart_road) < 0.4 * of.wood_apart
        ),
        "while chairs stay cheaper in Seaside": of.chair_apart_road > 0.1 * of.chair_s_road,
        "until the other direction opens": (
            abs(of.chair_apart_both) < min(0.4 * of.chair_apart_road, 0.15 * of.chair_s_both)
        ),
    }


SCENARIO = Scenario(
    name="two-towns",
    title="Merchants close the gap",
    about=__doc__ or "",
    measured=Measured,
    play=play,
    statements=statements,
    panels=("wood", "chair"),
)
