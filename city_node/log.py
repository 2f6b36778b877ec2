"""What happens at the borders, one line each on stderr, and never a flood of them."""

import sys
import time

LINES_BURST = 20
LINES_PER_S = 1.0
"""A hostile peer costs at most so much of a log; what was left out is counted."""


class Log:
    """A log whose lines are rationed.

    Attributes:
        lines: the newest lines, for whoever shows them.
    """

    def __init__(self) -> None:
        self.lines: list[tuple[float, str]] = []
        self._ration = float(LINES_BURST)
        self._counted_s = time.monotonic()
        self._left_out = 0

    def say(self, line: str) -> None:
        """Log one line, unless the ration is used up."""
        now_s = time.monotonic()
        self._ration = min(LINES_BURST, self._ration + (now_s - self._counted_s) * LINES_PER_S)
        self._counted_s = now_s
        if self._ration < 1:
            self._left_out += 1
            return
        self._ration -= 1
        if self._left_out:
            line = f"{line} (and {self._left_out:,} lines left out before this one)"
            self._left_out = 0
        self.lines = [*self.lines[-99:], (time.time(), line)]
        print(f"city-node: {line}", file=sys.stderr, flush=True)
