"""What is seen of a society: `python -m tools.society publish` writes docs/society.md.

Twenty seeds of every experiment of `tools.society_trials`, with named tests; tolerances that the
tests use for three seeds go into docs/society.json. Every figure is measured here, none is typed.
"""

import json
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

import numpy as np  # noqa: E402

from city_node.laboratory.picture import Band, Panel, draw  # noqa: E402
from engine.society.params import REGIMES  # noqa: E402
from engine.society.traits import LIFE, MARKS, NAMES, RELATIONS  # noqa: E402
from engine.tables import Array  # noqa: E402
from tools import society_trials as trials  # noqa: E402
from tools.intervals import interval  # noqa: E402
from tools.society_traits import AT_A_BIRTH, EFFECTS, effect  # noqa: E402

DOCS = Path(__file__).parents[1] / "docs"
SEEDS = range(1, 21)
ALPHA = 0.001

app = typer.Typer(help=__doc__, add_completion=False)
console = Console()


@app.callback()
def _verbs() -> None:
    """Experiments with a society."""


@app.command()
def publish(
    page: Annotated[Path, typer.Option(metavar="FILE.md")] = DOCS / "society.md",
) -> None:
    """Run twenty seeds of everything and write the page, its pictures and the tolerances."""
    parts = {
        "regimes": regimes(),
        "traits": traits(),
        "relations": relations(),
        "labels": labels(page),
        "reciprocators": reciprocators(),
        "dead": dead(),
        "walks": walks(),
        "heritability": heritability(),
        "courses": courses(page),
    }
    text = (Path(__file__).parent / "society_page.md").read_text("utf-8")
    for name, lines in parts.items():
        text = text.replace(f"<{name}>", "\n".join(lines))
    page.write_text(text, "utf-8")
    console.print(f"wrote {page}")


def over_seeds(experiment: Callable[[int], Array], doing: str) -> Array:
    """An experiment's numbers, [seeds, ...], a bar meanwhile."""
    return np.array([experiment(seed) for seed in track(SEEDS, doing, console=console)])


def told(values: Array, form: str = ".3f") -> str:
    """Mean ± half a 95 % interval."""
    mean, half = interval(values)
    return f"{mean:{form}} ± {half:{form}}"


def regimes() -> list[str]:
    """The ages as they are by default."""
    lines = [
        "| age | tax | hazard | T, R, S, P | refill | pool | rises above | falls below | harvest |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for number, regime in enumerate(REGIMES):
        payoffs = (regime.temptation, regime.reward, regime.sucker, regime.punishment)
        rises = f"{regime.rises_above:,}" if number + 1 < len(REGIMES) else "–"
        lines.append(
            f"| {regime.name} | {regime.base_tax} | {100 * regime.hazard:.1f} % "
            f"| {', '.join(map(str, payoffs))} | {regime.refill} | {regime.pool:,} | {rises} "
            f"| {regime.falls_below or '–'} | {100 * regime.productivity:.0f} % |"
        )
    return lines


def traits() -> list[str]:
    """What each life trait does, measured at its two ends."""
    lines = [
        "| trait | what more of it does | measured | at 0.05 | at 0.95 | p |",
        "|---|---|---|---|---|---|",
    ]
    for trait in LIFE:
        seen = over_seeds(partial(effect, trait.name), trait.name)
        what = (EFFECTS | AT_A_BIRTH)[trait.name][0]
        p = trials.sign_flip(seen[:, 1] - seen[:, 0])
        lines.append(
            f"| {trait.name} | {trait.does} | {what} | {told(seen[:, 0], '.3g')} "
            f"| {told(seen[:, 1], '.3g')} | {probability(p)} |"
        )
    names = ", ".join(mark.name for mark in MARKS)
    return [*lines, f"| {names} | nothing: neutral | – | – | – | – |"]


def probability(p: float) -> str:
    """As it is printed: what 20,000 flips can tell."""
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}"


def relations() -> list[str]:
    """(a)"""
    seen = over_seeds(trials.by_relation, "(a) by relation")
    lines = ["| relation | cooperating moves, share |", "|---|---|"]
    lines += [f"| {name} | {told(seen[:, n])} |" for n, name in enumerate(RELATIONS)]
    order = np.argsort(-seen.mean(axis=0))
    gaps = [seen[:, a] - seen[:, b] for a, b in pairwise(order)]
    ps = ", ".join(probability(trials.sign_flip(gap)) for gap in gaps)
    ranked = " > ".join(RELATIONS[number] for number in order)
    return [*lines, "", f"{ranked}; paired permutation tests of neighbours: p {ps}."]


def labels(page: Path) -> list[str]:
    """(a), the labels swapped; keeps the tolerance for three seeds."""
    seen = over_seeds(trials.labels_swapped, "(a) labels swapped")
    deviation = seen.std(axis=0, ddof=1)
    tolerance = (4 * deviation / np.sqrt(3)).tolist()
    kept = {"labels_swapped": tolerance, "why": "4 deviations of a mean of three, of 20 seeds"}
    page.with_suffix(".json").write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    ps = [trials.sign_flip(seen[:, number]) for number in range(2)]
    return [
        f"xeno of the one less strangers of the other: {told(seen[:, 0], '.4f')} "
        f"(p {probability(ps[0])}); strangers less xeno: {told(seen[:, 1], '.4f')} "
        f"(p {probability(ps[1])}); paired permutation test, refuted at p < 0.01. "
        f"Tolerance for the mean of three seeds: {tolerance[0]:.4f}, {tolerance[1]:.4f}."
    ]


def reciprocators() -> list[str]:
    """(b)"""
    lines = ["| residents | reciprocators earn | residents earn | p |", "|---|---|---|---|"]
    for what, experiment in (
        ("always defect", trials.reciprocators_among_defectors),
        ("always cooperate, but 1 of 10", trials.reciprocators_among_cooperators),
    ):
        seen = over_seeds(experiment, f"(b) {what}")
        p = trials.sign_flip(seen[:, 0] - seen[:, 1])
        lines.append(
            f"| {what} | {told(seen[:, 0], '.2f')} | {told(seen[:, 1], '.2f')} | {probability(p)} |"
        )
    return lines


def dead() -> list[str]:
    """(c)"""
    seen = over_seeds(trials.dead_world, "(c) dead world")
    fell = seen[:, :, 1] - seen[:, :, 0]
    lines = ["| world | pulses 0 to 10 | pulses 270 to 300 | change |", "|---|---|---|---|"]
    for number, name in enumerate(("dead: R = 0", "rich")):
        lines.append(
            f"| {name} | {told(seen[:, number, 0])} | {told(seen[:, number, 1])} "
            f"| {told(fell[:, number])} |"
        )
    p, more = trials.sign_flip(fell[:, 0]), trials.sign_flip(fell[:, 0] - fell[:, 1])
    return [
        *lines,
        "",
        f"Paired permutation tests: it falls in the dead world, p {probability(p)}; by more than "
        f"in the rich one, p {probability(more)}.",
    ]


def walks() -> list[str]:
    """(d)"""
    lines = ["| tribes | traits | variance ratio VR(4) | end less beginning |", "|---|---|---|---|"]
    for tribes in (1, 16):
        seen = np.array(
            [
                trials.neutral_walks(seed, tribes)
                for seed in track(SEEDS, f"(d) {tribes} tribes", console=console)
            ]
        )
        ratios = np.array([trials.variance_ratios(walk) for walk in seen])
        moved = seen[:, -1] - seen[:, 0]
        marks = slice(NAMES.index("mark_1"), len(NAMES))
        for name, columns in (("six marks", marks), ("storage", NAMES.index("storage"))):
            ratio, move = ratios[:, columns], moved[:, columns]
            ratio = ratio.mean(axis=1) if ratio.ndim > 1 else ratio
            move = move.mean(axis=1) if move.ndim > 1 else move
            lines.append(f"| {tribes} | {name} | {told(ratio, '.2f')} | {told(move)} |")
    return lines


def heritability() -> list[str]:
    """(e)"""
    slopes = over_seeds(trials.heritability, "(e) heritability").mean(axis=0)
    mean, half = float(slopes.mean()), 2.056 * float(slopes.std(ddof=1)) / np.sqrt(len(slopes))
    return [
        f"Slope of child on mid-parent, mean over 27 traits: {mean:.4f} ± {half:.4f} "
        f"(Student's t, 26 degrees of freedom); least {slopes.min():.3f}, most {slopes.max():.3f}."
    ]


def courses(page: Path) -> list[str]:
    """The picture of twenty long histories."""
    seen = over_seeds(trials.course, "histories")

    def band(name: str, column: int) -> Band:
        values = seen[:, :, column]
        with np.errstate(all="ignore"):
            mean = np.nanmean(values, axis=0)
            low, high = np.nanpercentile(values, (10, 90), axis=0)
        return Band(name, mean, low, high)

    end = seen.shape[1] * trials.COURSE_EVERY
    more = {"x_end": end, "x_unit": "pulse"}
    first = seen.shape[2] - len(NAMES)
    panels = [
        Panel("Population", "citizens", [band("", 0)], low=0, **more),
        Panel(
            "Cooperation",
            "% of moves",
            [band(name, 1 + n) for n, name in enumerate(RELATIONS)],
            low=0,
            **more,
        ),
        Panel("Common pool", "% of full", [band("", 4)], low=0, **more),
        Panel("Inequality", "Gini of energy", [band("", 5)], low=0, **more),
        Panel("Complexity", "units a place", [band("", 6)], low=0, **more),
        Panel("Age", "mean of 20", [band("", 7)], low=0, **more),
    ]
    for name in ("hardiness", "precocity", "storage", "thrift", "fertility", "industry"):
        columns = [band("", first + NAMES.index(name))]
        panels.append(Panel(name, "mean", columns, 0.5, 0, 1, **more))
    picture = page.with_name("society-courses.png")
    draw(picture, panels, "Twenty societies of 10,000 founders: mean, and where 16 of 20 lie", 3)
    return [f"![Twenty histories]({picture.name})"]


if __name__ == "__main__":
    app()
