"""The 27 heritable traits of a citizen, and what is worked out of them once, at birth.

A trait is a uint8: 0 … 255 stands for 0 … 1. Nine are behaviour, three for each relation that a
partner can stand in: `k_` kin (same tribe), `x_` xeno (another species), `s_` stranger (others).

    trust        the chance to cooperate in the first round
    forgive      the chance to cooperate after the partner has cooperated
    opportunism  the chance to defect after the partner has defected

So one who always cooperates has (1, 1, 0), one who always defects (0, 0, 1), one who reciprocates
(1, 1, 1). Twelve are life-history and economic traits; all they do is done at births: it is in
`nature`, which turns traits into the eight bytes that the hot pass reads, and in `tiles.bear`. Six
are marks that do nothing: what selection seems to do to the others is measured against them.

Called by `tiles`, `state`, `pulse_torch` and whoever shows traits.
"""

from dataclasses import dataclass

import numpy as np

from engine.kernels import helper
from engine.tables import Array

RELATIONS = ("kin", "xeno", "stranger")
KIN, XENO, STRANGER = range(3)
BEHAVIOUR = ("trust", "forgive", "opportunism")


@dataclass(frozen=True)
class Trait:
    """One trait: its name on the wire, in files and charts; what more of it does."""

    name: str
    does: str


LIFE = (
    Trait("hardiness", "halves the hazard of death at most; dearer upkeep"),
    Trait("longevity", "lives up to 100 pulses longer; dearer upkeep"),
    Trait("precocity", "is mature up to 14 pulses sooner; lives up to 30 pulses less"),
    Trait("storage", "can hold up to three times the energy; dearer upkeep"),
    Trait("thrift", "cheaper upkeep; saves more before a birth"),
    Trait("fertility", "needs less energy before a birth"),
    Trait("nurture", "gives a child up to three times as much"),
    Trait("patience", "rests longer after a birth, up to 20 pulses rather than 4"),
    Trait("choosiness", "the chance to compare two mates and take the richer"),
    Trait("generosity", "gives the mate up to a sixteenth of what is left after a birth"),
    Trait("risk", "stakes what a child is given: so much more or less, by a coin's toss"),
    Trait("industry", "dearer upkeep; the city harvests more"),
)
MARKS = tuple(Trait(f"mark_{number}", "nothing") for number in range(1, 7))

NAMES = (
    *(f"{relation[0]}_{what}" for relation in RELATIONS for what in BEHAVIOUR),
    *(trait.name for trait in (*LIFE, *MARKS)),
)
TRAITS = len(NAMES)
BEHAVIOURS = len(RELATIONS) * len(BEHAVIOUR)
NUMBER = {name: number for number, name in enumerate(NAMES)}

(
    HARDINESS, LONGEVITY, PRECOCITY, STORAGE, THRIFT, FERTILITY,
    NURTURE, PATIENCE, CHOOSINESS, GENEROSITY, RISK, INDUSTRY,
) = range(BEHAVIOURS, BEHAVIOURS + len(LIFE))  # fmt: skip

UPKEEP, FRAILTY, MATURITY, SPAN, STORE, THRESHOLD = range(6)
NATURE = 6
"""Bytes worked out at birth."""

UPKEEP_ONE, FRAILTY_ONE = 64, 64
"""What stands for once the regime's tax, once its hazard."""

BIN_BITS = 5
BIN = 1 << BIN_BITS
"""Units of energy: what stores and thresholds, in a byte, are counted in."""

DRIFT = 12
"""A child's trait differs from its parent's by at most so many 255ths (0.047), all alike likely."""

ACTIVE_FROM = 64
"""A relation's matrix is active where two of its three chances to cooperate differ by so much: who
decides by what the other did has to keep it in mind."""


@helper
def nature(traits, child):
    """Work out of 27 traits what the hot pass reads; all integers, so that it is the same anywhere.

    Upkeep is 0.75 to 1.6 times the regime's tax: each active behaviour matrix adds 1/32 (the
    cognitive tax), hardiness, longevity, storage and industry up to 1/8 each, thrift takes off
    up to 3/16.

    Args:
        traits: uint8[27].
        child: uint8[6], filled: UPKEEP, FRAILTY, MATURITY, SPAN, STORE, THRESHOLD.
    """
    active = np.int64(0)
    for relation in range(3):
        trust, forgive = np.int64(traits[3 * relation]), np.int64(traits[3 * relation + 1])
        pardon = 255 - np.int64(traits[3 * relation + 2])
        spread = max(trust, forgive, pardon) - min(trust, forgive, pardon)
        active += np.int64(spread >= ACTIVE_FROM)
    hardiness, longevity = np.int64(traits[HARDINESS]), np.int64(traits[LONGEVITY])
    precocity, storage = np.int64(traits[PRECOCITY]), np.int64(traits[STORAGE])
    thrift, fertility = np.int64(traits[THRIFT]), np.int64(traits[FERTILITY])
    dear = 8 * (hardiness + longevity + storage + np.int64(traits[INDUSTRY]))
    child[UPKEEP] = 60 + 2 * active + (dear - 12 * thrift) // 255
    child[FRAILTY] = 96 - 48 * hardiness // 255
    child[MATURITY] = 20 - 14 * precocity // 255
    child[SPAN] = 90 + (100 * longevity - 30 * precocity) // 255
    child[STORE] = 48 + 96 * storage // 255
    child[THRESHOLD] = 22 + (28 * (255 - fertility) + 10 * thrift) // 255


def natures(traits: Array) -> Array:
    """uint8[citizens, 6]: `nature` of many, by numpy: its oracle, and what founding uses.

    Args:
        traits: uint8[citizens, 27].
    """
    wide = traits.astype(np.int64)
    matrices = wide[:, :BEHAVIOURS].reshape(-1, 3, 3).copy()
    matrices[:, :, 2] = 255 - matrices[:, :, 2]
    active = (np.ptp(matrices, axis=2) >= ACTIVE_FROM).sum(axis=1)
    of = {name: wide[:, number] for name, number in NUMBER.items()}
    dear = 8 * (of["hardiness"] + of["longevity"] + of["storage"] + of["industry"])
    columns = [
        60 + 2 * active + (dear - 12 * of["thrift"]) // 255,
        96 - 48 * of["hardiness"] // 255,
        20 - 14 * of["precocity"] // 255,
        90 + (100 * of["longevity"] - 30 * of["precocity"]) // 255,
        48 + 96 * of["storage"] // 255,
        22 + (28 * (255 - of["fertility"]) + 10 * of["thrift"]) // 255,
    ]
    return np.stack(columns, axis=1).astype(np.uint8)
