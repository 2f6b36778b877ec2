"""How many ticks the next window has: the speed asked for, and no more than a frame's worth.

The only place where the world's time meets the clock. Called by the window loop.
"""

import math
from collections import deque

import trio

FRAME_S = 1 / 60
"""A window takes about so long, so that commands and viewers are served in between."""

DEBT_S_MAX = 0.25
"""A city that cannot keep up forgets what it owes beyond this, and shows the rate achieved."""

RATE_S = 2.0
"""The rate achieved is taken over so long."""

REAL_TIME_TICKS_PER_S = 60
"""1 x."""


class Pace:
    """The window loop's governor.

    Attributes:
        speed_ticks_per_s: asked for; None: as fast as it goes.
        ticks_left: until the run ends; None: for ever.
        paused: nothing is due but the steps asked for.
    """

    def __init__(self, speed_ticks_per_s: int | None, ticks_left: int | None) -> None:
        self.speed_ticks_per_s = speed_ticks_per_s
        self.ticks_left = ticks_left
        self.paused = False
        self._steps = 0
        self._owed_ticks = 0.0
        self._settled_s = trio.current_time()
        self._engine_ticks_per_s = 60.0
        self._passed: deque[tuple[float, int]] = deque([(self._settled_s, 0)])

    async def next_ticks(self) -> int | None:
        """Ticks that are due now; waits until there are, but if paused no longer than a frame.

        Returns:
            0 when paused, None when the run is over.
        """
        if self.ticks_left == 0:
            return None
        if self.paused and not self._steps:
            await trio.sleep(FRAME_S)
            self._settled_s = trio.current_time()
            return 0
        frame_ticks = max(1, int(self._engine_ticks_per_s * FRAME_S))
        if self.paused or self.speed_ticks_per_s is None:
            await trio.lowlevel.checkpoint()
            self._settled_s = trio.current_time()  # nothing is owed for this time
            due = min(frame_ticks, self._steps) if self.paused else frame_ticks
        else:
            if self._owed_ticks < 1:
                await self._let_time_pass(self.speed_ticks_per_s)
            else:
                await trio.lowlevel.checkpoint()
            due = min(max(1, int(self._owed_ticks)), frame_ticks)
        return due if self.ticks_left is None else min(due, self.ticks_left)

    async def _let_time_pass(self, speed: int) -> None:
        """Wait until a frame's worth is owed; what is owed is run in one burst, then again."""
        self._settle(speed)
        wanted_ticks = max(1.0, speed * FRAME_S)
        await trio.sleep(max(0.0, (wanted_ticks - self._owed_ticks) / speed))
        self._settle(speed)

    def _settle(self, speed: int) -> None:
        now_s = trio.current_time()
        owed = self._owed_ticks + (now_s - self._settled_s) * speed
        self._owed_ticks = min(owed, max(1.0, speed * DEBT_S_MAX))
        self._settled_s = now_s

    def passed(self, ticks: int, engine_s: float) -> None:
        """Note that a window of `ticks` has been run, and how long the engine took for it."""
        if self.ticks_left is not None:
            self.ticks_left -= ticks
        self._steps = max(0, self._steps - ticks)
        self._owed_ticks = max(0.0, self._owed_ticks - ticks)  # steps and max run on nobody's debt
        rate = ticks / max(engine_s, 1e-6)
        self._engine_ticks_per_s = math.sqrt(self._engine_ticks_per_s * rate)
        now_s = trio.current_time()
        self._passed.append((now_s, self._passed[-1][1] + ticks))
        while self._passed[0][0] < now_s - RATE_S and len(self._passed) > 2:
            self._passed.popleft()

    def pause(self) -> None:
        """Nothing is due from now on."""
        self.paused = True
        self._steps = 0

    def resume(self) -> None:
        """Go on at the speed asked for."""
        self.paused = False
        self._steps = 0
        self._owed_ticks = 0.0
        self._settled_s = trio.current_time()

    def step(self, ticks: int) -> None:
        """Pause, but for so many ticks more."""
        self.paused = True
        self._steps += ticks

    def stop(self) -> None:
        """The run is over after this window."""
        self.ticks_left = 0

    def achieved_ticks_per_s(self) -> float:
        """Over the last seconds."""
        (start_s, start_ticks), (end_s, end_ticks) = self._passed[0], self._passed[-1]
        return (end_ticks - start_ticks) / max(end_s - start_s, 1e-9)
