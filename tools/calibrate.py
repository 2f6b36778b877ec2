"""`python -m tools.calibrate`: find values of the macro economy's rules by a surrogate.

    python -m tools.calibrate --minutes 20 --first-seed 1000000

Values are drawn around a centre, inside a trust region, and the economy runs once for each draw on
a seed of its own: of calibration only, from a million up; the ruler evaluates on seeds below a
thousand. Ridge regression of every fact on the values gives a surrogate; a fact's residual is the
luck of a run. The score that the surrogate expects, every run graded alone as the ruler does, is
climbed inside the trust region by random steps. The place found becomes the next centre when runs
on further seeds, the same for both, score it higher; else the region shrinks. (Powell, "A view of
algorithms for optimization without derivatives", 2007: a trust region with a fitted model.)
"""

import os
import time
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from city_node.kernel_cache import prepare

prepare()  # before anything imports numba

from engine.macro.laboratory import HOUSEHOLDS, reality_run  # noqa: E402
from engine.macro.params import Behaviour  # noqa: E402
from engine.reality.report import graded_run  # noqa: E402
from engine.reality.score import FLOOR, grade  # noqa: E402
from engine.reality.series import RUN_MONTHS  # noqa: E402
from engine.reality.targets import ROWS, VALUES  # noqa: E402
from engine.tables import Array  # noqa: E402

FIRST_SEED = 1_000_000
KEPT = ("growth", "inflation_target", "size_tail")
"""Not searched: what the US trend and the first draw of firms are taken to be."""

RIDGES = tuple(10.0**power for power in np.arange(-1.0, 4.01, 0.5))
"""Penalties tried for each fact; cross-validation, leaving one run out, chooses among them."""

REGION, REGION_SMALLEST = 0.12, 0.02
"""Standard deviation of a draw, in log of a value or as a share of its range."""

CHECKS = 8
"""Seeds on which a centre is compared with the next."""

FILE = Path("engine/macro/calibrated.toml")
GRADED = [value.fact for value in VALUES]
NAMES = [f.name for f in fields(Behaviour) if f.name not in KEPT]
LOW = np.array([f.metadata["low"] for f in fields(Behaviour) if f.name not in KEPT])
HIGH = np.array([f.metadata["high"] for f in fields(Behaviour) if f.name not in KEPT])


def main(
    minutes: Annotated[float, typer.Option(help="Budget of wall-clock time.")] = 20.0,
    first_seed: Annotated[
        int, typer.Option(help="Of calibration; at least a million.")
    ] = FIRST_SEED,
    round_runs: Annotated[int, typer.Option(help="Runs between two fits.")] = 150,
    threads: Annotated[int, typer.Option(help="Runs at once.")] = os.cpu_count() or 1,
    out: Annotated[Path, typer.Option(help="File of values, read first and rewritten.")] = FILE,
    samples: Annotated[Path | None, typer.Option(help="Keep all runs here (.npz).")] = None,
) -> None:
    """Calibrate, and rewrite the values when better ones are found."""
    if first_seed < FIRST_SEED:
        raise typer.BadParameter(f"first_seed = {first_seed}: must be at least {FIRST_SEED}")
    console = Console()
    random = np.random.default_rng(first_seed)
    values = tomllib.loads(out.read_text("utf-8"))["values"]
    centre, region, seed, runs = as_point(Behaviour(**values)), REGION, first_seed, 0
    points, facts = np.empty((0, len(NAMES))), np.empty((0, len(GRADED)))
    if samples and samples.exists():
        kept = np.load(samples)
        points, facts = kept["points"], kept["facts"]
        seed += len(points) + 10_000
    end = time.monotonic() + 60.0 * minutes
    with ThreadPoolExecutor(threads) as pool:
        while time.monotonic() < end and region >= REGION_SMALLEST:
            drawn = [drawn_near(centre, region, random) for _ in range(round_runs)]
            found = measured(pool, drawn, range(seed, seed + round_runs))
            seed, runs = seed + round_runs, runs + round_runs
            points = np.vstack([points, np.array(drawn)])
            facts = np.vstack([facts, found])
            if samples:
                np.savez(samples, points=points, facts=facts)
            place, expected = climbed(points, facts, centre, region, random)
            checks = range(seed, seed + CHECKS)
            seed, runs = seed + CHECKS, runs + 2 * CHECKS
            now, then = (scores(measured(pool, [p] * CHECKS, checks)) for p in (centre, place))
            is_better = then.mean() > now.mean()
            console.print(
                f"{runs} runs: region {region:.3f}, expected {expected:.1f}, "
                f"centre {now.mean():.1f}, next {then.mean():.1f} on {CHECKS} seeds"
            )
            if is_better:
                centre = place
                write(out, centre, f"{first_seed} to {seed - 1}", runs)
            else:
                region /= 1.4
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
    """A point drawn around the centre, inside what each value may be."""
    drawn = centre + region * steps_of(centre) * random.standard_normal(len(centre))
    return np.clip(drawn, LOW, HIGH)


def measured(pool: ThreadPoolExecutor, points: Sequence[Array], seeds: Iterable[int]) -> Array:
    """float64[points, facts]: one run each; NaN where a run comes to nothing."""

    def one(pair: tuple[Array, int]) -> list[float]:
        point, seed = pair
        run = reality_run(seed, RUN_MONTHS, behaviour=behaviour_at(point), households=HOUSEHOLDS)
        found = graded_run(seed, run).facts
        return [found.get(name, np.nan) for name in GRADED]

    return np.array(list(pool.map(one, zip(points, seeds, strict=True))))


def scores(facts: Array) -> Array:
    """float64[runs], per cent: each run's score on all rows, as the ruler gives it."""
    return np.array(
        [100.0 * grade(dict(zip(GRADED, run, strict=True)), ROWS).overall for run in facts]
    )


def climbed(
    points: Array, facts: Array, centre: Array, region: float, random: np.random.Generator
) -> tuple[Array, float]:
    """The place in the trust region where the surrogate expects the best score, and that score."""
    scale = steps_of(centre)
    x = (points - centre) / scale
    near = (np.abs(x) / region).max(axis=1) < 8.0
    known = near & np.isfinite(facts).all(axis=1)
    x, y = x[known], facts[known]
    mean, slopes, luck = ridge(x / region, y)
    slopes = slopes / region
    luck = luck[random.permutation(len(luck))[:200]]

    def expected(step: Array) -> float:
        return fast_score(mean + step @ slopes + luck)

    best, best_score = np.zeros(len(centre)), expected(np.zeros(len(centre)))
    low, high = (LOW - centre) / scale, (HIGH - centre) / scale
    for number in range(4000):
        reach = region * (0.6 if number < 2000 else 0.2)
        tried = best + reach * random.standard_normal(len(best)) * (random.random(len(best)) < 0.1)
        tried = np.clip(np.clip(tried, -1.5 * region, 1.5 * region), low, high)
        score = expected(tried)
        if score > best_score:
            best, best_score = tried, score
    return np.clip(centre + best * scale, LOW, HIGH), best_score


def ridge(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Linear regression of every column of y, its slopes shrunk as far as predicts best.

    Args:
        x: float64[runs, values], in units of the region.
        y: float64[runs, facts].

    Returns:
        float64[facts] at x = 0; float64[values, facts] slopes; float64[runs, facts] residuals of
        predictions that leave the run itself out (Allen's PRESS, Technometrics 1974).
    """
    middle, mean = x.mean(axis=0), y.mean(axis=0)
    left, sizes, right = np.linalg.svd(x - middle, full_matrices=False)
    projected = left.T @ (y - mean)
    best = np.full(y.shape[1], np.inf)
    slopes, luck = np.zeros((x.shape[1], y.shape[1])), np.zeros_like(y)
    for penalty in RIDGES:
        shrunk = sizes**2 / (sizes**2 + penalty)
        leverage = ((left**2) @ shrunk + 1.0 / len(x))[:, None]
        missed = (y - mean - left @ (shrunk[:, None] * projected)) / (1.0 - leverage)
        error = (missed**2).sum(axis=0)
        wins = error < best
        best = np.where(wins, error, best)
        fitted = right.T @ ((shrunk / sizes)[:, None] * projected)
        slopes[:, wins], luck[:, wins] = fitted[:, wins], missed[:, wins]
    return mean - middle @ slopes, slopes, luck


def _graded_rows() -> list[tuple[str, list[tuple[int, float, float, float]]]]:
    rows = []
    for row in ROWS:
        if row.graded:
            members = []
            for value in row.values:
                is_band = np.isfinite(value.low)
                low = value.low if is_band else value.target - value.tolerance
                high = value.high if is_band else value.target + value.tolerance
                members.append((GRADED.index(value.fact), low, high, value.tolerance))
            rows.append((row.category, members))
    return rows


_ROWS = _graded_rows()


def fast_score(facts: Array) -> float:
    """`scores` over many runs at once, their mean."""
    categories: dict[str, list[Array]] = {}
    for category, members in _ROWS:
        credit = np.zeros(len(facts))
        for column, low, high, tolerance in members:
            measured_ = facts[:, column]
            beyond = np.maximum(np.maximum(low - measured_, measured_ - high), 0.0)
            credit += np.maximum(0.0, 1.0 - beyond / (2.0 * tolerance)) / len(members)
        categories.setdefault(category, []).append(credit)
    logs = [np.log(np.maximum(FLOOR, np.mean(rows, axis=0))) for rows in categories.values()]
    return float(100.0 * np.exp(np.mean(logs, axis=0)).mean())


def write(out: Path, centre: Array, seeds: str, runs: int) -> None:
    """Rewrite the values, with the command that found them."""
    said = asdict(behaviour_at(centre))
    lines = [
        "# Values of engine.macro.params.Behaviour; units and reasons stand there.",
        f'command = "python -m tools.calibrate ({runs} runs of {HOUSEHOLDS} households, '
        f'seeds {seeds})"',
        "",
        "[values]",
        *(f"{name} = {float(f'{value:.6g}')}" for name, value in said.items()),
    ]
    out.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    typer.run(main)
