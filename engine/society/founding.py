"""How a society is founded: founders multiplied, a little drift, ages all mixed, the pool full.

Called by whoever founds a city, and by tests. The table of founders comes as an array.
"""

import numpy as np

from engine.economy import DEVICES, Setting
from engine.goods import Goods, check
from engine.money import MINOR_PER_COIN
from engine.society.params import Parameters
from engine.society.state import (
    AGE,
    BORN_WITH,
    FOUNDED,
    PLACES,
    TILES_AT_ONCE,
    TRIBE,
    Ages,
    Commons,
    Founders,
    People,
    Rules,
    Society,
    Treasury,
    Waiting,
    count_all,
    hot_columns,
)
from engine.society.traits import BEHAVIOURS, DRIFT, NATURE, SPAN, TRAITS, natures
from engine.tables import Array, allocate

FOUNDERS = 1_024
"""Drawn where no table is given; and as many rows of a table are kept, for those who settle."""


def found(setting: Setting, parameters: Parameters) -> Society:
    """A new society: founders multiplied, a little drift, ages all mixed, the pool full.

    Args:
        setting: residents is how many citizens; `founders`, where there is a table of them, is
            float64[rows, 28]: 27 traits in [0, 1], NaN where drawn anew for each citizen, and the
            tribe, NaN where drawn.
        parameters: the rules' numbers.

    Raises:
        ValueError: one line with field, value and limit.
    """
    count = setting.residents
    capacity = parameters.capacity or 2 * max(count, PLACES // 2)
    check("", "capacity", capacity, count, 2**40)
    random = np.random.Generator(np.random.Philox(key=int(setting.key)))
    table = setting.founders
    if table is None:
        table = np.column_stack([random.random((FOUNDERS, TRAITS)), np.full(FOUNDERS, np.nan)])
    tiles = -(-capacity // PLACES)
    people = allocate(People, tiles=tiles, places=tiles * PLACES)
    commons = allocate(Commons)
    for first in range(0, tiles, TILES_AT_ONCE):
        _settle_tiles(people, first, count, table, parameters, random)
    ages = _ages(parameters)
    rules = Rules(
        parameters.pulse_ticks,
        parameters.tribes,
        parameters.species,
        parameters.starting_energy,
        parameters.birth_cost,
        parameters.harvest_energy,
        parameters.storehouse * tiles * PLACES // 1_000,
        parameters.price_swing,
    )
    known = table[:: max(1, len(table) // FOUNDERS), :TRAITS][:FOUNDERS]
    genes = np.where(np.isnan(known), random.random(known.shape), known)
    commons.pool[0] = ages.pool[0] * tiles * PLACES
    commons.flows[FOUNDED] = commons.pool[0] + count * rules.starting_energy
    treasury = _treasury(setting.goods, parameters)
    state = Society(
        people,
        commons,
        treasury,
        allocate(Waiting, waiting=0),
        Founders(np.rint(genes * 255).astype(np.uint8)),
        rules,
        ages,
        DEVICES.index(setting.device),
    )
    count_all(state)
    return state


def _settle_tiles(
    people: People,
    first: int,
    count: int,
    table: Array,
    parameters: Parameters,
    random: np.random.Generator,
) -> None:
    """Fill tiles from `first` on with their share of the founders."""
    tiles = len(people.energy)
    chosen = np.arange(first, min(first + TILES_AT_ONCE, tiles))
    begins = chosen * count // tiles
    ends = (chosen + 1) * count // tiles
    most = int((ends - begins).max())
    number = begins[:, None] + np.arange(most)
    lives = number < ends[:, None]
    rows = table[number // parameters.founder_multiplier % max(1, len(table))]
    drawn = random.random(rows.shape, np.float32)
    traits = np.rint(np.where(np.isnan(rows), drawn, rows)[:, :, :TRAITS] * 255)
    traits += random.integers(-DRIFT, DRIFT + 1, traits.shape, np.int8)
    genes = folded(traits).astype(np.uint8)
    tribe = np.where(np.isnan(rows[:, :, TRAITS]), drawn[:, :, TRAITS] * parameters.tribes, 0)
    tribe += np.nan_to_num(rows[:, :, TRAITS])
    nature = natures(genes.reshape(-1, TRAITS)).reshape(*lives.shape, NATURE)
    hot = hot_columns(people)[first : first + TILES_AT_ONCE, :, :most]
    hot[:, :BEHAVIOURS] = genes[:, :, :BEHAVIOURS].transpose(0, 2, 1)
    hot[:, BORN_WITH:] = nature.transpose(0, 2, 1)
    hot[:, TRIBE] = tribe
    hot[:, AGE] = random.random(lives.shape) * np.maximum(nature[:, :, SPAN], 1) * 0.8
    people.genome.reshape(tiles, PLACES, -1)[chosen, :most, :TRAITS] = genes
    people.energy[first : first + TILES_AT_ONCE, :most] = lives * parameters.starting_energy


def folded(steps: Array) -> Array:
    """Traits in 255ths folded back into 0 … 255, as `engine.evolution.reflected` does in [0, 1]."""
    return 255 - np.abs(255 - np.abs(steps))


def _ages(parameters: Parameters) -> Ages:
    ages = allocate(Ages, ages=len(parameters.regimes))
    for name, column in ages._asdict().items():
        column[:] = [getattr(regime, name) for regime in parameters.regimes]
    return ages


def _treasury(goods: Goods, parameters: Parameters) -> Treasury:
    treasury = allocate(Treasury, goods=len(goods))
    names = list(goods)
    tradeable = [name for name in names if not goods[name].leisure]
    gathered = [name for name in tradeable if goods[name].gathered]
    sells = parameters.sells or (gathered or tradeable)[0]
    for field, name in (("sells", sells), *(("buys", name) for name in parameters.buys)):
        if name not in tradeable:
            raise ValueError(f"{field} = {name!r}: must be one of {', '.join(tradeable)}")
    if sells in parameters.buys:
        raise ValueError(f"buys = {sells!r}: is what the society sells")
    dealt_in = [sells, *(parameters.buys or [name for name in tradeable if name != sells])]
    treasury.sells[0] = names.index(sells)
    values = np.array([sum(good.base_value) / 2 for good in goods.values()])
    base = np.maximum(values * parameters.price_share, 1e-6)
    treasury.base_price[:] = [
        price if name in dealt_in else np.nan for name, price in zip(names, base, strict=True)
    ]
    treasury.price[:] = treasury.base_price
    share = base / base[names.index(sells)]
    treasury.unit_energy[:] = np.clip(np.rint(share * parameters.harvest_energy), 1, 2**40)
    treasury.money_minor[0] = round(parameters.treasury * MINOR_PER_COIN)
    treasury.settles[0] = parameters.settles
    return treasury
