"""A bound on work: one turn of one task may compute only for so long.

Where everything runs in one thread, inline, one endless turn holds up all else for ever, and no
clock of trio's can end it. What is counted is the processor's time, not the wall's: a busy machine
is no reason to stop. Used by `simulation`, and by tests that let a node hear anything.
"""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

import trio

TURN_S_MAX = 60.0
"""Of computing; the longest honest ones take a second. Noticed after twice that at most."""


class StandstillError(BaseException):
    """A turn does not end. Not an Exception: what turns those into a line of log never gets it."""


class _Turns(trio.abc.Instrument):
    """Counts turns of tasks."""

    def __init__(self) -> None:
        self.taken = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002
        self.taken += 1


@contextlib.contextmanager
def bounded_turns() -> Iterator[None]:
    """Let no turn of any task last for ever; within a run of trio in the main thread.

    Raises:
        StandstillError: one does; raised in the midst of it, and says where.
    """
    turns, seen = _Turns(), 0

    def look(_: int, at: FrameType | None) -> None:
        nonlocal seen
        if turns.taken == seen:
            where = f"{at.f_code.co_filename}:{at.f_lineno}" if at else "?"
            raise StandstillError(f"one turn has computed for over {TURN_S_MAX:g} s, at {where}")
        seen = turns.taken

    trio.lowlevel.add_instrument(turns)
    before = signal.signal(signal.SIGVTALRM, look)
    signal.setitimer(signal.ITIMER_VIRTUAL, TURN_S_MAX, TURN_S_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)
        trio.lowlevel.remove_instrument(turns)
