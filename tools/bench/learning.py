"""Learning: how many decisions a network makes a second of a core, and how fast PPO learns on two.

Trainings are timed by the clock, with two threads, as the system to beat was with two cores: a
machine that others use as well shows less. Beside each figure stands how many cores it had and what
it would be of one core's seconds, all threads together. A decision of a merchant is one act; a step
of a world the ten ticks in which each merchant acts once on average; a step of a macro city is its
month. Settling is not counted.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from city_node.laboratory import train, train_macro
from city_node.laboratory.merchant_lessons import KIND, Lessons
from city_node.machine import spread_over
from city_node.settings.wishes import Wishes
from engine.economy import Spread
from engine.learning.environment import Environment, Record, Recorder
from engine.learning.ppo import Settings, learn, new_learners
from engine.macro.environment import MacroCities
from engine.policy import Policy, Spaces, outputs, sampled
from merchants.mind import SPACES
from tools.bench.learning_torch import sampler
from tools.bench.machine import core_seconds
from tools.bench.results import Peer, Result, Row, figure, row_of

AGENTS = 100_000
REPETITIONS = 5

NETWORKS = {
    "a merchant's network, 45 → 64 → 64, five choices": (SPACES, (64, 64)),
    "15 → 128 → 128, one choice of 100": (Spaces(15, (100,)), (128, 128)),
}

DECISIONS_GOAL = 1.25e6
"""A core; 2.5 M on two."""

STEPS_TO_BEAT, AGENT_STEPS_TO_BEAT = 18.7, 2_357.0
"""A second, on two cores: the system to beat, 126 agents, 10 epochs."""

AS_TRAINED = train.SETTINGS, train_macro.SETTINGS
"""Whose rows have the goal: the best settings that are known."""

WORLDS, UPDATES, SETTLING_TICKS, STEP_TICKS = 16, 3, 3_000, 10
THREADS = 2

EXPECTED = """
A forward pass of 45, 64, 64 and 20 numbers is 8,256 products; a core multiplies 32 at a time, half
of it reached: 0.13 µs, as much again for 128 tanh and 20 exponentials: 4 M decisions/s. Of 128 and
100 numbers it is 31,000 products, 0.5 µs, 1.3 M/s with a choice of a hundred.

Learning goes through each decision `epochs` times. A merchant's actor and critic are 15,300
products forward, as many for the weights' gradient and 9,600 to get it back through the layers: at
the 65 G/s of our products of such layers 0.6 µs. 256 tanh, their derivatives and sums take 0.15 µs,
choices and chances 0.1 µs, bringing rows together from all over the batch 0.2 µs, what a step costs
besides, shared by its 1,400 rows, 0.15 µs: 1.2 µs. With 12 µs for the world and what is noted of it
a decision of 10 epochs takes 24 µs of a core: on two cores that lose nothing 83 k a second. A
household's networks have 26,000 products: 0.8 µs; a month of 126 agents and 10 epochs takes 1 ms,
and 0.5 ms more, which threads share badly, for the month, what agents see and what they do: 1,000
steps/s on two cores.
"""


def measure(tell: Callable[[str, float], None]) -> Result:
    """Networks, then trainings; `tell` hears what is being done and what share of it is."""
    rows = []
    for number, (name, (spaces, hidden)) in enumerate(NETWORKS.items()):
        tell(name, 0.1 * number)
        rows.append(deciding(name, spaces, hidden))
    trainings = merchants_train(tell, 0.2) + macro_trains(tell, 0.7)
    best = max(row.ratio(row.peers[0].value) for row in trainings if "agent-steps" in row.unit)
    found = (
        f"A merchant's network decides {rows[0].ours / 1e6:.2f} M times a second of a core. "
        f"On two cores training takes at best {best:.0f} times as many agent-steps a second as the "
        "system to beat."
    )
    return Result("Learning", EXPECTED, (*rows, *trainings), found)


def deciding(name: str, spaces: Spaces, hidden: tuple[int, ...]) -> Row:
    """Forward pass and sampling, and torch's, in turns."""
    policy, torchs_of = sampler(spaces, hidden)
    random = np.random.default_rng(0)
    seen = random.normal(0.0, 1.0, (AGENTS, spaces.observations)).astype(np.float32)

    def ours() -> None:
        sampled(policy, outputs(policy, seen), random)

    def torchs() -> None:
        torchs_of(seen)

    rates: dict[Callable[[], None], list[float]] = {ours: [], torchs: []}
    for _ in range(REPETITIONS):
        for run, values in rates.items():
            began = core_seconds()
            run()
            values.append(AGENTS / (core_seconds() - began))
    peer = sorted(rates[torchs])[REPETITIONS // 2]
    return row_of(
        f"decisions with sampling, {name}",
        rates[ours],
        "decisions/s of a core",
        peers=(Peer("torch, Categorical.sample", peer, "beside"),),
        goal=DECISIONS_GOAL,
    )


def merchants_train(tell: Callable[[str, float], None], share: float) -> list[Row]:
    """At 10 epochs, as `city-node train merchants` does."""
    config, settings = train.lesson_config(Wishes(seed=1)), train.SETTINGS
    lessons = Counted(config, WORLDS, threads=THREADS, settling_ticks=SETTLING_TICKS)
    with spread_over(THREADS) as spread:
        tell("merchants", share)
        steps = WORLDS * settings.steps_per_update / STEP_TICKS
        return pace("merchants", lessons, settings, spread, steps, lambda: lessons.decisions)


def macro_trains(tell: Callable[[str, float], None], share: float) -> list[Row]:
    """Cities of 126 agents, who all learn, at 10 epochs and as `city-node train macro` does."""
    rows = []
    with spread_over(THREADS) as spread:
        for settings in (
            replace(train_macro.SETTINGS, epochs=10, rows_max=10**9),
            train_macro.SETTINGS,
        ):
            tell(f"macro, {settings.epochs} epochs", share + 0.15 * (settings.epochs < 10))
            cities = MacroCities(WORLDS, 108, settling_months=12, spread=spread)
            steps = WORLDS * settings.steps_per_update
            rows += pace(
                "macro cities of 126 agents",
                cities,
                settings,
                spread,
                steps,
                lambda: steps * 126,  # noqa: B023
            )
    return rows


class Counted(Lessons):
    """Lessons that know how many decisions the last recording held."""

    decisions = 0

    def record(self, policies: Mapping[str, Policy], steps: int) -> Mapping[str, Record]:
        """See `Lessons`."""
        records = super().record(policies, steps)
        self.decisions = int(records[KIND].decisions.sum())
        return records


def pace(
    name: str,
    environment: Environment | Recorder,
    settings: Settings,
    spread: Spread,
    steps: float,
    agent_steps: Callable[[], int],
) -> list[Row]:
    """Steps and agent-steps a second; the first update is not counted."""
    learners = new_learners(environment.spaces, settings, seed=1)
    each: tuple[list[float], list[float]] = ([], [])
    core_s = wall_s = 0.0
    all_steps = settings.steps_per_update * (1 + UPDATES)
    course = learn(environment, settings, learners, seed=1, steps=all_steps, spread=spread)
    next(course)
    for _ in range(UPDATES):
        began_s, core_began_s = time.perf_counter(), time.process_time()
        next(course)
        took_s = time.perf_counter() - began_s
        core_s, wall_s = core_s + time.process_time() - core_began_s, wall_s + took_s
        each[0].append(steps / took_s)
        each[1].append(agent_steps() / took_s)
    what = f"training of {name}, {settings.epochs} epochs"
    if settings.rows_max < 100_000:
        what += f", at most {settings.rows_max:,} acts of a kind in each"
    found = []
    units = ("steps", STEPS_TO_BEAT), ("agent-steps", AGENT_STEPS_TO_BEAT)
    for values, (unit, theirs) in zip(each, units, strict=True):
        of_a_core = UPDATES / sum(1.0 / value for value in values) * wall_s / core_s
        note = f"{core_s / wall_s:.2f} cores; {figure(of_a_core)} {unit}/s of a core"
        found.append(
            row_of(
                what,
                values,
                f"{unit}/s",
                peers=(Peer("the system to beat, 126 agents", theirs, "quoted, on two cores"),),
                floor=25 * theirs if settings.epochs == 10 else None,
                goal=50 * theirs if settings in AS_TRAINED else None,
                note=note if unit == "agent-steps" else "",
            )
        )
    return found
