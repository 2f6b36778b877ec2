"""Chapter 3: four pieces of wood make a chair, so what happens to one happens to both.

Set-up (`examples/chapter3.toml`): 100 people with chapter 3's own goods, money without limit. Four
phases of 200 pictures: undisturbed; after chairs became worth half to half of the people; after all
chairs were taken away; after everybody was given thirty.

Each phase is read at its end, except that of the missing chairs: people make new ones, so its
effect is read from the 25th to the 50th picture.
"""

from dataclasses import dataclass
from typing import Annotated

from tools.scenarios.claims import Number, Scenario
from tools.scenarios.film import Film, open_film

CITY = "Riverwood"

PHASE_TICKS = 20_000
OVER_TICKS = 2_500


@dataclass(frozen=True)
class Measured:
    """Mean expected prices, coins."""

    wood: Annotated[float, Number("wood, undisturbed", 3.34)]
    chair: Annotated[float, Number("chair, undisturbed", 16.7)]
    wood_unloved: Annotated[float, Number("wood, chairs worth half to half of the people", 2.28)]
    chair_unloved: Annotated[float, Number("chair, the same", 11.5)]
    wood_missing: Annotated[float, Number("wood, soon after all chairs were taken away")]
    chair_missing: Annotated[float, Number("chair, the same")]
    wood_slump: Annotated[float, Number("wood, 100 pictures after thirty chairs for everybody")]
    wood_glut: Annotated[float, Number("wood, 200 pictures after it", 0.60)]
    chair_glut: Annotated[float, Number("chair, the same", 2.9)]


def play(seed: int) -> tuple[Measured, Film]:
    """The numbers of one run."""
    film = open_film("chapter3.toml", seed)
    film.roll(PHASE_TICKS)
    wood, chair = _prices(film)

    film.note("chairs worth half to half")
    film.befall(CITY, "change_values", good="chair", factor=0.5, share=0.5)
    film.roll(PHASE_TICKS)
    wood_unloved, chair_unloved = _prices(film)

    film.note("all chairs taken away")
    film.befall(CITY, "failed_harvest", good="chair", share=1.0)
    film.roll(2 * OVER_TICKS)
    wood_missing, chair_missing = _prices(film)
    film.roll(PHASE_TICKS - 2 * OVER_TICKS)

    film.note("30 chairs for everybody")
    film.befall(CITY, "harvest", good="chair", units=30)
    film.roll(PHASE_TICKS // 2)
    wood_slump, _ = _prices(film)
    film.roll(PHASE_TICKS // 2)
    wood_glut, chair_glut = _prices(film)
    measured = Measured(
        wood=wood,
        chair=chair,
        wood_unloved=wood_unloved,
        chair_unloved=chair_unloved,
        wood_missing=wood_missing,
        chair_missing=chair_missing,
        wood_slump=wood_slump,
        wood_glut=wood_glut,
        chair_glut=chair_glut,
    )
    return measured, film


def _prices(film: Film) -> tuple[float, float]:
    return film.price(CITY, "wood", OVER_TICKS), film.price(CITY, "chair", OVER_TICKS)


def statements(of: Measured) -> dict[str, bool]:
    """What must be seen. Two thirds is what the original showed: 2.28 of 3.34, 11.5 of 16.7."""
    return {
        "a chair is worth its wood and one act": 4.5 < of.chair / of.wood < 5.5,
        "chairs unloved: both fall to about two thirds": (
            0.55 < of.wood_unloved / of.wood < 0.8 and 0.55 < of.chair_unloved / of.chair < 0.8
        ),
        "chairs taken away: both rise by a third or more": (
            of.wood_missing > 1.33 * of.wood_unloved and of.chair_missing > 1.33 * of.chair_unloved
        ),
        "a glut of chairs: both fall below a third": (
            of.wood_glut < 0.33 * of.wood_unloved and of.chair_glut < 0.33 * of.chair_unloved
        ),
        "and recover slowly": of.wood_slump < of.wood_glut,
    }


SCENARIO = Scenario(
    name="coupled-goods",
    title="Wood and chairs move as one",
    about=__doc__ or "",
    measured=Measured,
    play=play,
    statements=statements,
    panels=("wood", "chair"),
)
