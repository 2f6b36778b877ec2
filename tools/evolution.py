"""What evolution makes of merchants, measured and published.

    python -m tools.evolution compare   evolved against neutral merchants in the same cities
    python -m tools.evolution traits    what each trait does to its bearers' conduct
    python -m tools.evolution spread    two nodes over TCP, with and without the road
    python -m tools.evolution publish   all of it into docs/evolution.md, with its pictures

Minutes on one core. The numbers come from `tools.evolution_trials`; the laboratory's seed and the
held-out seeds have nothing in common.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from city_node import evolve, evolve_run, genomes  # noqa: E402
from city_node.config import Wishes  # noqa: E402
from city_node.picture import draw  # noqa: E402
from engine.tables import Array  # noqa: E402
from merchants.genome import NAMES, TRAITS  # noqa: E402
from tools.evolution_nodes import spread_shown  # noqa: E402
from tools.evolution_trials import (  # noqa: E402
    EFFECTS,
    MERCHANTS,
    Outcome,
    held_out,
    interval,
    islands,
    mean_conduct,
    trial,
)

SEEDS = 20
LABORATORY_SEED = 7
SHARES = ("neutral", "mixed", "evolved")
DOCS = Path("docs")

app = typer.Typer(add_completion=False, rich_markup_mode=None, help=__doc__)
console = Console()

Genome = Annotated[
    Path | None, typer.Option(metavar="FILE.json", help="Of `city-node evolve`; default: its best.")
]


def laboratory(picture: Path | None = None) -> Array:
    """The ablest of the laboratory's default evolution: float64[genomes, traits]."""
    asked = evolve.laboratory(
        Wishes(seed=LABORATORY_SEED), generations=evolve.GENERATIONS, ticks=evolve.TICKS
    )
    generations = evolve.generations(asked)
    lives = list(track(generations, "evolving", evolve.GENERATIONS, console=console))
    best, gained = evolve.best_of(asked, evolve_run.last(lives[-1]))
    if picture:
        courses, gains = (
            np.array([evolve_run.spread(getattr(one, what)) for one in lives])
            for what in ("genes", "gained")
        )
        draw(picture, evolve_run.panels(courses, gains), "What selection made of merchants")
        evolve.save(asked, best, gained, picture.with_suffix(".json"))
    return best


# --- evolved against neutral ---------------------------------------------------------------


def compared(best: Array, ticks: int = evolve.TICKS) -> list[str]:
    """Lines of Markdown: the mixed cities, and what changes where all are of one kind."""
    config = islands()
    seen: dict[str, list[Outcome]] = {share: [] for share in SHARES}
    for seed in track(held_out(SEEDS), "comparing", console=console):
        for share in SHARES:
            seen[share].append(trial(config, seed, best, share, ticks))
    mixed, prices = seen["mixed"], seen["neutral"][0].prices[0]
    pairs = np.array([[o.gain(True), o.gain(False)] for o in mixed])
    wealth = np.array(
        [[o.wealth[o.evolved == kind].mean() for kind in (True, False)] for o in mixed]
    )
    more, least = interval(pairs[:, 0] - pairs[:, 1]), (pairs[:, 0] - pairs[:, 1]).min()
    over = interval(100 * wealth[:, 0] / wealth[:, 1] - 100)
    all_of = interval([o.gain(True) for o in seen["evolved"]])
    none_of = interval([o.gain(False) for o in seen["neutral"]])
    lines = [
        f"{SEEDS} held-out worlds of four cities, {config.cities[0].locals} residents and "
        f"{MERCHANTS} merchants each, {ticks:,} ticks after {evolve.SETTLING_TICKS:,} in which all "
        "are neutral; in the mixed ones every second merchant is evolved then. Means with 95 % "
        "intervals over worlds; wealth is money and goods at residents' mean price.",
        "",
        "| mixed cities | wealth gained, coins |",
        "|---|---|",
        f"| evolved | {_with(interval(pairs[:, 0]), '+.0f')} |",
        f"| neutral, in the same cities | {_with(interval(pairs[:, 1]), '+.0f')} |",
        f"| difference, paired | {_with(more, '+.0f')} (least of {SEEDS}: {least:+.0f}) |",
        f"| evolved over neutral wealth, in the end | {_with(over, '+.0f')} % |",
        "",
        f"Where all are evolved they gain {_with(all_of, '+.0f')} coins, where all are neutral "
        f"{_with(none_of, '+.0f')}.",
        "",
        "| | all neutral | half evolved | all evolved |",
        "|---|---|---|---|",
        _row(
            "residents' money, coins", [[o.locals_money for o in seen[s]] for s in SHARES], ",.0f"
        ),
        _row("trades", [[o.trades for o in seen[s]] for s in SHARES], ",.0f"),
        _row("price gap between cities, %", [[100 * o.gap() for o in seen[s]] for s in SHARES]),
        _row("Gini of merchants' wealth", [[o.gini() for o in seen[s]] for s in SHARES], ".3f"),
    ]
    for good in np.flatnonzero(~np.isnan(prices)):
        name = list(config.cities[0].goods)[good]
        means = [[o.prices[:, good].mean() for o in seen[share]] for share in SHARES]
        lines.append(_row(f"price of {name}, coins", means, ".2f"))
    poor = [[100 * o.poor(False) for o in seen[s]] for s in SHARES[:2]]
    lines.append(_row("neutral merchants below 500 coins, %", [*poor, []]))
    poor = [[100 * o.poor(True) for o in seen[s]] for s in SHARES[1:]]
    lines.append(_row("evolved merchants below 500 coins, %", [[], *poor]))
    return lines


def _row(name: str, values: Sequence[Sequence[float]], form: str = ".1f") -> str:
    cells = [_with(interval(found), form) if found else "" for found in values]
    return f"| {name} | " + " | ".join(cells) + " |"


def _with(mean_half: tuple[float, float], form: str) -> str:
    return f"{mean_half[0]:{form}} ± {mean_half[1]:{form.lstrip('+')}}"


# --- each trait ----------------------------------------------------------------------------


def traits_shown(seeds: int = 5) -> list[str]:
    """Lines of Markdown: formula and measured effect of each trait."""
    lines = [
        f"Two cities of 60 residents and 30 merchants, 3,000 ticks, {seeds} seeds; all merchants "
        "are neutral but for the one trait.",
        "",
        "| trait | who has more of it | formula | measured | at 0.05 | neutral | at 0.95 |",
        "|---|---|---|---|---|---|---|",
    ]
    for trait in track(TRAITS, "conduct", console=console):
        what, measure, _ = EFFECTS[trait.name]
        found = [
            measure(mean_conduct(trait.name, gene, range(1, seeds + 1)))
            for gene in (0.05, 0.5, 0.95)
        ]
        cells = " | ".join(f"{value:.3g}" for value in found)
        lines.append(f"| {trait.name} | {trait.meaning} | {trait.formula} | {what} | {cells} |")
    return lines


# --- commands ------------------------------------------------------------------------------


def _best(genome: Path | None) -> Array:
    if genome is None:
        return laboratory()
    return np.array(genomes.read("genome", genome))


@app.command()
def compare(genome: Genome = None, ticks: int = evolve.TICKS) -> None:
    """Evolved against neutral merchants, 20 held-out seeds."""
    console.print(Markdown("\n".join(compared(_best(genome), ticks))))


@app.command()
def traits() -> None:
    """What each trait does."""
    console.print(Markdown("\n".join(traits_shown())))


@app.command()
def spread(
    picture: Annotated[Path | None, typer.Option(metavar="FILE.png")] = None,
) -> None:
    """Two node processes over TCP: does what wins in one reach the other?"""
    console.print(Markdown("\n".join(spread_shown(picture, console))))


@app.command()
def publish() -> None:
    """Measure everything and write docs/evolution.md."""
    best = laboratory(DOCS / "evolution-traits.png")
    page = (Path(__file__).parent / "evolution_page.md").read_text("utf-8")
    parts = {
        "best": [
            f"| {name} | {mean:.2f} | {low:.2f} – {high:.2f} |"
            for name, mean, low, high in zip(
                NAMES, best.mean(axis=0), best.min(axis=0), best.max(axis=0), strict=True
            )
        ],
        "compare": compared(best),
        "longer": compared(best, 4 * evolve.TICKS),
        "traits": traits_shown(),
        "spread": spread_shown(DOCS / "evolution-spread.png", console),
    }
    for name, lines in parts.items():
        page = page.replace(f"<{name}>", "\n".join(lines))
    (DOCS / "evolution.md").write_text(page, "utf-8")
    console.print("wrote docs/evolution.md")


if __name__ == "__main__":
    app()
