"""What evolution makes of merchants, measured and published.

    python -m tools.evolution compare   evolved against neutral merchants in the same cities
    python -m tools.evolution lives     who is founded and who retires in a default node
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

from city_node.laboratory import evolve, evolve_run, genomes  # noqa: E402
from city_node.laboratory.picture import draw  # noqa: E402
from city_node.settings.wishes import Wishes  # noqa: E402
from engine.tables import Array  # noqa: E402
from merchants.genome import NAMES, TRAITS  # noqa: E402
from tools.evolution_nodes import spread_shown  # noqa: E402
from tools.evolution_trials import (  # noqa: E402
    EFFECTS,
    MERCHANTS,
    Outcome,
    held_out,
    islands,
    lived,
    mean_conduct,
    trial,
)
from tools.intervals import interval  # noqa: E402

SEEDS = 20
LABORATORY_SEED = 7
LIVES_TICKS = 500_000
BRED_TICKS = 4 * evolve.TICKS
"""A generation's life in what is published: bred over `evolve.TICKS` alone, merchants were 15 %
ahead at their end and 6 % after four times as long."""

HORIZONS = (evolve.TICKS, BRED_TICKS)
SHARES = ("neutral", "mixed", "evolved")
DOCS = Path("docs")

app = typer.Typer(add_completion=False, rich_markup_mode=None, help=__doc__)
console = Console()

Genome = Annotated[
    Path | None, typer.Option(metavar="FILE.json", help="Of `city-node evolve`; default: its best.")
]


def laboratory(ticks: int = BRED_TICKS, picture: Path | None = None) -> Array:
    """The ablest that the laboratory breeds, generations of so long: float64[genomes, traits]."""
    asked = evolve.laboratory(
        Wishes(seed=LABORATORY_SEED), generations=evolve.GENERATIONS, ticks=ticks
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


def outcomes(best: Array, share: str, ticks: int) -> list[Outcome]:
    """The held-out worlds."""
    seeds = track(held_out(SEEDS), f"{share}, {ticks:,} ticks", console=console)
    return [trial(islands(), seed, best, share, ticks) for seed in seeds]


def lead(mixed: list[Outcome]) -> tuple[float, float]:
    """Percent by which evolved merchants end richer than neutral ones in the same cities."""
    wealth = [[o.wealth[o.evolved == kind].mean() for kind in (True, False)] for o in mixed]
    return interval([100 * evolved / neutral - 100 for evolved, neutral in wealth])


def horizons(mixed: dict[tuple[int, int], list[Outcome]]) -> list[str]:
    """Lines of Markdown: who was bred for how long, after how long."""
    lines = ["| bred over | " + " | ".join(f"after {ticks:,} ticks" for ticks in HORIZONS) + " |"]
    lines.append("|---" * (1 + len(HORIZONS)) + "|")
    for bred in HORIZONS:
        cells = (f"{_with(lead(mixed[bred, ticks]), '+.0f')} %" for ticks in HORIZONS)
        lines.append(f"| {bred:,} ticks | " + " | ".join(cells) + " |")
    return lines


def compared(best: Array, ticks: int, mixed: list[Outcome] | None = None) -> list[str]:
    """Lines of Markdown: the mixed cities, and what changes where all are of one kind."""
    config = islands()
    seen = {share: outcomes(best, share, ticks) for share in SHARES if share != "mixed"}
    seen["mixed"] = mixed = mixed or outcomes(best, "mixed", ticks)
    prices = seen["neutral"][0].prices[0]
    pairs = np.array([[o.gain(True), o.gain(False)] for o in mixed])
    more, least = interval(pairs[:, 0] - pairs[:, 1]), (pairs[:, 0] - pairs[:, 1]).min()
    over = lead(mixed)
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


# --- lives ---------------------------------------------------------------------------------


def lives_shown() -> list[str]:
    """Lines of Markdown: foundings and retirements in a node's two cities, by the rules."""
    kinds: dict[str, dict[str, float]] = {
        "as it is": {},
        "without upkeep": {"upkeep": 0.0},
        "and the tutorial's tax": {"upkeep": 0.0, "tax_free_money": 1_000.0},
    }
    found = {
        kind: [
            lived(seed, LIVES_TICKS, **rules)
            for seed in track(held_out(SEEDS), kind, console=console)
        ]
        for kind, rules in kinds.items()
    }
    lines = [
        f"`city-node {' '.join(evolve.CITIES[:2])}` after {LIVES_TICKS:,} ticks "
        f"({LIVES_TICKS / 6_000:.0f} s at the default speed), {SEEDS} seeds, means with 95 % "
        "intervals; 20 residents and at first 10 merchants a city.",
        "",
        "| | " + " | ".join(found) + " |",
        "|---" * (1 + len(found)) + "|",
    ]
    for what, name, form in (
        ("founded", "founded", ".1f"),
        ("retired", "retired", ".1f"),
        ("merchants in the end", "present", ".1f"),
        ("their mean generation", "generation", ".2f"),
        ("the richest, coins", "richest", ",.0f"),
        ("residents' money, coins", "locals_money", ",.0f"),
    ):
        values = [[getattr(one, name) for one in seen] for seen in found.values()]
        lines.append(_row(what, values, form))
    return lines


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
def lives() -> None:
    """Who is founded and who retires in a default node."""
    console.print(Markdown("\n".join(lives_shown())))


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
    best = laboratory(picture=DOCS / "evolution-traits.png")
    bred = {evolve.TICKS: laboratory(evolve.TICKS), BRED_TICKS: best}
    mixed = {
        (horizon, ticks): outcomes(bred[horizon], "mixed", ticks)
        for horizon in HORIZONS
        for ticks in HORIZONS
    }
    page = (Path(__file__).parent / "evolution_page.md").read_text("utf-8")
    parts = {
        "best": [
            f"| {name} | {mean:.2f} | {low:.2f} – {high:.2f} |"
            for name, mean, low, high in zip(
                NAMES, best.mean(axis=0), best.min(axis=0), best.max(axis=0), strict=True
            )
        ],
        "horizons": horizons(mixed),
        "compare": compared(best, evolve.TICKS, mixed[BRED_TICKS, evolve.TICKS]),
        "longer": compared(best, BRED_TICKS, mixed[BRED_TICKS, BRED_TICKS]),
        "lives": lives_shown(),
        "traits": traits_shown(),
        "spread": spread_shown(DOCS / "evolution-spread.png", console),
    }
    for name, lines in parts.items():
        page = page.replace(f"<{name}>", "\n".join(lines))
    (DOCS / "evolution.md").write_text(page, "utf-8")
    console.print("wrote docs/evolution.md")


if __name__ == "__main__":
    app()
