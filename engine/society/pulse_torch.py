"""The citizens' part of a pulse in plain torch, everybody paired with anybody by a full shuffle.

The same rules as `tiles`, one tensor operation after the other: the oracle whose statistics the
fused pass must agree with, and what runs where a device is asked for. It differs in where chance
comes from, and in what is not confined to two tiles: partners, mates and empty places are anybody's
and anywhere. torch is imported when called, never before; called by `pulse` and by benchmarks.
"""

from typing import Any, NamedTuple

import numpy as np

from engine.economy import DEVICES
from engine.society.layout import (
    BORN,
    DIED,
    DIED_WITH,
    DRAWN,
    ENERGY,
    GLEANED,
    MET_AT,
    MOVES_AT,
    PAID,
    POPULATION,
    SPILT,
    SUMS,
    TRAITS_AT,
    Now,
)
from engine.society.life import TAX_BITS
from engine.society.state import (
    AGE,
    BINS,
    BORN_WITH,
    HOT,
    PLACES,
    REST,
    TRIBE,
    Society,
)
from engine.society.traits import (
    ACTIVE_FROM,
    BEHAVIOURS,
    BIN_BITS,
    CHOOSINESS,
    DRIFT,
    FERTILITY,
    FRAILTY,
    GENEROSITY,
    HARDINESS,
    INDUSTRY,
    LONGEVITY,
    MATURITY,
    NURTURE,
    PATIENCE,
    PRECOCITY,
    RISK,
    SPAN,
    STORAGE,
    STORE,
    THRESHOLD,
    THRIFT,
    TRAITS,
    UPKEEP,
)
from engine.tables import Array


class Columns(NamedTuple):
    """Citizens as tensors of one device.

    Attributes:
        energy: int32[places], 0: an empty place.
        hot: int32[HOT, places], as in `state.People`.
        genome: uint8[places, 32].
    """

    energy: Any
    hot: Any
    genome: Any


def citizens_on(state: Society, now: Now, key: np.uint64) -> tuple[Array, Array]:
    """As `pulse.citizens`, on the society's device, with the way there and back.

    Returns:
        int64[SUMS] and int64[256], sums and histogram.
    """
    columns = to_device(state, DEVICES[state.device])
    sums, bins = pass_columns(columns, now, state.rules.species, int(key))
    from_device(state, columns)
    return sums, bins


def to_device(state: Society, device: str) -> Columns:
    """The citizens as tensors."""
    import torch

    people, tiles = state.people, len(state.people.energy)
    hot = torch.from_numpy(people.hot).to(device).reshape(tiles, HOT, PLACES)
    return Columns(
        torch.from_numpy(people.energy.reshape(-1).view(np.int16)).to(device).int(),
        hot.permute(1, 0, 2).reshape(HOT, -1).int(),
        torch.from_numpy(people.genome).to(device).clone(),
    )


def from_device(state: Society, columns: Columns) -> None:
    """Put the tensors back into the citizens' arrays."""
    people, tiles = state.people, len(state.people.energy)
    people.energy[:] = columns.energy.cpu().numpy().astype(np.uint16).reshape(tiles, PLACES)
    hot = columns.hot.byte().reshape(HOT, tiles, PLACES).permute(1, 0, 2)
    people.hot[:] = hot.reshape(tiles, -1).cpu().numpy()
    people.genome[:] = columns.genome.cpu().numpy()


def pass_columns(columns: Columns, now: Now, species: int, seed: int) -> tuple[Array, Array]:
    """A pulse of everybody, in place.

    Args:
        now: tiles are of no concern here.
        species: tribe t is of species t modulo species.
        seed: of this pulse's chance.
    """
    import torch

    device = columns.energy.device
    generator = torch.Generator(device).manual_seed(seed % 2**63)
    sums = np.zeros(SUMS, np.int64)
    grown = live_and_pay(columns, now, generator, sums)
    hold_arena(columns, now, species, grown, generator, sums)
    have_children(columns, now, grown, generator, sums)
    energy = columns.energy
    sums[POPULATION], sums[ENERGY] = int((energy > 0).sum()), int(energy.sum(dtype=torch.int64))
    bins = torch.bincount(energy >> BIN_BITS, minlength=BINS)
    return sums, bins.cpu().numpy().astype(np.int64)


def live_and_pay(columns: Columns, now: Now, generator: Any, sums: Array) -> Any:
    """Age, tax and death.

    Returns:
        int64[grown-up], their places.
    """
    import torch

    energy, hot, genome = columns
    due = (now.tax * hot[BORN_WITH + UPKEEP]) >> TAX_BITS
    left = (energy - due).clamp(min=0)
    age = (hot[AGE] + 1).clamp(max=255)
    chance = torch.rand(len(energy), generator=generator, device=energy.device) * 2**16
    dies = (left == 0) | (age > hot[BORN_WITH + SPAN])
    dies |= chance.int() < (hot[BORN_WITH + FRAILTY] * now.hazard) >> 6
    dies &= energy > 0
    sums[PAID] += int((energy - left).sum(dtype=torch.int64))
    sums[DIED_WITH] += int((left * dies).sum(dtype=torch.int64))
    sums[DIED] += int(dies.sum())
    sums[TRAITS_AT:] -= genome[dies][:, :TRAITS].sum(0, dtype=torch.int64).cpu().numpy()
    energy.copy_(torch.where(dies, 0, left))
    hot[AGE], hot[REST] = age, (hot[REST] - 1).clamp(min=0)
    return ((energy > 0) & (age >= hot[BORN_WITH + MATURITY])).nonzero().flatten()


def hold_arena(
    columns: Columns, now: Now, species: int, grown: Any, generator: Any, sums: Array
) -> None:
    """Pair the grown-up by a shuffle, and let them play three rounds."""
    import torch

    energy, hot, _ = columns
    device, pairs = energy.device, len(grown) // 2
    order = grown[torch.randperm(len(grown), generator=generator, device=device)]
    one, other = order[:pairs], order[pairs : 2 * pairs]
    tribe, others = hot[TRIBE, one], hot[TRIBE, other]
    relation = (tribe != others) * (2 - (tribe % species != others % species).int())
    bits = torch.randint(0, 256, (6, pairs), generator=generator, device=device)

    def does(who: Any, what: int, draw: int) -> Any:
        gene = hot[3 * relation + what, who]
        return (bits[draw] < gene + (gene >> 7)).int()

    def answers(who: Any, theirs: Any, draw: int) -> Any:
        return torch.where(theirs == 1, does(who, 1, draw), 1 - does(who, 2, draw))

    a, b = does(one, 0, 0), does(other, 0, 1)
    both, mine, theirs = a & b, a.clone(), b.clone()
    for turn in (1, 2):
        a, b = answers(one, b, 2 * turn), answers(other, a, 2 * turn + 1)
        both, mine, theirs = both + (a & b), mine + a, theirs + b
    alone = (3 - mine - theirs + both) * now.punishment
    shared = both * now.reward
    gain = shared + (mine - both) * now.sucker + (theirs - both) * now.temptation
    gains = shared + (theirs - both) * now.sucker + (mine - both) * now.temptation
    for who, more in ((one, gain + alone), (other, gains + alone)):
        wants = energy[who] + more.int()
        has = torch.minimum(wants, hot[BORN_WITH + STORE, who] << BIN_BITS)
        sums[SPILT] += int((wants - has).sum(dtype=torch.int64))
        energy[who] = has
    sums[GLEANED] += 2 * int(alone.sum(dtype=torch.int64))
    sums[DRAWN] += int((gain + gains).sum(dtype=torch.int64))
    for number in range(3):
        sums[MET_AT + number] += int((relation == number).sum())
        sums[MOVES_AT + number] += int(((mine + theirs) * (relation == number)).sum())


def mates_of(hot: Any, parents: Any, grown: Any, generator: Any) -> Any:
    """int64[parents]: another one of the same tribe among the grown-up, by lot; -1: nobody."""
    import torch

    tribes, by_tribe = hot[TRIBE, grown].sort(stable=True)
    listed = grown[by_tribe]
    place_of = torch.empty(hot.shape[1], dtype=torch.int64, device=hot.device)
    place_of[listed] = torch.arange(len(listed), device=hot.device)
    counts = torch.bincount(tribes, minlength=256)
    starts = counts.cumsum(0) - counts
    own = hot[TRIBE, parents].long()
    drawn = torch.rand(len(parents), generator=generator, device=hot.device, dtype=torch.float64)
    if hot.device.type == "cpu" or hot.device.type == "cuda":
        drawn = drawn.clamp(max=1 - 2**-53)
    rank = (drawn * (counts[own] - 1)).long()
    rank += (rank >= place_of[parents] - starts[own]).long()
    alone = counts[own] < 2
    return torch.where(alone, -1, listed[(starts[own] + rank).clamp(max=len(listed) - 1)])


def have_children(columns: Columns, now: Now, grown: Any, generator: Any, sums: Array) -> None:
    """Births into empty places anywhere; where these are too few, lots decide."""
    import torch

    energy, hot, genome = columns
    device = energy.device
    ready = energy[grown] >= hot[BORN_WITH + THRESHOLD, grown] << BIN_BITS
    ready &= (hot[REST, grown] == 0) & (energy[grown] > 1)
    parents = grown[ready]
    if not len(parents):
        return
    mates = mates_of(hot, parents, grown, generator)
    rivals = mates_of(hot, parents, grown, generator)
    choosy = genome[parents, CHOOSINESS].int()
    picks = torch.randint(0, 256, (len(parents),), generator=generator, device=device)
    picks = (picks < choosy + (choosy >> 7)) & (energy[rivals] > energy[mates])
    mates = torch.where(picks & (mates >= 0), rivals, mates)
    parents, mates = parents[mates >= 0], mates[mates >= 0]
    free = (energy == 0).nonzero().flatten()
    order = torch.randperm(len(parents), generator=generator, device=device)[: len(free)]
    parents, mates, children = parents[order], mates[order], free[: len(order)]
    genes = inherit(genome, parents, mates, generator)
    nature = natures(genes)
    genome[children, :TRAITS] = genes.byte()
    hot[:BEHAVIOURS, children] = genes[:, :BEHAVIOURS].T
    hot[BORN_WITH:, children] = nature.T
    hot[AGE, children], hot[REST, children] = 0, 0
    hot[TRIBE, children] = hot[TRIBE, parents]
    give(columns, now, parents, mates, children, nature[:, STORE], generator, sums)
    hot[REST, parents] = 4 + (genome[parents, PATIENCE].int() >> 4)
    sums[BORN] += len(children)
    sums[TRAITS_AT:] += genes.sum(0, dtype=torch.int64).cpu().numpy()


def give(
    columns: Columns,
    now: Now,
    parents: Any,
    mates: Any,
    children: Any,
    store: Any,
    generator: Any,
    sums: Array,
) -> None:
    """What moves at births, as `tiles.bear` says; all at once, so a mate's excess is spilt."""
    import torch

    energy, hot, genome = columns
    cost = (now.birth_cost * (128 + genome[parents, NURTURE].int())) >> 8
    stake = (cost * genome[parents, RISK].int()) >> 9
    coin = torch.randint(0, 2, (len(parents),), generator=generator, device=energy.device)
    has = energy[parents]
    cost = (cost + torch.where(coin == 1, stake, -stake)).clamp(min=1)
    cost = torch.minimum(torch.minimum(cost, has - 1), store << BIN_BITS)
    gift = ((has - cost) * genome[parents, GENEROSITY].int()) >> 12
    room = (hot[BORN_WITH + STORE, mates] << BIN_BITS) - energy[mates]
    gift = torch.minimum(gift, room.clamp(min=0))
    energy[parents] = has - cost - gift
    energy[children] = cost.int()
    energy.index_add_(0, mates, gift.int())
    most = hot[BORN_WITH + STORE] << BIN_BITS
    excess = (energy - most).clamp(min=0) * (energy > 0)
    sums[SPILT] += int(excess.sum(dtype=torch.int64))
    energy -= excess


def inherit(genome: Any, parents: Any, mates: Any, generator: Any) -> Any:
    """int32[children, 27]: each trait whole from one of two, with drift, folded back."""
    import torch

    shape = (len(parents), TRAITS)
    side = torch.randint(0, 2, shape, generator=generator, device=genome.device) == 1
    drift = torch.randint(-DRIFT, DRIFT + 1, shape, generator=generator, device=genome.device)
    genes = torch.where(side, genome[mates, :TRAITS], genome[parents, :TRAITS]).int() + drift.int()
    return 255 - (255 - genes.abs()).abs()


def natures(genes: Any) -> Any:
    """int32[children, 6]: as `traits.nature`."""
    import torch

    matrices = genes[:, :BEHAVIOURS].reshape(-1, 3, 3).clone()
    matrices[:, :, 2] = 255 - matrices[:, :, 2]
    active = (matrices.amax(2) - matrices.amin(2) >= ACTIVE_FROM).int().sum(1)
    dear = 8 * genes[:, [HARDINESS, LONGEVITY, STORAGE, INDUSTRY]].sum(1)

    def whole(numerator: Any) -> Any:
        return torch.div(numerator, 255, rounding_mode="floor")

    columns = [
        60 + 2 * active + whole(dear - 12 * genes[:, THRIFT]),
        96 - whole(48 * genes[:, HARDINESS]),
        20 - whole(14 * genes[:, PRECOCITY]),
        90 + whole(100 * genes[:, LONGEVITY] - 30 * genes[:, PRECOCITY]),
        48 + whole(96 * genes[:, STORAGE]),
        22 + whole(28 * (255 - genes[:, FERTILITY]) + 10 * genes[:, THRIFT]),
    ]
    return torch.stack(columns, 1).int()
