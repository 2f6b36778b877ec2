"""How the fused pass lays things out: where columns begin, the numbers of a pulse, its scratch.

Called by the parts of the pass (`life`, `arena`, `births`) and by `tiles`, which joins them.
"""

from typing import Annotated, NamedTuple

from engine.kernels import inlined
from engine.society import state, traits
from engine.society.state import BINS, PLACES
from engine.society.traits import NATURE, TRAITS
from engine.tables import Array, Column

BOTH = 2 * PLACES

POPULATION, ENERGY, PAID, DIED_WITH, DRAWN, GLEANED, SPILT, BORN, DIED = range(9)
MET_AT, MOVES_AT, TRAITS_AT = 9, 12, 15
"""Where three sums by relation begin (encounters; moves that cooperated), and 27 of traits."""
SUMS = TRAITS_AT + TRAITS

AGE, REST, TRIBE = (column * PLACES for column in (state.AGE, state.REST, state.TRIBE))
UPKEEP, FRAILTY, MATURITY, SPAN, STORE, THRESHOLD = (
    (state.BORN_WITH + byte) * PLACES
    for byte in (
        traits.UPKEEP, traits.FRAILTY, traits.MATURITY,
        traits.SPAN, traits.STORE, traits.THRESHOLD,
    )
)  # fmt: skip
"""Where a column of `People.hot` begins."""

GROWN, DIES, EMPTY, READY = range(0, 4 * BOTH, BOTH)
"""Where a column of `Scratch.flags` begins: takes part in the arena; dies in this pulse; nobody
lives here; may have a child."""

SELF = 0
CONDUCT = SELF + BOTH
LEFT, RIGHT, LEFT_CONDUCT, RIGHT_CONDUCT, LOW, HIGH, RELATION = range(
    CONDUCT + 3 * BOTH, CONDUCT + 3 * BOTH + 7 * PLACES, PLACES
)
WORDS = RELATION + PLACES
"""Where a column of `Scratch.words` begins: energy, tribe and store of everybody; his conduct to
each relation (trust, forgive, opportunism); then columns of the board, a row an encounter."""


class Now(NamedTuple):
    """The numbers of one pulse."""

    tax: int
    hazard: int
    temptation: int
    reward: int
    sucker: int
    punishment: int
    birth_cost: int
    tile_factor: int
    tile_shift: int


class Scratch(NamedTuple):
    """Of one piece of a pulse; nothing in it outlives a pair of tiles, but for sums and bins."""

    sums: Annotated[Array, Column("i8", f"{SUMS}", "of this piece")]
    bins: Annotated[Array, Column("i8", f"{BINS}", "places by energy, empty ones among bin 0")]
    kinds: Annotated[Array, Column("u1", f"{PLACES}", "species by tribe, filled by whoever calls")]
    purse: Annotated[Array, Column("u2", f"{BOTH}", "energy of the two tiles while they are here")]
    chance: Annotated[Array, Column("u2", f"{PLACES}", "a draw a place")]
    flags: Annotated[Array, Column("u1", f"{4 * BOTH}", "0 or 1, see GROWN")]
    words: Annotated[Array, Column("u4", f"{WORDS}", "see SELF")]
    listed: Annotated[Array, Column("u2", f"{BOTH}", "the grown-up")]
    left_at: Annotated[Array, Column("u2", f"{PLACES}", "who sits at the left, by encounter")]
    right_at: Annotated[Array, Column("u2", f"{PLACES}", "and at the right")]
    free: Annotated[Array, Column("u2", f"{BOTH}", "the empty places")]
    dead: Annotated[Array, Column("u2", f"{BOTH}", "who dies in this pulse")]
    able: Annotated[Array, Column("u2", f"{BOTH}", "who is ready to have a child")]
    parents: Annotated[Array, Column("u2", f"{BOTH}", "who is going to have one")]
    mates: Annotated[Array, Column("u2", f"{BOTH}", "and with whom")]
    drift: Annotated[Array, Column("i1", "28", "of a child's traits")]
    genes: Annotated[Array, Column("u1", f"{TRAITS}", "of a child")]
    nature: Annotated[Array, Column("u1", f"{NATURE}", "of a child")]


@inlined
def row_of(first, second, place):
    """int64: the row in `People.genome` of a place of two tiles."""
    return (first if place < PLACES else second) * PLACES + (place & (PLACES - 1))
