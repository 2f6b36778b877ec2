"""`python -m tools.calibrate`: find values of the macro economy's rules by a surrogate.

    python -m tools.calibrate --rounds 2 --first-seed 1000000

It begins at the values that hands have laid down in `calibrate_start.toml`. Values are drawn around
a centre, inside a trust region, and the economy runs once for each draw on a seed of its own: of
calibration only, from a million up; the ruler evaluates on seeds below a thousand. The surrogate is
scikit-learn's ridge regression of every fact on the values; what it misses of a run that it has not
seen is the luck of a run. What the surrogate expects of `merit`, the mean of the ruler's two
scores, is climbed inside the trust region by scipy. Places on the way there are then run on further
seeds, the same for all: the best is the next centre, and if that is the old one the region shrinks.
(Powell, "A view of algorithms for optimization without derivatives", 2007: a trust region with a
fitted model.)

The same command finds the same values on one machine and one set of versions.
"""

import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from scipy.optimize import minimize
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_predict

from city_node.cores import usable_cores
from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from engine.macro.laboratory import HOUSEHOLDS, reality_run  # noqa: E402
from engine.macro.params import Behaviour  # noqa: E402
from engine.reality.report import graded_run  # noqa: E402
from engine.reality.score import FLOOR  # noqa: E402
from engine.reality.series import RUN_MONTHS  # noqa: E402
from engine.reality.targets import ROWS, VALUES  # noqa: E402
from engine.tables import Array  # noqa: E402

FIRST_SEED = 1_000_000
KEPT = ("growth", "inflation_target", "size_tail")
"""Not searched: what the US trend and the first draw of firms are taken to be."""

RIDGES = tuple(10.0**power for power in np.arange(-1.0, 4.01, 0.5))
"""Penalties tried for each fact; leaving one run out after the other chooses among them."""

REGION = 0.06
"""Standard deviation of a draw, in log of a value or as a share of its range, at first; the place
that the surrogate finds is so far away at most."""

WAY = (0.5, 1.0)
"""How much of the way to that place is tried: a straight line is believed less the farther off."""

LUCK = 200
"""Runs whose luck the expected score is the mean over."""

CHECKS = 48
"""Seeds on which a centre is compared with places on the way to the next."""

START = Path("tools/calibrate_start.toml")
FILE = Path("engine/macro/calibrated.toml")
GRADED = [value.fact for value in VALUES]
NAMES = [f.name for f in fields(Behaviour) if f.name not in KEPT]
LOW = np.array([f.metadata["low"] for f in fields(Behaviour) if f.name not in KEPT])
HIGH = np.array([f.metadata["high"] for f in fields(Behaviour) if f.name not in KEPT])


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Fits of the surrogate.")] = 2,
    round_runs: Annotated[int, typer.Option(min=50, help="Runs between two fits.")] = 400,
    first_seed: Annotated[
        int, typer.Option(min=FIRST_SEED, help="Of calibration: at least a million.")
    ] = FIRST_SEED,
    threads: Annotated[int, typer.Option(min=1, help="Runs at once.")] = usable_cores(),
    start: Annotated[Path, typer.Option(help="File of values to begin at.")] = START,
    out: Annotated[Path, typer.Option(help="File of values, written after every round.")] = FILE,
) -> None:
    """Calibrate the rules of the macro economy."""
    console = Console()
    random = np.random.default_rng(first_seed)
    centre = as_point(Behaviour(**tomllib.loads(start.read_text("utf-8"))["values"]))
    region, seed = REGION, first_seed
    points, facts = np.empty((0, len(NAMES))), np.empty((0, len(GRADED)))
    with ThreadPoolExecutor(threads) as pool, Progress(console=console) as progress:
        task = progress.add_task("runs", total=rounds * (round_runs + (1 + len(WAY)) * CHECKS))

        def measured(tried: Sequence[Array], seeds: Iterable[int]) -> Array:
            found = []
            for of_run in pool.map(facts_of, tried, seeds):
                found.append(of_run)
                progress.advance(task)
            return np.array(found)

        for number in range(1, rounds + 1):
            drawn = [drawn_near(centre, region, random) for _ in range(round_runs)]
            points = np.vstack([points, np.array(drawn)])
            facts = np.vstack([facts, measured(drawn, range(seed, seed + round_runs))])
            seed += round_runs
            place, expected = climbed(points, facts, centre, region, random)
            checks = range(seed, seed + CHECKS)
            seed += CHECKS
            tried = [centre + share * (place - centre) for share in (0.0, *WAY)]
            found = [merit(measured([of] * CHECKS, checks)) for of in tried]
            progress.print(
                f"round {number}: region {region:.3f}, expected {expected:.1f}; on {CHECKS} seeds "
                + ", ".join(f"{each:.1f}" for each in found)
            )
            best = int(np.argmax(found))
            centre = tried[best]
            if best == 0:
                region /= 1.4
            command = (
                f"python -m tools.calibrate --rounds {number} --round-runs {round_runs} "
                f"--first-seed {first_seed} --start {start}"
            )
            write(out, centre, command, f"{first_seed} to {seed - 1}")
    console.print(f"wrote {out}")


def as_point(behaviour: Behaviour) -> Array:
    """float64[values]: those that are searched, by NAMES."""
    said = asdict(behaviour)
    return np.array([said[name] for name in NAMES])


def behaviour_at(point: Array) -> Behaviour:
    """The rules with these values."""
    return replace(Behaviour(), **dict(zip(NAMES, point.tolist(), strict=True)))


def steps_of(point: Array) -> Array:
    """float64[values]: what one unit of the region moves each value by: itself, never too far."""
    return np.minimum(np.abs(point) + 0.01 * (HIGH - LOW), 0.5 * (HIGH - LOW))


def drawn_near(centre: Array, region: float, random: np.random.Generator) -> Array:
    """float64[values]: drawn around the centre, inside what each value may be."""
    drawn = centre + region * steps_of(centre) * random.standard_normal(len(centre))
    return np.clip(drawn, LOW, HIGH)


def facts_of(point: Array, seed: int) -> list[float]:
    """What the ruler measures of one run; NaN where a run comes to nothing."""
    run = reality_run(seed, RUN_MONTHS, behaviour=behaviour_at(point), households=HOUSEHOLDS)
    found = graded_run(seed, run).facts
    return [found.get(name, np.nan) for name in GRADED]


def climbed(
    points: Array, facts: Array, centre: Array, region: float, random: np.random.Generator
) -> tuple[Array, float]:
    """The place in the trust region where the surrogate expects most merit.

    Args:
        points: float64[runs, values]: where the economy was run.
        facts: float64[runs, facts]: what came of it; a run that lacks one is not learned from.
        centre: float64[values], of the region.
        region: its size, see `REGION`.
        random: chooses whose luck counts.

    Returns:
        float64[values], and the merit expected there.
    """
    scale = region * steps_of(centre)
    x = (points - centre) / scale
    known = (np.abs(x).max(axis=1) < 8.0) & np.isfinite(facts).all(axis=1)
    x, y = x[known], facts[known]
    surrogate = RidgeCV(alphas=RIDGES, alpha_per_target=True).fit(x, y)
    luck = y - cross_val_predict(surrogate, x, y, cv=10)
    luck = luck[random.permutation(len(luck))[:LUCK]]

    def missed(step: Array) -> float:
        return -merit(surrogate.intercept_ + surrogate.coef_ @ step + luck)

    low, high = np.clip((LOW - centre) / scale, -1, 0), np.clip((HIGH - centre) / scale, 0, 1)
    found = minimize(missed, np.zeros(len(centre)), method="L-BFGS-B", bounds=np.c_[low, high])
    return np.clip(centre + found.x * scale, LOW, HIGH), -float(found.fun)


def merit(facts: Array) -> float:
    """The mean of two scores on all rows, per cent: of runs graded alone, and of averaged facts.

    Args:
        facts: float64[runs, facts], as `score` takes them.
    """
    return 0.5 * (score(facts) + score(np.nanmean(facts, axis=0)[None]))


def score(facts: Array) -> float:
    """The mean score of runs graded alone, per cent: what `engine.reality.score.grade` gives, which
    a search calls too often to let it take a run at a time; a test compares them.

    Args:
        facts: float64[runs, facts]; NaN where a run came to nothing.
    """
    values = facts[:, _COLUMN]
    beyond = np.maximum(np.maximum(_BAND_LOW - values, values - _BAND_HIGH), 0.0)
    credit = np.nan_to_num(np.maximum(0.0, 1.0 - beyond / (2.0 * _TOLERANCE)))
    return float(100.0 * np.exp(np.log(np.maximum(FLOOR, credit @ _SHARE)).mean(axis=1)).mean())


_RULED = [(row, value) for row in ROWS if row.graded for value in row.values]
_COLUMN = [GRADED.index(value.fact) for _, value in _RULED]
_TOLERANCE = np.array([value.tolerance for _, value in _RULED])
_IS_BAND = np.array([np.isfinite(value.low) for _, value in _RULED])
_TARGET = np.array([value.target for _, value in _RULED])
_BAND_LOW = np.where(_IS_BAND, [value.low for _, value in _RULED], _TARGET - _TOLERANCE)
_BAND_HIGH = np.where(_IS_BAND, [value.high for _, value in _RULED], _TARGET + _TOLERANCE)
_CATEGORIES = sorted({row.category for row, _ in _RULED})
_SHARE = np.zeros((len(_RULED), len(_CATEGORIES)))
"""What a value counts in each category: rows count alike, and in a row its values."""
for _place, (_row, _) in enumerate(_RULED):
    _rows = sum(row.graded and row.category == _row.category for row in ROWS)
    _SHARE[_place, _CATEGORIES.index(_row.category)] = 1.0 / (_rows * len(_row.values))


def write(out: Path, centre: Array, command: str, seeds: str) -> None:
    """Write the values, with the command that found them."""
    lines = [
        "# Values of engine.macro.params.Behaviour; units and reasons stand there.",
        f'command = "{command}"',
        f'seeds = "{seeds}, {HOUSEHOLDS} households"',
        "",
        "[values]",
        *(f"{name} = {value:.6g}" for name, value in asdict(behaviour_at(centre)).items()),
    ]
    out.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    typer.run(main)
