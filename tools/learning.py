"""What learning makes of merchants, measured and published.

    python -m tools.learning compare   rule, evolved, learned and mixed populations
    python -m tools.learning publish   into docs/learning.md, with a picture, and with the speed
                                       that `python -m tools.bench learning` found last

Minutes on two cores. Held-out seeds and lessons have nothing in common.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from city_node.laboratory import evolve, genomes, networks  # noqa: E402
from city_node.laboratory.picture import Band, Panel, draw  # noqa: E402
from engine.policy import Policy  # noqa: E402
from merchants.mind import SPACES  # noqa: E402
from tools.bench.report import times  # noqa: E402
from tools.bench.results import figure, kept  # noqa: E402
from tools.evolution_trials import held_out, islands  # noqa: E402
from tools.intervals import interval  # noqa: E402
from tools.learning_trials import POPULATIONS, Trial, trials  # noqa: E402

SEEDS = 20
DOCS = Path("docs")
GENOMES = DOCS / "evolution-traits.json"
RULE = 0
"""The population that all others are compared with."""

app = typer.Typer(add_completion=False, rich_markup_mode=None, help=__doc__)
console = Console()

Network = Annotated[
    Path | None, typer.Option(metavar="FILE.npz", help="Default: the one in the package.")
]


def policy_of(network: Path | None) -> Policy:
    """The network of a file, or the package's."""
    return networks.policy_in("network", networks.data_of("network", network), SPACES)


def measured(policy: Policy, ticks: int, seeds: int = SEEDS) -> list[list[Trial]]:
    """Every population in every world: [seeds][populations]."""
    config, best = islands(), np.array(genomes.read("genome", GENOMES))
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda seed: trials(config, seed, policy, best, ticks), held_out(seeds))
        return list(track(found, "comparing", total=seeds, console=console))


def compared(seen: list[list[Trial]], ticks: int) -> list[str]:
    """Lines of Markdown: gains of each kind beside the other and beside the rule; prices."""
    config = islands()
    lines = [
        f"{len(seen)} held-out worlds of four cities, {config.cities[0].locals} residents and "
        f"{config.cities[0].merchants} merchants each, {ticks:,} ticks after "
        f"{evolve.SETTLING_TICKS:,} in which all are neutral. Means with 95 % intervals over "
        "worlds; wealth is money and goods at residents' mean price, coins. Who has not learned "
        "lives by the rule, unless the population says evolved.",
        "",
        "| population | learned gain | others gain | difference, paired | learned over others, "
        "wealth at the end | others, against themselves in a world of the rule | learned over "
        "themselves there, wealth at the end |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, population in enumerate(POPULATIONS):
        of = [world[number] for world in seen]
        learned = [each.gained[each.driven].mean() for each in of if each.driven.any()]
        others = [each.gained[~each.driven].mean() for each in of if not each.driven.all()]
        cells = [_with(learned), _with(others)] + [""] * 4
        if learned and others:
            ends = [(t.wealth[-1, t.driven].mean(), t.wealth[-1, ~t.driven].mean()) for t in of]
            cells[2] = _with(np.array(learned) - np.array(others))
            cells[3] = _with([100 * one / other - 100 for one, other in ends]) + " %"
        if number != RULE and others:
            cells[4] = _with(
                [
                    (world[number].gained - world[RULE].gained)[~world[number].driven].mean()
                    for world in seen
                ]
            )
        if learned:
            ruled = [w[RULE].wealth[-1, w[number].driven].mean() for w in seen]
            richer = np.array([t.wealth[-1, t.driven].mean() for t in of]) / ruled
            cells[5] = _with(100 * richer - 100) + " %"
        lines.append(f"| {population.name} | " + " | ".join(cells) + " |")
    lines += ["", "| | " + " | ".join(each.name for each in POPULATIONS) + " |"]
    lines.append("|---" * (len(POPULATIONS) + 1) + "|")

    def row(name: str, values: list[list[float]], spec: str = ".1f") -> str:
        return f"| {name} | " + " | ".join(_with(each, spec) for each in values) + " |"

    columns = range(len(POPULATIONS))
    goods = list(config.cities[0].goods)
    for good in np.flatnonzero(~np.isnan(seen[0][0].prices[0])):
        means = [[float(w[n].prices[:, good].mean()) for w in seen] for n in columns]
        lines.append(row(f"price of {goods[good]}, coins", means, ".2f"))
    lines.append(row("price gap, %", [[100 * w[n].gap() for w in seen] for n in columns]))
    lines.append(
        row("residents' money", [[w[n].locals_money for w in seen] for n in columns], ".0f")
    )
    lines.append(row("trades", [[w[n].trades for w in seen] for n in columns], ",.0f"))
    poor = [[100 * float((w[n].wealth[-1] < 500.0).mean()) for w in seen] for n in columns]
    lines.append(row("merchants below 500 coins, %", poor))
    return lines


def _with(values: object, spec: str = "+.0f") -> str:
    array = np.asarray(values, float)
    if not len(array):
        return ""
    mean, half = interval(array)
    return f"{mean:{spec}} ± {half:{spec.lstrip('+')}}"


def panels(seen: list[list[Trial]], ticks: int) -> list[Panel]:
    """Wealth over time, learned and others, a panel a population."""
    found = []
    for number, population in enumerate(POPULATIONS):
        bands = []
        for name, driven in (("learned", True), ("others", False)):
            courses = [
                trial.wealth[:, trial.driven == driven].mean(axis=1)
                for trial in (world[number] for world in seen)
                if (trial.driven == driven).any()
            ]
            if courses:
                mean, half = np.mean(courses, axis=0), np.std(courses, axis=0)
                bands.append(Band(name, mean, mean - half, mean + half))
        found.append(Panel(population.name, "coins", bands, 1000.0, x_end=ticks, x_unit="tick"))
    low = min(band.low.min() for panel in found for band in panel.bands)
    high = max(band.high.max() for panel in found for band in panel.bands)
    return [replace(panel, low=low, high=high) for panel in found]


def paced() -> list[str]:
    """Lines of Markdown: what `python -m tools.bench learning` found last."""
    result = kept("learning")
    if result is None:
        return ["Not measured yet."]
    lines = ["| | ours | of another | goal or floor, of it |", "|---|--:|---|---|"]
    for row in result.rows:
        others = [
            f"{x.name}, {x.source}: {figure(x.value)}, {times(row.ratio(x.value))}"
            for x in row.peers
        ]
        bounds = [
            f"{name} {figure(bound)}, {times(row.ratio(bound))}"
            for name, bound in (("goal", row.goal), ("floor", row.floor))
            if bound is not None
        ]
        ours = f"{figure(row.ours)} {row.unit}" + (f" ({row.note})" if row.note else "")
        cells = ours, "; ".join(others), "; ".join(bounds)
        lines.append(f"| {row.what} | " + " | ".join(cells) + " |")
    return lines


@app.command()
def compare(network: Network = None, ticks: int = evolve.TICKS, seeds: int = SEEDS) -> None:
    """All populations on held-out seeds; intervals are those of 20."""
    seen = measured(policy_of(network), ticks, seeds)
    console.print(Markdown("\n".join(compared(seen, ticks))))


@app.command()
def publish() -> None:
    """Measure everything and write docs/learning.md."""
    policy = policy_of(None)
    about = networks.about(networks.data_of("network", None))
    seen = measured(policy, evolve.TICKS)
    draw(
        DOCS / "learning-wealth.png",
        panels(seen, evolve.TICKS),
        "Mean wealth, with the standard deviation over worlds",
        columns=3,
    )
    page = (Path(__file__).parent / "learning_page.md").read_text("utf-8")
    parts = {
        "compare": compared(seen, evolve.TICKS),
        "speed": paced(),
        "training": [
            f"{about['worlds']} worlds, {about['steps']:,} of {about['of_steps']:,} ticks"
        ],
    }
    for name, lines in parts.items():
        page = page.replace(f"<{name}>", "\n".join(lines))
    (DOCS / "learning.md").write_text(page, "utf-8")
    console.print("wrote docs/learning.md")


if __name__ == "__main__":
    app()
