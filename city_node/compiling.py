"""How far kernels have been compiled: which function of a kernel, of how many.

numba says when it begins with a function and when it is done. The first is the kernel; which
functions it calls can be read off it, for its module has been read up to there. Followed by
`kernel_cache` for the terminal and by `window` for the eye; knows nothing of either. Imports numba,
so only after `kernel_cache.prepare`.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from numba.core import event
from numba.core.dispatcher import Dispatcher

at_interrupt: list[Callable[[], object]] = []
"""What Ctrl-C does before it ends a program that compiles. It cannot be an exception there: LLVM
calls back into Python, where one is lost, and numba then fails over something else."""


class Progress(NamedTuple):
    """What has begun to be compiled.

    Attributes:
        kernel: the module it is in.
        step: functions of it that have begun, from 1.
        steps: of how many, the kernel itself the last.
        took_s: of the whole kernel, once it is done; else None.
    """

    kernel: str
    step: int
    steps: int
    took_s: float | None = None


class _Follower(event.Listener):
    def __init__(self, say: Callable[[Progress], None]) -> None:
        self._say = say
        self._depth = 0
        self._calls: set[Any] = set()
        self._begun: set[Any] = set()
        self._progress = Progress("", 0, 0)
        self._began_s = 0.0
        self._before: dict[signal.Signals, Any] = {}

    def on_start(self, event: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # nobody waits for it
        function = event.data["dispatcher"]
        if self._depth == 0:
            ends = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
            usual = signal.default_int_handler, signal.SIG_DFL
            self._before = {n: handler for n, handler in ends.items() if handler in usual}
            for number in self._before:
                signal.signal(number, _end)
            self._calls, self._begun = called_by(function), set()
            python = function.py_func
            self._progress = Progress(python.__module__, 0, 0)
            self._began_s = time.monotonic()
        self._depth += 1
        if function in self._calls:
            self._begun.add(function)
        step, steps = len(self._begun) + 1, len(self._calls) + 1
        if (step, steps) != self._progress[1:3]:
            self._progress = Progress(self._progress.kernel, step, steps)
            self._say(self._progress)

    def on_end(self, event: Any) -> None:  # noqa: ARG002
        if threading.current_thread() is not threading.main_thread():
            return
        self._depth -= 1
        if self._depth == 0:
            for number, handler in self._before.items():
                signal.signal(number, handler)
            kernel, _, steps, _ = self._progress
            self._say(Progress(kernel, steps, steps, time.monotonic() - self._began_s))


def _end(number: int, frame: object) -> None:
    del frame
    for do in at_interrupt:
        do()
    os._exit(128 + number)


def called_by(dispatcher: Any) -> set[Any]:
    """The compiled functions that one calls, and those that they call; not those that are merged
    into others before they are compiled."""
    found: set[Any] = set()
    merged: set[Any] = set()
    ahead = [dispatcher]
    while ahead:
        for value in _named(ahead.pop().py_func):
            if isinstance(value, Dispatcher) and value not in found | merged | {dispatcher}:
                is_merged = value.targetoptions.get("inline") == "always"
                (merged if is_merged else found).add(value)
                ahead.append(value)
    return found


def _named(function: FunctionType) -> Iterator[object]:
    """What the names in a function's code mean: globals, and what is taken out of modules."""
    codes: list[CodeType] = [function.__code__]
    while codes:
        code = codes.pop()
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        modules = []
        for name in code.co_names:
            value = function.__globals__.get(name)
            yield value
            if isinstance(value, ModuleType):
                modules.append(value)
        for module in modules:
            yield from (getattr(module, name, None) for name in code.co_names)


@contextlib.contextmanager
def followed(say: Callable[[Progress], None]) -> Iterator[None]:
    """Call `say` with every step of what the main thread compiles meanwhile."""
    with event.install_listener("numba:compile", _Follower(say)):
        yield


def follow(say: Callable[[Progress], None]) -> None:
    """The same for good."""
    event.register("numba:compile", _Follower(say))
