"""What learning and evolution make of the agents of macro cities, measured and published.

    python -m tools.learning_macro compare   rule, random, evolved, trained: each kind, and all
    python -m tools.learning_macro publish   the same into docs/learning-macro.md

Half an hour on two cores. Held-out seeds are those of the ruler, from 1 on; lessons are digests.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from city_node.laboratory import networks  # noqa: E402
from engine.macro.environment import KINDS  # noqa: E402
from engine.macro.learned import SPACES  # noqa: E402
from engine.policy import Policy  # noqa: E402
from engine.reality.score import bootstrap  # noqa: E402
from tools.learning_macro_trials import (  # noqa: E402
    BREEDING_MONTHS,
    MEASURES,
    RULE,
    Trial,
    populations,
    trial,
)

DOCS = Path("docs")
SEEDS = 20
HOUSEHOLDS = 3_000

app = typer.Typer(add_completion=False, rich_markup_mode=None, help=__doc__)
console = Console()

Networks = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Of KIND.npz. Default: those in the package.")
]
Seeds = Annotated[int, typer.Option(help="How many, from 1 on.")]
Households = Annotated[int, typer.Option(help="A city.")]


def networks_in(folder: Path | None) -> dict[str, Policy]:
    """Of every kind."""
    found = {}
    for kind in KINDS:
        path = None if folder is None else folder / f"{kind}.npz"
        data = networks.data_of("networks", path, kind)
        found[kind] = networks.policy_in("networks", data, SPACES[kind])
    return found


def measured(folder: Path | None, seeds: int, households: int) -> dict[str, list[Trial]]:
    """Every population on every seed, by the population's name."""
    trained = networks_in(folder)
    names = list(populations(trained, 0))
    jobs = [(seed, name) for seed in range(1, seeds + 1) for name in names]

    def one(job: tuple[int, str]) -> Trial:
        seed, name = job
        return trial(seed, households, populations(trained, seed)[name])

    with ThreadPoolExecutor(2) as pool:
        done = list(track(pool.map(one, jobs), "comparing", total=len(jobs), console=console))
    found: dict[str, list[Trial]] = {name: [] for name in names}
    for (_, name), each in zip(jobs, done, strict=True):
        found[name].append(each)
    return found


def compared(found: dict[str, list[Trial]], households: int) -> list[str]:
    """Lines of Markdown: by kind its own reward, then what all have of it, then prices and jobs."""
    seeds = len(found[RULE])
    lines = [
        f"{seeds} held-out cities of {households:,} households, 25 years after ten; the population "
        "acts from the founding on. Genes were bred before in another city of the same size for "
        f"{BREEDING_MONTHS // 12} years, each city's in one of its own, and go on evolving. Means, "
        "and differences from the rule on the same seeds, with 95 % intervals over seeds.",
        "",
        "| who acts | own reward | by the rule | difference |",
        "|---|--:|--:|--:|",
    ]
    for name in found:
        acting = [kind for kind in KINDS if name.startswith(("all ", f"{kind} ")) and name != RULE]
        for kind in acting:
            own = _mean(found[name], kind), _mean(found[RULE], kind), _gap(found, name, kind)
            who = f"{name}: {kind}" if name.startswith("all ") else name
            lines.append(f"| {who} | " + " | ".join(own) + " |")
    lines += ["", "| who acts | " + " | ".join(MEASURES.values()) + " |"]
    lines.append("|---" + "|--:" * len(MEASURES) + "|")
    for name, trials in found.items():
        means = [_mean(trials, measure) for measure in MEASURES]
        if name != RULE:
            means = [_gap(found, name, measure) for measure in MEASURES]
        lines.append(f"| {name} | " + " | ".join(means) + " |")
    lines += ["", "The first row is the level, the others differ from it by so much."]
    return lines


def _values(trials: list[Trial], measure: str) -> list[float]:
    return [each[measure] for each in trials]


def _mean(trials: list[Trial], measure: str) -> str:
    return f"{np.mean(_values(trials, measure)):.{_places(measure)}f}"


def _places(measure: str) -> int:
    return 3 if measure in KINDS else 2


def _gap(found: dict[str, list[Trial]], name: str, measure: str) -> str:
    """The mean difference from the rule, seed by seed, and its interval; bold where it is sure."""
    gaps = np.subtract(_values(found[name], measure), _values(found[RULE], measure))
    of, places = bootstrap(gaps), _places(measure)
    said = f"{of.mean:+.{places}f} [{of.low:+.{places}f}, {of.high:+.{places}f}]"
    return f"**{said}**" if of.low > 0.0 or of.high < 0.0 else said


@app.command()
def compare(
    folder: Networks = None, seeds: Seeds = SEEDS, households: Households = HOUSEHOLDS
) -> None:
    """All populations on held-out seeds."""
    found = measured(folder, seeds, households)
    console.print(Markdown("\n".join(compared(found, households))))


@app.command()
def publish() -> None:
    """Measure, and write docs/learning-macro.md."""
    page = (Path(__file__).parent / "learning_macro_page.md").read_text("utf-8")
    found = measured(None, SEEDS, HOUSEHOLDS)
    parts = {"compare": compared(found, HOUSEHOLDS), "training": trained()}
    for name, lines in parts.items():
        page = page.replace(f"<{name}>", "\n".join(lines))
    (DOCS / "learning-macro.md").write_text(page, "utf-8")
    console.print("wrote docs/learning-macro.md")


def trained() -> list[str]:
    """Lines of Markdown: how the networks in the package were made, as their files say."""
    lines = [
        "| network | learned beside | cities | households of each | months | seed |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for kind in KINDS:
        about = networks.about(networks.data_of("networks", None, kind))
        beside = ", ".join(other for other in about["learned_beside"] if other != kind)
        lines.append(
            f"| {kind} | {beside or 'nobody'} | {about['worlds']} | {about['households']:,} | "
            f"{about['steps']:,} of {about['of_steps']:,} | {about['seed']} |"
        )
    return lines


if __name__ == "__main__":
    app()
