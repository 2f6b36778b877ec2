"""The simulation of whole networks: one seed, one trace; honest counts; faults that do befall."""

import os
import subprocess
import sys

import pytest
import typer

from city_node.durability.ledger import Ledger
from city_node.errors import ConfigError
from city_node.network.migrating import Migrations
from tools.simulate import nemesis, nodes, simulation
from tools.simulate.__main__ import economies_of, failure_of, numbers_of, summary, until_stopped
from tools.simulate.nemesis import FAULTS, HOSTILE
from tools.simulate.simulation import Scene, simulate

HOURS = 0.05
THREE = ("bazaar", "macro", "society")


def test_one_seed_one_trace() -> None:
    """Also in another process, whose sets and dictionaries are hashed otherwise."""
    here = simulate(Scene(3, HOURS))
    assert here.failure == ""
    assert here.trace == simulate(Scene(3, HOURS)).trace
    program = (
        "from tools.simulate import __main__\n"
        "from tools.simulate.simulation import Scene, simulate\n"
        f"print(simulate(Scene(3, {HOURS})).trace, simulate(Scene(4, {HOURS})).trace)"
    )
    there = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    same, other = there.stdout.split()
    assert same == here.trace != other


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_befalls_and_costs_nobody_anything(kind: str, monkeypatch) -> None:
    monkeypatch.setattr(nemesis, "FAULTS", {kind: FAULTS[kind]})
    monkeypatch.setattr(nemesis, "KINDS_MIN", 1)
    monkeypatch.setattr(nemesis, "HOSTILE_SHARE", 0.0)
    outcome = simulate(Scene(1, HOURS, 2))
    assert outcome.failure == ""
    assert outcome.faults[kind] > 0
    assert outcome.count.migrations > 0
    assert summary([outcome])["seeds failed"] == "0"


def test_a_bazaar_a_macro_city_and_a_society_trade() -> None:
    """An hour of this is in docs/reliability.md, with the command that ran it."""
    outcome = simulate(Scene(1, HOURS, economies=THREE))
    assert outcome.failure == ""
    assert all(outcome.count.entered[kind] and outcome.count.left[kind] for kind in THREE)
    assert "--seed 1 --hours 0.05 --economies bazaar,macro,society" in outcome.scene.command


def test_an_economy_that_does_not_trade_is_a_failure() -> None:
    outcome = simulate(Scene(1, 0.001, economies=("bazaar",)))
    assert outcome.failure == "bazaar: 0 merchants came to it, 0 went from it"


def test_an_economy_that_there_is_not() -> None:
    with pytest.raises(typer.BadParameter, match="economies = 'feudal': must be one of bazaar"):
        economies_of("bazaar,feudal")


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_villain_costs_the_others_no_more_than_their_credit(kind: str, monkeypatch) -> None:
    monkeypatch.setattr(nemesis, "FAULTS", {})
    monkeypatch.setattr(nemesis, "KINDS_MIN", 0)
    monkeypatch.setattr(nemesis, "HOSTILE", {kind: HOSTILE[kind]})
    monkeypatch.setattr(nemesis, "HOSTILE_SHARE", 1.0)
    outcome = simulate(Scene(1, HOURS, 3))
    assert outcome.failure == ""
    assert outcome.faults[kind] > 0


def test_a_city_without_a_limit_to_its_credit_is_caught(monkeypatch) -> None:
    """A planted error: by some seed a villain forges more than he would have got."""
    monkeypatch.setattr(nemesis, "FAULTS", {})
    monkeypatch.setattr(nemesis, "KINDS_MIN", 0)
    monkeypatch.setattr(nemesis, "HOSTILE", {"lies": HOSTILE["lies"]})
    monkeypatch.setattr(nemesis, "HOSTILE_SHARE", 1.0)
    monkeypatch.setattr(Migrations, "_free_minor", lambda *_: 2**62)
    failures = (simulate(Scene(seed, HOURS, 3)).failure for seed in range(3, 15))
    assert any(" minor units net of " in failure for failure in failures)


def test_a_ledger_that_forgets_a_commit_is_caught(monkeypatch) -> None:
    """A planted error; what is printed of it replays it."""
    write = Ledger._write_migrations

    def forget(ledger, told, *rest) -> None:
        write(ledger, [row for row in told if row[4] != "COMMITTED"], *rest)

    monkeypatch.setattr(Ledger, "_write_migrations", forget)
    outcome = simulate(Scene(3, HOURS, 2))
    assert " duplicated, " in outcome.failure
    assert outcome.count.duplicated > 0
    assert "python -m tools.simulate --seed 3 --hours 0.05 --nodes 2" in failure_of(outcome)
    assert simulate(Scene(3, HOURS, 2)).trace == outcome.trace


def test_an_error_of_a_node_is_told_in_one_line(monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(simulation, "count_all", broken)
    outcome = simulate(Scene(0, HOURS))
    assert outcome.failure.startswith("ZeroDivisionError: planted at ")
    assert __file__ in outcome.failure


def test_what_a_node_finds_wrong_when_it_is_started_is_told(monkeypatch) -> None:
    """Not that it never came back."""

    def damaged(*_: object, **__: object) -> None:
        raise ConfigError("node0: does not balance")

    monkeypatch.setattr(nodes, "recover", damaged)
    outcome = simulate(Scene(0, HOURS))
    assert outcome.failure.startswith("ConfigError: node0: does not balance at ")
    assert outcome.simulated_s < 1.0


@pytest.mark.parametrize("seeds", ["5", "5:5", "a:b", "-1:3"])
def test_seeds_that_are_none(seeds: str) -> None:
    with pytest.raises(typer.BadParameter, match="must be A:B"):
        numbers_of(seeds)


def test_ctrl_c_leaves_what_there_was() -> None:
    def outcomes():
        yield "first"
        yield "second"
        raise KeyboardInterrupt

    assert until_stopped(outcomes()) == ["first", "second"]
