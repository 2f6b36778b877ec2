"""The pace, on a clock of its own: what is asked for comes, and what cannot come is forgotten."""

from itertools import pairwise

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from city_node.pace import DEBT_S_MAX, FRAME_S, Pace

SPEEDS = [60, 61, 600, 6_000, 60_000, 600_000]


class Engine:
    """Runs windows at a rate of its own, and notes them: (when it began, ticks) each."""

    def __init__(self, clock: MockClock, pace: Pace, ticks_per_s: float) -> None:
        self.clock, self.pace, self.ticks_per_s = clock, pace, ticks_per_s
        self.windows: list[tuple[float, int]] = []

    @property
    def ticks(self) -> int:
        """In all."""
        return sum(ticks for _, ticks in self.windows)

    async def run(self, until_s: float) -> None:
        """Windows until then, or until the pace says that the run is over."""
        while trio.current_time() < until_s:
            ticks = await self.pace.next_ticks()
            if ticks is None:
                return
            self.windows.append((trio.current_time(), ticks))
            if ticks:
                took_s = ticks / self.ticks_per_s
                self.clock.jump(took_s)
                self.pace.passed(ticks, took_s)


def ran(speed: int | None, ticks: int | None, engine_ticks_per_s: float, until_s: float) -> Engine:
    """An engine that has run so long."""
    engines = []

    async def main() -> None:
        engines.append(Engine(clock, Pace(speed, ticks), engine_ticks_per_s))
        await engines[0].run(until_s)

    clock = MockClock(autojump_threshold=0)
    trio.run(main, clock=clock)
    return engines[0]


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("spare", [1.2, 100.0, 1e6])
def test_the_speed_asked_for_is_the_speed(speed: int, spare: float) -> None:
    engine = ran(speed, None, speed * spare, 10.0)
    frame_ticks = max(1, speed * FRAME_S)
    assert abs(engine.ticks - 10.0 * speed) <= 3 * frame_ticks
    assert engine.pace.achieved_ticks_per_s() == pytest.approx(speed, rel=0.05)
    # so that commands are served: a window takes a frame of the clock, and of the engine, at most
    starts = [start for start, _ in engine.windows]
    longest = max(later - earlier for earlier, later in pairwise(starts))
    assert longest <= 2.1 * FRAME_S


@pytest.mark.parametrize("speed", SPEEDS)
def test_an_engine_that_cannot_keep_up_runs_as_fast_as_it_can(speed: int) -> None:
    engine = ran(speed, None, speed / 3, 20.0)
    assert engine.ticks == pytest.approx(20.0 * speed / 3, rel=0.1)
    assert engine.pace.achieved_ticks_per_s() == pytest.approx(speed / 3, rel=0.1)
    settled = [ticks for start, ticks in engine.windows if start > 5.0]
    assert max(settled) <= max(1, speed / 3 * FRAME_S * 1.5)


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.trio
async def test_what_is_owed_after_a_standstill_is_bounded(speed: int, autojump_clock) -> None:
    engine = Engine(autojump_clock, Pace(speed, None), speed * 1_000.0)
    await engine.run(2.0)
    before = engine.ticks
    autojump_clock.jump(3_600.0)  # a lid that was shut
    woken_s = trio.current_time()
    await engine.run(woken_s + 1.0)
    most = speed * (1.0 + DEBT_S_MAX) + 3 * max(1, speed * FRAME_S)
    assert speed <= engine.ticks - before <= most


@given(
    st.sampled_from([None, *SPEEDS]),
    st.integers(0, 5_000),
    st.floats(100.0, 1e9),
)
def test_ticks_never_exceed_what_is_left(speed, ticks: int, rate: float) -> None:
    engine = ran(speed, ticks, rate, 1e9)
    assert engine.ticks == ticks
    assert all(window >= 1 for _, window in engine.windows)
    assert engine.pace.ticks_left == 0


def test_as_fast_as_it_goes_nobody_waits() -> None:
    engine = ran(None, None, 100_000.0, 10.0)
    assert engine.ticks == pytest.approx(1_000_000, rel=0.001)
    settled = [ticks for start, ticks in engine.windows if start > 1.0]
    assert min(settled) >= 100_000 * FRAME_S * 0.9
    assert max(settled) <= 100_000 * FRAME_S * 1.1


@pytest.mark.trio
async def test_paused_nothing_is_due_but_steps(autojump_clock) -> None:
    pace = Pace(6_000, None)
    engine = Engine(autojump_clock, pace, 1e6)
    await engine.run(1.0)
    pace.pause()
    engine.windows.clear()
    await engine.run(2.0)
    assert engine.ticks == 0
    starts = [start for start, _ in engine.windows]
    assert len(starts) == pytest.approx(1.0 / FRAME_S, abs=2)  # commands are still served
    pace.step(1)
    pace.step(10_000)
    await engine.run(3.0)
    assert engine.ticks == 10_001
    pace.step(5)
    pace.pause()
    await engine.run(4.0)
    assert engine.ticks == 10_001
    pace.resume()
    engine.windows.clear()
    resumed_s = trio.current_time()
    await engine.run(resumed_s + 1.0)
    assert abs(engine.ticks - 6_000) <= 300  # nothing is owed for the time of the pause


@pytest.mark.trio
async def test_another_speed_while_it_runs_and_a_stop(autojump_clock) -> None:
    pace = Pace(6_000, None)
    engine = Engine(autojump_clock, pace, 1e6)
    await engine.run(1.0)
    for speed in (60, 60_000, None, 600):
        pace.speed_ticks_per_s = speed
        engine.windows.clear()
        changed_s = trio.current_time()
        await engine.run(changed_s + 1.0)
        expected = 1e6 if speed is None else speed
        assert abs(engine.ticks - expected) <= expected * (DEBT_S_MAX + 3 * FRAME_S) + 3
    pace.stop()
    assert await pace.next_ticks() is None
