"""What happens at the borders, one line each on stderr, and never a flood of them."""

import json
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

LINES_BURST = 20
LINES_PER_S = 1.0
"""A hostile peer costs at most so much of a log; what was left out is counted."""

REPEAT_S = 60.0
"""The same complaint again within so long is only counted."""


LINES_KEPT = 50
"""For observers."""


class Log:
    """A log whose lines are rationed.

    Args:
        as_json: one object a line, for machines.
        clock_s: any clock that does not go back.

    Attributes:
        said: how many lines so far.
    """

    def __init__(
        self, *, as_json: bool = False, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._as_json, self._clock_s = as_json, clock_s
        self.said = 0
        self._lines: deque[tuple[int, str]] = deque(maxlen=LINES_KEPT)
        self._ration = float(LINES_BURST)
        self._counted_s = self._clock_s()
        self._left_out = 0
        self._complained_s: dict[str, float] = {}

    def complain(self, line: str) -> None:
        """Log one line about a peer's fault, unless the same was said a while ago."""
        now_s = self._clock_s()
        since_s = now_s - REPEAT_S
        if self._complained_s.get(line, since_s) > since_s:
            self._left_out += 1
        elif self.say(line):
            recent = {said: at for said, at in self._complained_s.items() if at > since_s}
            self._complained_s = recent | {line: now_s}

    def say(self, line: str) -> bool:
        """Log one line, unless the ration is used up; returns whether it was said."""
        now_s = self._clock_s()
        self._ration = min(LINES_BURST, self._ration + (now_s - self._counted_s) * LINES_PER_S)
        self._counted_s = now_s
        if self._ration < 1:
            self._left_out += 1
            return False
        self._ration -= 1
        if self._left_out:
            lines = "line" if self._left_out == 1 else f"{self._left_out:,} lines"
            line = f"{line} (and {lines} left out before this one)"
            self._left_out = 0
        self.said += 1
        self._lines.append((self.said, line))
        if self._as_json:
            write_json({"line": line})
        else:
            print(f"city-node: {line}", file=sys.stderr, flush=True)
        return True

    def newest(self) -> list[tuple[int, str]]:
        """The newest lines with their numbers, which grow by one."""
        return list(self._lines)


def write_json(fields: dict[str, Any]) -> None:
    """One object on stderr, with the time in Unix seconds."""
    print(json.dumps({"time_s": round(time.time(), 3)} | fields), file=sys.stderr, flush=True)
