"""The lessons of merchants (`merchant_lessons`), their worlds shared out to workers.

The same records come out for any number of workers: whatever happens in a world follows from its
number. Called by `train`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from city_node.laboratory.evolve import SETTLING_TICKS
from city_node.laboratory.merchant_lessons import KIND, Lessons, side_by_side, tree_copied
from city_node.laboratory.workers import Kept, Workers
from city_node.settings.config import Config
from engine.learning.environment import Record
from engine.policy import Policy
from merchants.mind import SPACES


@dataclass(frozen=True)
class Share:
    """What a worker is asked to found and settle; as `Lessons` takes it."""

    config: Config
    worlds: int
    numbers: Sequence[int]
    threads: int
    settling_ticks: int
    seed: int


class SharedLessons:
    """A Recorder, as `Lessons` is.

    Args:
        workers: who runs the worlds.
        config, worlds, threads, settling_ticks, settled: as those of `Lessons`; threads of each
            worker, and of its worlds `settled` is told at once.
    """

    spaces: Mapping[str, Any] = {KIND: SPACES}

    def __init__(
        self,
        workers: Workers,
        config: Config,
        worlds: int,
        *,
        threads: int = 1,
        settling_ticks: int = SETTLING_TICKS,
        settled: Callable[[], object] = lambda: None,
    ) -> None:
        self.workers, self.config, self.worlds = workers, config, worlds
        self.threads, self.settling_ticks, self.settled = threads, settling_ticks, settled
        self.busy = min(worlds, workers.count)

    def reset(self, seed: int) -> None:
        """Found and settle the worlds; deterministic in the seed."""
        shares = [
            Share(
                self.config,
                self.worlds,
                range(self.worlds)[worker :: self.busy],
                self.threads,
                self.settling_ticks,
                seed,
            )
            for worker in range(self.busy)
        ]
        for worlds in self.workers.each(begin, shares):
            for _ in range(worlds):
                self.settled()

    def record(self, policies: Mapping[str, Policy], steps: int) -> Mapping[str, Record]:
        """All worlds for so many ticks."""
        asked = [(policies[KIND], steps)] * self.busy
        parts: list[Record | None] = [None] * self.worlds
        for worker, records in enumerate(self.workers.each(record, asked)):
            parts[worker :: self.busy] = records
        return {KIND: side_by_side([part for part in parts if part is not None])}


def begin(kept: Kept, share: Share) -> int:
    """Found and settle a share of the worlds. Returns: how many."""
    lessons = Lessons(
        share.config,
        share.worlds,
        numbers=share.numbers,
        threads=share.threads,
        settling_ticks=share.settling_ticks,
    )
    lessons.reset(share.seed)
    kept["lessons"] = lessons
    return len(share.numbers)


def record(kept: Kept, asked: tuple[Policy, int]) -> list[Record]:
    """The records of the worlds that are kept, by number."""
    lessons: Lessons = kept["lessons"]
    policy, ticks = asked
    return lessons.parts(tree_copied(policy), ticks)  # Ray's own arrays may not be written to
