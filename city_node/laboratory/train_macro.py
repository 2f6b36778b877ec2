"""`city-node train macro`: agents of macro cities learn, with progress, score and checkpoints.

What is learned in is `engine.macro.environment`, how in `engine.learning.ppo`; this is their coat.
All kinds that are asked for learn at once, in each other's presence; the others live by the rule.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console

from city_node.errors import ConfigError
from city_node.laboratory import networks
from city_node.laboratory.shared_cities import SharedCities
from city_node.laboratory.train import STEPS_MAX, WORLDS_MAX, saying, tensorboard
from city_node.laboratory.workers import Workers, working
from city_node.machine import spread_over
from city_node.settings.config import Config, resolve
from city_node.settings.wishes import Wishes
from engine.economy import Spread
from engine.learning.environment import Environment
from engine.learning.ppo import Settings, Update, learn, new_learners
from engine.learning.saved import NotALearnerError, restore, saved, use
from engine.macro.city import Parameters
from engine.macro.environment import KINDS, MacroCities
from engine.macro.laboratory import advance_alone, reality_run
from engine.macro.learned import driven_by
from engine.policy import Policy
from engine.reality.report import graded_run
from engine.reality.score import grade
from engine.reality.series import RUN_MONTHS
from engine.reality.targets import MACRO

LOCALS = 500
"""Households of a city, unless a file of settings says otherwise: twenty firms."""

STEPS = 6_400
"""Months of every world, unless somebody says otherwise."""

SETTINGS = Settings(
    discount=0.97,
    steps_per_update=32,
    epochs=8,
    minibatches=8,
    rows_max=16_384,
    hidden=(64, 64),
    learning_rate=2e-3,
    entropy=0.0,
)
"""A reward a year later is worth two thirds. Layers are narrower than `network.HIDDEN`, for a
training may take half an hour of two cores; without a bonus for entropy agents grow sure."""

CHECKPOINT_UPDATES = 10
"""So often is a training saved, and scored."""

SCORED_SEEDS, SCORED_HOUSEHOLDS = (901, 902), 1_000
"""Of the small evaluation: some seconds. Cities as small as that score some 65 by the rule."""


@dataclass(frozen=True)
class Training:
    """What is asked of a training.

    Attributes:
        config: whose cities' rules are learned under, dealt out to the worlds.
        kinds: who learns.
        steps: months of every world in all.
        worlds: macro cities side by side.
        save: folder in which KIND.npz and KIND.checkpoint.pt go.
        resume: whether to go on from there.
        logs: folder for TensorBoard; None: none.
        workers: who runs the cities, see `workers.workers_of`.
    """

    config: Config
    kinds: tuple[str, ...]
    steps: int
    worlds: int
    threads: int
    settings: Settings
    save: Path
    resume: bool
    logs: Path | None
    workers: str

    def checkpoint(self, kind: str) -> Path:
        """Where a kind's learner and step go now and then, and where they are resumed from."""
        return self.save / f"{kind}.checkpoint.pt"


def training(
    wishes: Wishes,
    *,
    agents: str,
    steps: int,
    worlds: int,
    threads: int,
    device: str,
    save: Path,
    resume: bool = False,
    logs: Path | None = None,
    workers: str = "1",
) -> Training:
    """A checked training; cities of 500 households unless a file of settings says otherwise.

    Args:
        agents: kinds, separated by commas.

    Raises:
        ConfigError: what is wrong, in one line.
    """
    kinds = tuple(kind.strip() for kind in agents.split(","))
    for kind in kinds:
        if kind not in KINDS or kinds.count(kind) > 1:
            raise ConfigError(f"agents = '{agents}': must be some of {', '.join(KINDS)}")
    for field, value, most in (
        ("steps", steps, STEPS_MAX),
        ("worlds", worlds, WORLDS_MAX),
        ("threads", threads, 256),
    ):
        if not 1 <= value <= most:
            raise ConfigError(f"{field} = {value}: must be from 1 to {most}")
    try:
        use(device)
    except ImportError:
        raise ConfigError("train: needs torch, pip install 'city-node[learn]'") from None
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if wishes.config is None:
        cities = wishes.cities or ("Riverwood",)
        wishes = replace(wishes, cities=cities, economy="macro", locals=wishes.locals or LOCALS)
    config = resolve(wishes)
    for city in config.cities:
        if not isinstance(city.parameters, Parameters):
            raise ConfigError(f"cities.{city.name}.economy = '{city.economy}': must be macro")
    settings = replace(SETTINGS, device=device)
    asked = Training(config, kinds, steps, worlds, threads, settings, save, resume, logs, workers)
    for kind in kinds:
        if resume and not asked.checkpoint(kind).exists():
            raise ConfigError(f"resume: there is no checkpoint '{asked.checkpoint(kind)}'")
    return asked


def updates(asked: Training) -> Iterator[Update]:
    """The training, saved now and then and at its end; goes on from checkpoints if asked.

    Raises:
        ConfigError: a file cannot be written, or resumed from.
    """
    with working(asked.workers) as workers, spread_over(asked.threads) as spread:
        yield from _updates(asked, workers, spread)


def _updates(asked: Training, workers: Workers | None, spread: Spread) -> Iterator[Update]:
    cities, seed, step = asked.config.cities, asked.config.seed, 0
    size = asked.worlds, cities[0].locals
    behaviours = [city.parameters for city in cities]
    environment: Environment
    if workers is None:
        environment = MacroCities(*size, kinds=asked.kinds, behaviours=behaviours, spread=spread)
    else:
        environment = SharedCities(workers, *size, kinds=asked.kinds, behaviours=behaviours)
    learners = new_learners(environment.spaces, asked.settings, seed=seed)
    for kind in asked.kinds if asked.resume else ():
        path = asked.checkpoint(kind)
        try:
            step = restore(learners[kind], path.read_bytes(), asked.settings.device)
        except (OSError, NotALearnerError) as error:
            raise ConfigError(f"resume: '{path}' is not of this ({error})") from None
    course = learn(
        environment,
        asked.settings,
        learners,
        seed=seed + step,
        steps=asked.steps,
        step=step,
        spread=spread,
    )
    for update in course:
        if is_kept(asked, update):
            keep(asked, update)
        yield update


def is_kept(asked: Training, update: Update) -> bool:
    """Whether a training is saved and scored after this update."""
    number = update.step // asked.settings.steps_per_update
    return number % CHECKPOINT_UPDATES == 0 or update.step >= asked.steps


def keep(asked: Training, update: Update) -> None:
    """Write networks and checkpoints."""
    for kind, learner in update.learners.items():
        about = {
            "kind": kind,
            "learned_beside": asked.kinds,
            "seed": asked.config.seed,
            "steps": update.step,
            "of_steps": asked.steps,
            "worlds": asked.worlds,
            "households": asked.config.cities[0].locals,
            "settings": asdict(asked.settings),
            "reward": update.measures[kind]["reward"],
        }
        try:
            asked.save.mkdir(parents=True, exist_ok=True)
            networks.write(asked.save / f"{kind}.npz", learner.policy, about)
            asked.checkpoint(kind).write_bytes(saved(learner, update.step))
        except OSError as error:
            raise ConfigError(
                f"save = '{asked.save}': cannot be written ({error.strerror})"
            ) from None


def score(policies: Mapping[str, Policy]) -> float:
    """The Reality Score of a few small cities whose agents are driven by networks, per cent."""
    advance = partial(advance_alone, policies=driven_by(policies))
    scores = []
    for seed in SCORED_SEEDS:
        series = reality_run(seed, RUN_MONTHS, households=SCORED_HOUSEHOLDS, advance=advance)
        scores.append(grade(graded_run(seed, series).facts, MACRO).overall)
    return 100.0 * float(np.mean(scores))


def run(asked: Training) -> None:
    """Train, show progress, reward and score, save.

    Raises:
        ConfigError: a file cannot be written or read.
    """
    console = Console()
    households = asked.config.cities[0].locals
    console.print(
        f"seed {asked.config.seed}: {asked.worlds} macro cities of {households:,} households, "
        f"{asked.steps:,} months each; {', '.join(asked.kinds)} learn",
        highlight=False,
    )
    with (
        tensorboard(asked.logs) as note,
        saying(console) as bar,
    ):
        task = bar.add_task("training", total=asked.steps, said="")
        began_s, said = time.monotonic(), f"Reality Score {score({}):.0f}"
        for update in updates(asked):
            if is_kept(asked, update):
                scored = score({kind: of.policy for kind, of in update.learners.items()})
                note(update.step, "all", {"reality_score": scored})
                said = f"Reality Score {scored:.0f}"
            for kind, measures in update.measures.items():
                note(update.step, kind, measures)
            bar.update(task, completed=update.step, said=f"{rewards_line(update)}, {said}")
    console.print(f"saved after {time.monotonic() - began_s:,.0f} s:", highlight=False)
    for kind in asked.kinds:
        path = asked.save / f"{kind}.npz"
        console.print(f'[macro.{kind}] policy = "learned", network = "{path}"', markup=False)


def rewards_line(update: Update) -> str:
    """The mean reward of every kind."""
    rewards = (f"{kind} {of['reward']:+.3f}" for kind, of in update.measures.items())
    return "reward " + ", ".join(rewards)
