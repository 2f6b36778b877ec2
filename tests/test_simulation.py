"""The simulation of whole networks: one seed, one trace; honest counts; faults that do befall."""

import os
import subprocess
import sys

import pytest
import typer

from city_node import travelway
from tools.simulate import simulation
from tools.simulate.__main__ import failure_of, numbers_of, summary
from tools.simulate.nemesis import FAULTS
from tools.simulate.simulation import Scene, simulate

HOURS = 0.05


def test_one_seed_one_trace() -> None:
    """Also in another process, whose sets and dictionaries are hashed otherwise."""
    here = simulate(Scene(3, HOURS))
    assert here.failure == ""
    assert here.trace == simulate(Scene(3, HOURS)).trace
    assert here.trace != simulate(Scene(4, HOURS)).trace
    program = (
        "from tools.simulate import __main__\n"
        "from tools.simulate.simulation import Scene, simulate\n"
        f"print(simulate(Scene(3, {HOURS})).trace)"
    )
    there = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here.trace


def test_faults_of_every_kind_befall_and_merchants_cross_all_the_same() -> None:
    outcomes = [simulate(Scene(seed, HOURS)) for seed in range(5)]
    assert [outcome.failure for outcome in outcomes] == [""] * 5
    faults = sum((outcome.faults for outcome in outcomes), start=type(outcomes[0].faults)())
    assert set(faults) == set(FAULTS)
    assert sum(outcome.count.migrations for outcome in outcomes) > 100
    assert summary(outcomes)["seeds failed"] == "0"


def test_who_came_home_and_was_on_the_wire_too_is_caught(monkeypatch) -> None:
    """A planted error; what is printed of it replays it."""
    set_aside = travelway._set_aside

    def twice(network, way, staying) -> None:
        set_aside(network, way, [merchant for merchant, _ in way.outbox] or staying)

    monkeypatch.setattr(travelway, "_set_aside", twice)
    outcome = simulate(Scene(3, HOURS, 2))
    assert "more has arrived than left" in outcome.failure
    assert "python -m tools.simulate --seed 3 --hours 0.05 --nodes 2" in failure_of(outcome)
    assert simulate(Scene(3, HOURS, 2)).trace == outcome.trace


def test_an_error_of_a_node_is_told_in_one_line(monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(simulation, "count_all", broken)
    outcome = simulate(Scene(0, HOURS))
    assert outcome.failure.startswith("ZeroDivisionError: planted at ")
    assert __file__ in outcome.failure


@pytest.mark.parametrize("seeds", ["5", "5:5", "a:b", "-1:3"])
def test_seeds_that_are_none(seeds: str) -> None:
    with pytest.raises(typer.BadParameter, match="must be A:B"):
        numbers_of(seeds)
