"""Scenarios 7 and 8 of the tutorial, over TCP between real processes: `python -m tools.networked`.

Seven: Riverwood and Seaside on one node, Portsville and Winterhold on another, 100 residents and
50 merchants a city. A bed takes one thread in Riverwood and ten elsewhere. The same two nodes run
apart and joined, every city to every city of the other; what is compared is how far the price of a
bed in Portsville lies above that in Riverwood, as a mean over the last ticks. Joined, both go on
until the slower has had its ticks: on a busy machine they do not keep step.

Eight: Riverwood with the goods of `examples/fur.toml`, where nobody can make a fur and a bed takes
three; alone, and with `tools/wilds.py` for a client.

Called by the command line, which runs each a few times and says what tolerances follow, and by
`tests/test_scenarios_networked.py`.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from threading import Thread
from typing import Annotated

import typer

from tools.node_process import HOST, free_ports, node, own_home
from tools.wilds import stay

FUR_TOML = Path(__file__).parents[1] / "examples" / "fur.toml"

TICKS_APART, TICKS_JOINED = 100_000, 300_000
READ_SHARE = 0.2
"""The last part of a run is read. Apart, prices of beds have settled after 50,000 ticks; joined,
the gap is halved within 200,000, often much sooner."""

SPEED_TICKS_PER_S = 40_000
"""Joined. The roads take 1.5 s to open, for a dialler waits to be greeted: 60,000 ticks."""

FUR_TICKS = 40_000
FUR_READ_SHARE = 0.5
"""What furs people had at the start are gone, and the beds made of them, after 10,000 ticks."""

FUR_SPEED_TICKS_PER_S = 10_000
FUR_STAY_S_MAX = 120.0

ARRIVE_TICKS = 1_000
"""The node goes on for so long after the wilds have left, so that the last they sent arrive."""


# --- seven: two nodes ---


@dataclass(frozen=True)
class Beds:
    """Mean prices of a bed over the last ticks, coins.

    Attributes:
        crossed: merchants that arrived from the other node, in all four cities.
    """

    riverwood: float
    portsville: float
    crossed: int

    @property
    def gap(self) -> float:
        """How much dearer a bed is in Portsville."""
        return self.portsville - self.riverwood


def beds(seed: int, *, joined: bool, discovery: bool = False) -> Beds:
    """Run the two nodes.

    Args:
        joined: whether roads join them.
        discovery: they find each other, rather than being told.
    """
    first = free_ports(2)
    here = ["Riverwood", "Seaside", "--port", str(first)]
    there = ["Portsville", "Winterhold", "--port", str(free_ports(2))]
    both = ["--locals", "100", "--merchants", "50", "--threads", "1", "--seed", str(seed)]
    both.append("--no-evolution")  # the tutorial's merchants
    both += (
        ["--speed", str(SPEED_TICKS_PER_S)]
        if joined
        else ["--ticks", str(TICKS_APART), "--speed", "max"]
    )
    if not discovery:
        both.append("--no-discovery")
    if joined and not discovery:
        for city in there[:2]:
            for port in (first, first + 1):
                there += ["--connect", f"{city}={HOST}:{port}"]
    names = [["--node-name", f"{name}-{os.getpid()}"] for name in ("atlas", "boreas")]
    with (
        own_home() as home,
        node(*here, *both, *names[0], home=home) as atlas,
        node(*there, *both, *names[1], home=home) as boreas,
    ):
        if joined:
            atlas.reach(TICKS_JOINED)
            boreas.reach(TICKS_JOINED)
            atlas.interrupt()
            boreas.interrupt()
        reports = atlas.end() | boreas.end()
        return Beds(
            riverwood=atlas.late("Riverwood", "price_bed", READ_SHARE),
            portsville=boreas.late("Portsville", "price_bed", READ_SHARE),
            crossed=sum(
                count
                for city in reports.values()
                for name, count in city["arrivals"].items()
                if "@" in name
            ),
        )


# --- eight: furs from outside ---


@dataclass(frozen=True)
class Lending:
    """What a stay of the wilds did to Riverwood, beside the same Riverwood alone.

    Attributes:
        sent, came: merchants of the wilds and visitors, as the wilds count them.
        arrived, departed: the same, as Riverwood counts them.
        gone_minor: money that has left Riverwood for good; minor units.
        chest_minor: what the wilds have earned.
        beds, beds_alone: in stock, on average once the first furs are used up.
    """

    sent: int
    came: int
    arrived: int
    departed: int
    gone_minor: int
    chest_minor: int
    beds: float
    beds_alone: float


def lending(seed: int) -> Lending:
    """Run Riverwood alone, then with the wilds, who leave when it has had its ticks."""
    common = ["Riverwood", "--config", str(FUR_TOML), "--seed", str(seed), "--threads", "1"]
    common += ["--no-discovery"]
    # At a pace: a city without roads does more ticks in a window at full speed than a row is for.
    alone_speed = ["--ticks", str(FUR_TICKS), "--speed", str(6 * FUR_SPEED_TICKS_PER_S)]
    with own_home() as home, node(*common, *alone_speed, home=home) as alone:
        alone.end()
        beds_alone = alone.late("Riverwood", "stock_bed", FUR_READ_SHARE)
    port = free_ports(1)
    common += ["--port", str(port), "--speed", str(FUR_SPEED_TICKS_PER_S)]
    with own_home() as home, node(*common, home=home) as riverwood:
        riverwood.reach(0)
        reached = Thread(target=riverwood.reach, args=(FUR_TICKS,))
        reached.start()
        camp = stay(
            HOST,
            port,
            seconds=FUR_STAY_S_MAX,
            seed=seed,
            enough=lambda: not reached.is_alive(),
        ).camp
        reached.join()
        riverwood.reach(riverwood.reach(0) + ARRIVE_TICKS)
        riverwood.interrupt()
        city = riverwood.end()["Riverwood"]
        stock = riverwood.late("Riverwood", "stock_bed", FUR_READ_SHARE)
    return Lending(
        sent=camp.sent,
        came=camp.came,
        arrived=city["arrivals"].get("Wilds", 0),
        departed=city["departures"].get("Wilds", 0),
        gone_minor=city["money"]["initial"] - city["money"]["holdings"],
        chest_minor=camp.chest_minor,
        beds=stock,
        beds_alone=beds_alone,
    )


# --- the program ---


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation, lowest and highest."""
    deviation = stdev(values) if len(values) > 1 else 0.0
    return f"{mean(values):.2f} ± {deviation:.2f} ({min(values):.2f} … {max(values):.2f})"


def seven(seeds: Sequence[int], discovery: bool) -> None:
    """Print scenario 7 for some seeds."""
    print("7: two nodes; price of a bed in Riverwood / in Portsville")
    gaps = []
    for seed in seeds:
        apart, joined = beds(seed, joined=False), beds(seed, joined=True, discovery=discovery)
        gaps.append((apart.gap, joined.gap))
        print(
            f"seed {seed}: apart {apart.riverwood:.1f} / {apart.portsville:.1f}, "
            f"joined {joined.riverwood:.1f} / {joined.portsville:.1f}, "
            f"gap {apart.gap:.1f} → {joined.gap:.1f}, {joined.crossed:,} crossed",
            flush=True,
        )
    print("gap apart", spread([apart for apart, _ in gaps]))
    print("gap joined over gap apart", spread([joined / apart for apart, joined in gaps]))


def eight(seeds: Sequence[int]) -> None:
    """Print scenario 8 for some seeds."""
    print("8: furs from the wilds")
    runs = []
    for seed in seeds:
        run = lending(seed)
        runs.append(run)
        print(
            f"seed {seed}: sent {run.sent}, came {run.came}; arrived {run.arrived}, "
            f"departed {run.departed}; {run.gone_minor / 1e8:,.2f} coins gone, "
            f"{run.chest_minor / 1e8:,.2f} earned; beds {run.beds_alone:.2f} → {run.beds:.2f}",
            flush=True,
        )
    print("came over sent", spread([run.came / run.sent for run in runs]))
    print("coins gone", spread([run.gone_minor / 1e8 for run in runs]))
    print("beds in stock", spread([run.beds for run in runs]))


def main(
    scenario: Annotated[int | None, typer.Argument(min=7, max=8, help="Default: both.")] = None,
    runs: Annotated[int, typer.Option(min=1, help="How many of each.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the first run.")] = 1,
    discovery: Annotated[
        bool, typer.Option(help="Let the nodes find each other instead of telling them.")
    ] = False,
) -> None:
    """Run scenarios 7 and 8 over TCP and print what is seen."""
    seeds = range(seed, seed + runs)
    if scenario != 8:
        seven(seeds, discovery)
    if scenario != 7:
        eight(seeds)


if __name__ == "__main__":
    typer.run(main)
