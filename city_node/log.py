"""What happens at the borders, one line each on stderr, and never a flood of them."""

import sys
import time
from collections import deque

LINES_BURST = 20
LINES_PER_S = 1.0
"""A hostile peer costs at most so much of a log; what was left out is counted."""


LINES_KEPT = 50
"""For observers."""


class Log:
    """A log whose lines are rationed.

    Attributes:
        said: how many lines so far.
    """

    def __init__(self) -> None:
        self.said = 0
        self._lines: deque[tuple[int, str]] = deque(maxlen=LINES_KEPT)
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
        self.said += 1
        self._lines.append((self.said, line))
        print(f"city-node: {line}", file=sys.stderr, flush=True)

    def newest(self) -> list[tuple[int, str]]:
        """The newest lines with their numbers, which grow by one."""
        return list(self._lines)
