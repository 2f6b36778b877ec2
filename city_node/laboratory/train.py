"""`city-node train merchants`: learns with a progress bar, TensorBoard files and checkpoints.

What is learned from is in `merchant_lessons`, how in `engine.learning.ppo`; this is their coat.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from city_node.errors import ConfigError
from city_node.laboratory import networks
from city_node.laboratory.evolve import CITIES, LOCALS
from city_node.laboratory.merchant_lessons import KIND, SHARES, Lessons
from city_node.laboratory.shared_lessons import SharedLessons
from city_node.laboratory.workers import Workers, working
from city_node.machine import spread_over
from city_node.settings.config import Config, resolve
from city_node.settings.wishes import Wishes
from engine.economy import Spread
from engine.learning.environment import Recorder
from engine.learning.ppo import Settings, Update, learn, new_learners
from engine.learning.saved import NotALearnerError, restore, saved, use

MERCHANTS = 24
"""A city, unless a file of settings says otherwise."""

SETTINGS = Settings(
    steps_per_update=500,
    epochs=10,
    minibatches=8,
    hidden=(64, 64),
    learning_rate=1e-3,
    entropy=0.003,
    first_option=2.5,
)
"""A merchant decides every tenth tick: an update holds some thirty decisions of each. Layers are
narrower than `network.HIDDEN`, for a training may take half an hour of two cores."""

STEPS = 400_000
"""Ticks of each world: four times as many taught nothing more."""

STEPS_MAX = 100_000_000
WORLDS_MAX = 4_096


@dataclass(frozen=True)
class Training:
    """What is asked of a training.

    Attributes:
        steps: ticks of every world in all.
        save: where the network goes.
        checkpoint: where learner and step go now and then, and where they are resumed from.
        resume: whether to go on from there.
        logs: folder for TensorBoard; None: none.
        workers: who runs the worlds, see `workers.workers_of`.
    """

    config: Config
    steps: int
    worlds: int
    threads: int
    settings: Settings
    save: Path
    checkpoint: Path
    resume: bool
    logs: Path | None
    workers: str


CHECKPOINT_UPDATES = 10
"""So often is a training saved."""


def training(
    wishes: Wishes,
    *,
    steps: int,
    worlds: int,
    threads: int,
    device: str,
    save: Path,
    resume: bool = False,
    logs: Path | None = None,
    workers: str = "1",
) -> Training:
    """A checked training; four cities of 100 residents a world unless the user says others.

    Raises:
        ConfigError: what is wrong, in one line.
    """
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
    config = lesson_config(wishes)
    settings = Settings(**{**asdict(SETTINGS), "device": device})
    checkpoint = save.with_suffix(".checkpoint.pt")
    if resume and not checkpoint.exists():
        raise ConfigError(f"resume: there is no checkpoint '{checkpoint}'")
    return Training(
        config, steps, worlds, threads, settings, save, checkpoint, resume, logs, workers
    )


def lesson_config(wishes: Wishes) -> Config:
    """The cities of a world that merchants learn in; four of 100 residents unless wished otherwise.

    Raises:
        ConfigError: what is wrong, in one line.
    """
    if wishes.config is None:
        wishes = Wishes(
            cities=wishes.cities or CITIES,
            seed=wishes.seed,
            locals=wishes.locals or LOCALS,
            merchants=wishes.merchants or MERCHANTS,
            evolution=False,
        )
    return resolve(wishes)


def updates(asked: Training, settled: Callable[[], object] = lambda: None) -> Iterator[Update]:
    """The training, saved now and then and at its end; goes on from a checkpoint if asked.

    Args:
        asked: checked.
        settled: told after each world that has settled.

    Raises:
        ConfigError: a file cannot be written, or resumed from.
    """
    with working(asked.workers) as workers, spread_over(asked.threads) as spread:
        yield from _updates(asked, workers, spread, settled)


def _updates(
    asked: Training, workers: Workers | None, spread: Spread, settled: Callable[[], object]
) -> Iterator[Update]:
    seed, step = asked.config.seed, 0
    lessons: Recorder
    if workers is None:
        lessons = Lessons(asked.config, asked.worlds, threads=asked.threads, settled=settled)
    else:
        lessons = SharedLessons(
            workers, asked.config, asked.worlds, threads=asked.threads, settled=settled
        )
    learners = new_learners(lessons.spaces, asked.settings, seed=seed)
    if asked.resume:
        try:
            data = asked.checkpoint.read_bytes()
            step = restore(learners[KIND], data, asked.settings.device)
        except (OSError, NotALearnerError) as error:
            raise ConfigError(f"resume: '{asked.checkpoint}' is not of this ({error})") from None
    course = learn(
        lessons,
        asked.settings,
        learners,
        seed=seed + step,
        steps=asked.steps,
        step=step,
        spread=spread,
    )
    for number, update in enumerate(course, 1):
        if number % CHECKPOINT_UPDATES == 0 or update.step >= asked.steps:
            keep(asked, update)
        yield update


def keep(asked: Training, update: Update) -> None:
    """Write the network and the checkpoint."""
    learner, config = update.learners[KIND], asked.config
    about = {
        "seed": config.seed,
        "steps": update.step,
        "of_steps": asked.steps,
        "worlds": asked.worlds,
        "shares": SHARES,
        "cities": [city.name for city in config.cities],
        "locals": config.cities[0].locals,
        "merchants": config.cities[0].merchants,
        "settings": asdict(asked.settings),
        "reward": update.measures[KIND]["reward"],
    }
    try:
        networks.write(asked.save, learner.policy, about)
        asked.checkpoint.write_bytes(saved(learner, update.step))
    except OSError as error:
        raise ConfigError(f"save = '{asked.save}': cannot be written ({error.strerror})") from None


def run(asked: Training) -> None:
    """Train, show progress and reward, save.

    Raises:
        ConfigError: a file cannot be written or read.
    """
    console = Console()
    console.print(
        f"seed {asked.config.seed}: {asked.worlds} worlds of "
        f"{', '.join(city.name for city in asked.config.cities)}, {asked.steps:,} ticks each",
        highlight=False,
    )
    with (
        tensorboard(asked.logs) as note,
        saying(console) as bar,
    ):
        settling = bar.add_task("settling", total=asked.worlds, said="")
        task = bar.add_task("training", total=asked.steps, said="")
        began_s = time.monotonic()
        for update in updates(asked, lambda: bar.advance(settling)):
            measures = update.measures[KIND]
            note(update.step, KIND, measures)
            growth = f"{measures['reward'] / 100:+.3%} a decision"
            bar.update(task, completed=update.step, said=growth)
    console.print(
        f"saved {asked.save} after {time.monotonic() - began_s:,.0f} s:"
        f' [merchants] policy = "learned", network = "{asked.save}"',
        markup=False,
        highlight=False,
    )


def saying(console: Console) -> Progress:
    """A progress bar whose tasks have something to say, `said`."""
    columns = *Progress.get_default_columns(), TimeElapsedColumn()
    return Progress(*columns, TextColumn("{task.fields[said]}"), console=console)


@contextmanager
def tensorboard(folder: Path | None) -> Iterator[Callable[[int, str, Mapping[str, float]], None]]:
    """A function of step, kind and measures that writes them where TensorBoard finds them.

    Raises:
        ConfigError: it is not installed.
    """
    if folder is None:
        yield lambda *_: None
        return
    try:
        from tensorboard.summary import Writer
    except ImportError:
        raise ConfigError("logs: needs tensorboard, pip install 'city-node[learn]'") from None
    writer = Writer(str(folder))

    def note(step: int, kind: str, measures: Mapping[str, float]) -> None:
        for name, value in measures.items():
            writer.add_scalar(f"{kind}/{name}", value, step)

    try:
        yield note
    finally:
        writer.close()
