"""One run: a network of nodes, a nemesis, and whoever counts the money; all from one integer."""

import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import trio
import trio.testing

from city_node.node import first_of
from tools.simulate.audit import Count, count_all
from tools.simulate.founding import ECONOMIES, found_nodes
from tools.simulate.internet import Internet
from tools.simulate.nemesis import Nemesis
from tools.simulate.nodes import Node, ViolationError
from tools.simulate.standstill import StandstillError, bounded_turns

NODES_MIN, NODES_MAX = 2, 4
"""Few nodes meet the more faults each."""

COUNTED_EVERY_S = 5.0
CALM_S = 30.0
CALM_S_MAX = 1_800.0
"""After the last fault every migration that was open then must be over within so long. It is looked
every now and then whether they are, so that a run need not last longer."""

STORY_LINES_MAX = 40


@dataclass(frozen=True)
class Scene:
    """What is asked of a run.

    Attributes:
        hours: simulated, with faults; the calm comes on top.
        nodes: None: a few, by the seed.
        economies: one node of each, all honest, and all must trade; none: of all kinds, in turn.
    """

    seed: int
    hours: float
    nodes: int | None = None
    economies: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """What replays it."""
        return f"python -m tools.simulate --seed {self.seed} {self.asked}"

    @property
    def asked(self) -> str:
        """All that was asked for but the seed."""
        nodes = f" --nodes {self.nodes}" if self.nodes else ""
        economies = f" --economies {','.join(self.economies)}" if self.economies else ""
        return f"--hours {self.hours:g}{nodes}{economies}"


@dataclass
class Outcome:
    """What became of a run.

    Attributes:
        nodes: how many there were.
        joined: pairs of them that have dialled, either the other.
        stuck: migrations that were not over in time.
        trace: digest of all that was ever sent, and when.
        failure: what went wrong; empty: nothing.
        story: the end of what nodes and nemesis said.
    """

    scene: Scene
    simulated_s: float = 0.0
    count: Count = field(default_factory=Count)
    faults: Counter[str] = field(default_factory=Counter)
    nodes: int = 0
    joined: int = 0
    stuck: int = 0
    trace: str = ""
    failure: str = ""
    story: list[str] = field(default_factory=list)


class Story:
    """Takes the place of stderr: keeps the newest lines, each with the simulated time.

    Args:
        tell: is told each line.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self.lines: deque[str] = deque(maxlen=STORY_LINES_MAX)

    def write(self, text: str) -> int:
        """What nodes log; their status lines are passed over."""
        for line in text.splitlines():
            if line.startswith("city-node: "):
                self.say(line.removeprefix("city-node: "))
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def say(self, line: str) -> None:
        """Add a line."""
        told = f"{trio.current_time():10.3f} {line}"
        self.lines.append(told)
        self._tell(told)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let trio choose which task is next by the seed.

    There is no public way; trio is pinned for it, and a test runs a seed twice.
    """
    from trio._core import _run

    was = _run._ALLOW_DETERMINISTIC_SCHEDULING
    _run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    _run._r.seed(seed)
    try:
        yield
    finally:
        _run._ALLOW_DETERMINISTIC_SCHEDULING = was  # type: ignore[misc]


def simulate(scene: Scene, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """Run one scene to its end, or to its first failure.

    Args:
        tell: is told the story line by line.
    """
    outcome, story = Outcome(scene), Story(tell)
    clock = trio.testing.MockClock(autojump_threshold=0)
    with seeded(scene.seed), contextlib.redirect_stderr(story):
        try:
            trio.run(run_scene, scene, outcome, story, clock=clock)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            outcome.failure = in_one_line(error)
    outcome.simulated_s = clock.current_time()
    outcome.story = list(story.lines)
    return outcome


def in_one_line(error: BaseException) -> str:
    """What is wrong, and where it was raised."""
    error = first_of(error)
    if isinstance(error, ViolationError | StandstillError):
        return str(error)
    at = error.__traceback__
    while at and at.tb_next:
        at = at.tb_next
    where = f" at {at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else ""
    return f"{type(error).__name__}: {error}{where}"


async def run_scene(scene: Scene, outcome: Outcome, story: Story) -> None:
    """The nodes, haunted, then left in peace; counted all the while."""
    random = Random(scene.seed)
    try:
        async with trio.open_nursery() as nursery:
            internet = Internet(Random(random.getrandbits(64)), nursery)
            count = scene.nodes or len(scene.economies) or random.randint(NODES_MIN, NODES_MAX)
            nodes = found_nodes(count, internet, random, scene.economies or ECONOMIES)
            nemesis = Nemesis(nodes, internet, random, story.say, outcome.faults)
            nemesis.hostile = not scene.economies
            with bounded_turns():  # only now: kernels have been compiled
                for node in nodes:
                    nursery.start_soon(node.live)
                nursery.start_soon(keep_counting, nodes, outcome)
                with trio.move_on_after(scene.hours * 3_600):
                    await nemesis.haunt()
                story.say("calm")
                await trio.sleep(CALM_S)
                nemesis.cut_all()
                await calm_down(nodes, outcome)
                check_trade(scene, outcome.count)
            nursery.cancel_scope.cancel()
    finally:
        outcome.trace = internet.trace.hexdigest()
        outcome.nodes, outcome.joined = len(internet.hosts), len(internet.cables)


async def calm_down(nodes: list[Node], outcome: Outcome) -> None:
    """Wait until all that was under way is over.

    Raises:
        ViolationError: it is not.
    """
    open_then, began_s = count_all(nodes).open, trio.current_time()
    while trio.current_time() < began_s + CALM_S_MAX:
        await trio.sleep(CALM_S)
        outcome.count = count_all(nodes)
        outcome.count.check()
        still = open_then & outcome.count.open
        if not still and all(node.host.is_up for node in nodes):
            return
    outcome.stuck = len(still)
    raise ViolationError(f"{len(still)} migrations are not over, one is {min(still, default='')}")


def check_trade(scene: Scene, count: Count) -> None:
    """Every economy that was asked for has sent merchants and taken some.

    Raises:
        ViolationError: one has not.
    """
    for economy in scene.economies:
        if not (count.entered[economy] and count.left[economy]):
            raise ViolationError(
                f"{economy}: {count.entered[economy]} merchants came to it, "
                f"{count.left[economy]} went from it"
            )


async def keep_counting(nodes: list[Node], outcome: Outcome) -> Any:
    """Count the money of the whole network now and again."""
    while True:
        await trio.sleep(COUNTED_EVERY_S)
        outcome.count = count_all(nodes)
        outcome.count.check()
