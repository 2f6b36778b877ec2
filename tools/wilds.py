"""A world of foxes and rabbits that lends its furs to a city: `python -m tools.wilds [HOST:PORT]`.

    city-node Riverwood --config examples/fur.toml
    python -m tools.wilds --seconds 60 --plot wilds.png

A program of its own beside a city node, which it knows by `protocol.client` alone. Trappers take
furs (`wilds_nature.py`); twelve merchants of the wilds go to the city with a sledge of them, lent
to them, sell them there and come home with coins. The city's own merchants come too, and whoever
carries nothing else buys furs at half of what is paid in the city. The more people hear to be paid
there, the harder they trap. So money flows out of the city, beds get made in it, and the animals
feel the price of a bed.

A merchant has no name on the wire. Those of the wilds carry a trait in their genome, which a node
keeps for the road; who comes without it is a visitor.
"""

import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from msgspec.structs import replace

from protocol.client import CityClient
from protocol.limits import MINOR_PER_COIN
from protocol.messages import Merchant
from tools.wilds_nature import Meadow, live_a_day

NAME = "WILDS"
FUR, BED = "fur", "bed"
TRAIT = "wilds"

SLEDGE_FURS = 20
GUEST_COINS_MAX = 2_000
"""A node lets in nobody who carries or brings more."""

TRAPPERS, TRAPPERS_MAX = 12, 64
HEARSAY_COINS = 3.0
"""What a fur is said to fetch, until somebody comes who knows."""

HEARING_WEIGHT = 0.2
ASK_SHARE = 0.5
"""A fur costs this share of what it is heard to fetch."""

HALF_EFFORT_COINS = 3.0
"""At this price people trap half as hard as they can."""

REST_DAYS = 5
DAYS_PER_S = 30.0
LAST_CALL_SHARE = 0.85
"""Of the time; after that no sledge leaves, and the camp waits for those under way."""

GOODBYE_S = 0.2
STATUS_S = 1.0


@dataclass
class Camp:
    """Where furs are kept and merchants rest.

    Furs trapped = furs kept + lent + sold - brought back; the chest holds what merchants brought.

    Attributes:
        trappers: merchants of the wilds who are here, with the day on which they may leave.
        visitors: the city's merchants who are here, likewise.
        heard_coins: what a fur is heard to fetch in the city.
        bed_coins: what a bed is heard to cost there; NaN: nobody has said.
        sent, came: merchants who left for the city, who arrived from it; of either kind.
        away: merchants of the wilds who have not come back yet.
    """

    city: str
    trappers: deque[tuple[int, Merchant]] = field(default_factory=deque)
    visitors: deque[tuple[int, Merchant]] = field(default_factory=deque)
    furs: int = 0
    furs_trapped: int = 0
    furs_lent: int = 0
    furs_sold: int = 0
    furs_back: int = 0
    chest_minor: int = 0
    heard_coins: float = HEARSAY_COINS
    bed_coins: float = math.nan
    sent: int = 0
    came: int = 0
    away: int = 0

    @property
    def ask_coins(self) -> float:
        """What the camp asks for a fur."""
        return ASK_SHARE * self.heard_coins

    @property
    def effort(self) -> float:
        """How hard people trap, 0…1."""
        return self.heard_coins / (self.heard_coins + HALF_EFFORT_COINS)


def found_camp(city: str, trappers: int) -> Camp:
    """A camp whose merchants have not been to the city yet."""
    camp = Camp(city)
    newcomer = Merchant(money_minor=0, good=FUR, capacity=SLEDGE_FURS, genome={TRAIT: 1.0})
    camp.trappers.extend((0, newcomer) for _ in range(trappers))
    return camp


def is_ours(merchant: Merchant) -> bool:
    """Whether he carries the trait of the wilds."""
    return TRAIT in (merchant.genome or {})


def welcome(camp: Camp, merchant: Merchant, day: int) -> None:
    """Take in who arrives: ours unload and hand over what they earned, visitors may buy."""
    camp.came += 1
    camp.heard_coins = heard(camp.heard_coins, camp.city, FUR, merchant)
    camp.bed_coins = heard(camp.bed_coins, camp.city, BED, merchant)
    if is_ours(merchant):
        camp.away -= 1
        camp.furs += merchant.owned
        camp.furs_back += merchant.owned
        camp.chest_minor += merchant.money_minor
        camp.trappers.append((day + REST_DAYS, replace(merchant, money_minor=0, owned=0)))
    else:
        camp.visitors.append((day + REST_DAYS, served(camp, merchant)))


def heard(before: float, city: str, good: str, merchant: Merchant) -> float:
    """What a good is heard to cost in the city, after one more has spoken."""
    says = merchant.expected_prices.get(good, {}).get(city, 0.0)
    if says <= 0:  # he does not know, or has given up hope
        return before
    return says if math.isnan(before) else before + HEARING_WEIGHT * (says - before)


def served(camp: Camp, visitor: Merchant) -> Merchant:
    """A visitor with all the furs he can carry and pay, unless he carries something else."""
    if visitor.owned == 0:
        visitor = replace(visitor, good=FUR)
    ask_minor = max(1, round(camp.ask_coins * MINOR_PER_COIN))
    room = visitor.capacity - visitor.owned if visitor.good == FUR else 0
    bought = min(camp.furs, room, visitor.money_minor // ask_minor)
    # Who has more than the city lets in leaves the rest, or he could never go home.
    kept_minor = min(visitor.money_minor - bought * ask_minor, GUEST_COINS_MAX * MINOR_PER_COIN)
    camp.furs -= bought
    camp.furs_sold += bought
    camp.chest_minor += visitor.money_minor - kept_minor
    return replace(visitor, money_minor=kept_minor, owned=visitor.owned + bought)


def leaving(camp: Camp, day: int, *, last_call: bool) -> list[Merchant]:
    """Who sets out today: visitors who have rested, and ours while there is a full sledge."""
    out = []
    while camp.visitors and camp.visitors[0][0] <= day:
        out.append(camp.visitors.popleft()[1])
    while camp.trappers and camp.trappers[0][0] <= day and not last_call:
        if camp.furs < SLEDGE_FURS:
            break
        merchant = replace(camp.trappers.popleft()[1], owned=SLEDGE_FURS)
        camp.furs -= SLEDGE_FURS
        camp.furs_lent += SLEDGE_FURS
        camp.away += 1
        out.append(merchant)
    camp.sent += len(out)
    return [told(camp, merchant) for merchant in out]


def told(camp: Camp, merchant: Merchant) -> Merchant:
    """He, having heard what a fur costs here and, unless he knows better, what it fetches there."""
    by_city = merchant.expected_prices.get(FUR, {})
    by_city = {camp.city: camp.heard_coins} | by_city | {NAME: camp.ask_coins}
    return replace(merchant, expected_prices=merchant.expected_prices | {FUR: by_city})


# --- the program ---


class Day(NamedTuple):
    """What was on one day."""

    rabbits: int
    foxes: int
    heard_coins: float
    ask_coins: float
    bed_coins: float
    chest_coins: float


@dataclass
class Season:
    """All that happens, day by day.

    Attributes:
        days: a row a day for the picture.
        closed: why the city closed the road; empty if it did not.
    """

    camp: Camp
    meadow: Meadow
    random: np.random.Generator
    days: list[Day] = field(default_factory=list)
    closed: str = ""

    def pass_day(self) -> None:
        """One day of nature."""
        camp = self.camp
        furs = live_a_day(self.meadow, self.random, camp.effort)
        camp.furs += furs
        camp.furs_trapped += furs
        self.days.append(
            Day(
                rabbits=self.meadow.rabbits.count,
                foxes=self.meadow.foxes.count,
                heard_coins=camp.heard_coins,
                ask_coins=camp.ask_coins,
                bed_coins=camp.bed_coins,
                chest_coins=camp.chest_minor / MINOR_PER_COIN,
            )
        )

    def status(self) -> str:
        """One line."""
        camp = self.camp
        return (
            f"day {len(self.days):5}  rabbits {self.meadow.rabbits.count:5}  "
            f"foxes {self.meadow.foxes.count:4}  furs {camp.furs:5}  "
            f"price in {camp.city} {camp.heard_coins:6.2f}  merchants sent {camp.sent}, "
            f"came {camp.came}  coins earned {camp.chest_minor / MINOR_PER_COIN:,.2f}"
        )


def stay(
    host: str,
    port: int,
    *,
    seconds: float,
    seed: int,
    trappers: int = TRAPPERS,
    show: Callable[[Season], None] | None = None,
    enough: Callable[[], bool] | None = None,
) -> Season:
    """Live beside a city for a while.

    Args:
        seconds: how long, at most.
        seed: of the animals' fate.
        trappers: merchants of the wilds.
        show: called every second.
        enough: says that it is time to call the merchants home.

    Returns:
        What has happened, also when the city closed the road or the user had enough.

    Raises:
        OSError: there is no city, or it does not greet.
    """
    with CityClient(NAME, host, port) as city:
        season = Season(found_camp(city.name, trappers), Meadow(), np.random.default_rng(seed))
        try:
            live(season, city, seconds, show or (lambda _: None), enough or (lambda: False))
        except KeyboardInterrupt:
            pass
        except OSError as error:
            season.closed = str(error)
        season.closed = season.closed or city.closed
    return season


def live(
    season: Season,
    city: CityClient,
    seconds: float,
    show: Callable[[Season], None],
    enough: Callable[[], bool],
) -> None:
    """Let days pass and merchants go and come until the time is over or the city closes."""
    camp = season.camp
    began_s = shown_s = time.monotonic()
    last_call = False
    while not city.closed:
        now_s = time.monotonic()
        elapsed_s = now_s - began_s
        last_call = last_call or elapsed_s > seconds * LAST_CALL_SHARE or enough()
        if elapsed_s > seconds or (last_call and camp.away <= 0):
            break
        for _ in range(int(elapsed_s * DAYS_PER_S) - len(season.days)):
            season.pass_day()
        city.send(*leaving(camp, len(season.days), last_call=last_call))
        for merchant in city.receive(1 / DAYS_PER_S):
            welcome(camp, merchant, len(season.days))
        if now_s - shown_s > STATUS_S:
            shown_s = now_s
            show(season)
    if not city.closed:
        send_visitors_home(camp, city)


def send_visitors_home(camp: Camp, city: CityClient) -> None:
    """Nobody of the city is kept, nor who comes while we say goodbye."""
    city.send(*leaving(camp, sys.maxsize, last_call=True))
    for merchant in city.receive(GOODBYE_S):
        welcome(camp, merchant, 0)
        city.send(*leaving(camp, sys.maxsize, last_call=True))


def main(
    address: Annotated[str, typer.Argument(metavar="HOST:PORT")] = "127.0.0.1:55555",
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to stay.")] = 60.0,
    trappers: Annotated[
        int, typer.Option(min=1, max=TRAPPERS_MAX, help="Merchants of the wilds.")
    ] = TRAPPERS,
    seed: Annotated[int, typer.Option(min=0, help="Of the animals' fate.")] = 1,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw what happened.")
    ] = None,
) -> None:
    """Foxes and rabbits whose furs feed a market that cannot make them."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise typer.BadParameter(f"{address!r}: must be HOST:PORT")
    if plot and plot.suffix != ".png":
        raise typer.BadParameter(f"plot = {str(plot)!r}: must end in .png")
    try:
        season = stay(
            host.strip("[]"),
            int(port),
            seconds=seconds,
            seed=seed,
            trappers=trappers,
            show=lambda so_far: print(so_far.status(), flush=True),
        )
    except OSError as error:
        sys.exit(f"wilds: {address}: {error}")
    print(season.status())
    if plot:
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        from tools.wilds_picture import draw

        draw(season.days, season.camp.city, plot)
    if season.closed:
        sys.exit(f"wilds: {season.closed}")


if __name__ == "__main__":
    typer.run(main)
