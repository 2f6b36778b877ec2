"""`tools.calibrate`: its surrogate, its quick score, and a whole search of small cities."""

import tomllib
from dataclasses import asdict

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from engine.macro.params import Behaviour
from engine.reality.score import grade
from engine.reality.targets import ROWS
from tools import calibrate


def told(*arguments: str):
    """What the command does with these arguments."""
    app = typer.Typer()
    app.command()(calibrate.main)
    return CliRunner().invoke(app, list(arguments))


def targets() -> np.ndarray:
    """A run of which every fact is as the ruler wants it."""
    middles = {
        value.fact: (value.low + value.high) / 2 if np.isfinite(value.low) else value.target
        for value in calibrate.VALUES
    }
    return np.array([middles[name] for name in calibrate.GRADED])


def test_the_quick_score_is_the_rulers() -> None:
    random = np.random.default_rng(1)
    facts = targets() * random.normal(1.0, 0.3, (20, len(calibrate.GRADED)))
    facts[3, ::7] = np.nan
    graded = [grade(dict(zip(calibrate.GRADED, run, strict=True)), ROWS).overall for run in facts]
    assert calibrate.score(facts) == pytest.approx(100.0 * np.mean(graded))
    assert calibrate.merit(targets()[None]) == pytest.approx(100.0)


def test_the_surrogate_climbs_to_the_targets_of_a_straight_line(monkeypatch) -> None:
    monkeypatch.setattr(calibrate, "LUCK", 20)
    random = np.random.default_rng(2)
    best = 0.5 * (calibrate.LOW + calibrate.HIGH)
    region, scale = 0.1, 0.1 * calibrate.steps_of(best)
    centre = best + 0.6 * scale * random.choice([-1.0, 1.0], len(best))
    slopes = random.normal(0.0, 0.03, (len(best), len(calibrate.GRADED)))
    points = np.array([calibrate.drawn_near(centre, region, random) for _ in range(400)])
    facts = targets() * (1.0 + (points - best) / scale @ slopes)
    (place, expected), (again, _) = (
        calibrate.climbed(points, facts, centre, region, np.random.default_rng(3)) for _ in "12"
    )

    def score(point: np.ndarray) -> float:
        return calibrate.score((targets() * (1.0 + (point - best) / scale @ slopes))[None])

    assert score(centre) < 90.0
    assert score(place) > 97.0
    assert (again == place).all()
    assert expected == pytest.approx(score(place), abs=1.0)


def test_draws_stay_within_what_is_allowed() -> None:
    random = np.random.default_rng(3)
    centre = calibrate.as_point(Behaviour())
    for _ in range(20):
        drawn = calibrate.drawn_near(centre, 5.0, random)
        assert (drawn >= calibrate.LOW).all()
        assert (drawn <= calibrate.HIGH).all()


def test_a_search_writes_values_that_it_can_begin_at_and_says_how(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(calibrate, "HOUSEHOLDS", 2_000)
    monkeypatch.setattr(calibrate, "CHECKS", 2)
    found = tmp_path / "found.toml"
    search = told("--rounds", "1", "--round-runs", "50", "--out", str(found))
    assert search.exit_code == 0, search.output
    once = tomllib.loads(found.read_text("utf-8"))
    assert once["command"].startswith("python -m tools.calibrate --rounds 1 --round-runs 50")
    assert once["seeds"] == "1000000 to 1000051, 2000 households"
    assert once["values"].keys() == asdict(Behaviour()).keys()
    Behaviour(**once["values"])


def test_seeds_of_evaluation_are_refused() -> None:
    refused = told("--first-seed", "221")
    assert refused.exit_code == 2
    assert "1000000" in refused.output
