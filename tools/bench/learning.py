"""Learning: how many decisions a network makes, and how fast PPO learns, a second of a core.

Seconds are those that the process had a core, all threads together: what two cores do at best is
twice that. A decision of a merchant is one act; a step of a world the ten ticks in which each
merchant acts once on average; a step of a macro city is its month. Settling is not counted.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from city_node.laboratory import train, train_macro
from city_node.laboratory.merchant_lessons import KIND, Lessons
from city_node.settings.wishes import Wishes
from engine.learning.environment import Environment, Record, Recorder
from engine.learning.ppo import Settings, learn, new_learners
from engine.macro.environment import MacroCities
from engine.policy import Policy, Spaces, outputs, sampled
from merchants.mind import SPACES
from tools.bench.learning_torch import sampler
from tools.bench.machine import core_seconds
from tools.bench.results import Peer, Result, Row, row_of

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

WORLDS, UPDATES, SETTLING_TICKS, STEP_TICKS = 16, 2, 3_000, 10

EXPECTED = """
A forward pass of 45, 64, 64 and 20 numbers is 8,256 products; a core multiplies 32 at a time, half
of it reached: 0.13 µs, as much again for 128 tanh and 20 exponentials: 4 M decisions/s. Of 128 and
100 numbers it is 31,000 products, 0.5 µs, 1.3 M/s with a choice of a hundred. Learning goes through
each decision `epochs` times, forward and back, actor and critic: 92,000 products, 1.2 µs at the
same rate, two or three times that with all that is not a product: 30 µs a decision at 10 epochs.
The world that a merchant decides in costs some 7 µs a decision.
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
        f"Training takes at best {best:.0f} times as many agent-steps a second of one core as the "
        "system to beat on two."
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
    """At 10 epochs and as `city-node train merchants` does."""
    lessons = Counted(train.lesson_config(Wishes(seed=1)), WORLDS, settling_ticks=SETTLING_TICKS)
    rows = []
    for settings in (replace(train.SETTINGS, epochs=10), train.SETTINGS):
        tell(f"merchants, {settings.epochs} epochs", share + 0.25 * (settings.epochs < 10))
        steps = WORLDS * settings.steps_per_update / STEP_TICKS
        rows += pace("merchants", lessons, settings, steps, lambda: lessons.decisions)
    return rows


def macro_trains(tell: Callable[[str, float], None], share: float) -> list[Row]:
    """Cities of 126 agents, who all learn, at 10 epochs and as `city-node train macro` does."""
    rows = []
    for settings in (
        replace(train_macro.SETTINGS, epochs=10, rows_max=10**9),
        train_macro.SETTINGS,
    ):
        tell(f"macro, {settings.epochs} epochs", share + 0.15 * (settings.epochs < 10))
        cities = MacroCities(WORLDS, 108, settling_months=12)
        steps = WORLDS * settings.steps_per_update
        rows += pace(
            "macro cities of 126 agents",
            cities,
            settings,
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
    steps: float,
    agent_steps: Callable[[], int],
) -> list[Row]:
    """Steps and agent-steps a second of a core; the first update is not counted."""
    learners = new_learners(environment.spaces, settings, seed=1)
    each: tuple[list[float], list[float]] = ([], [])
    course = learn(
        environment,
        settings,
        learners,
        seed=1,
        steps=settings.steps_per_update * (1 + UPDATES),
    )
    next(course)
    for _ in range(UPDATES):
        began_s = time.process_time()
        next(course)
        took_s = time.process_time() - began_s
        each[0].append(steps / took_s)
        each[1].append(agent_steps() / took_s)
    what = f"training of {name}, {settings.epochs} epochs"
    if settings.rows_max < 100_000:
        what += f", at most {settings.rows_max:,} acts of a kind in each"
    found = []
    units = ("steps", STEPS_TO_BEAT), ("agent-steps", AGENT_STEPS_TO_BEAT)
    for values, (unit, theirs) in zip(each, units, strict=True):
        found.append(
            row_of(
                what,
                values,
                f"{unit}/s of a core",
                peers=(Peer("the system to beat, 126 agents", theirs, "quoted, on two cores"),),
                floor=25 * theirs if settings.epochs == 10 else None,
                goal=None if settings.epochs == 10 else 50 * theirs,
            )
        )
    return found
