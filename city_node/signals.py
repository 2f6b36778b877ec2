"""Ctrl-C and its like while cities run: the window is finished, and the report written."""

import contextlib
import signal
from collections.abc import Callable

import trio


class Signals:
    """SIGINT and SIGTERM: the first stops the run, further ones change nothing."""

    def __init__(self) -> None:
        self._came = False
        self._stop: Callable[[], None] = lambda: None

    def __enter__(self) -> "Signals":
        wanted = (signal.SIGINT, signal.SIGTERM)
        self._before = {number: signal.signal(number, self._catch) for number in wanted}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _catch(self, number: int, frame: object) -> None:
        del number, frame
        self._came = True
        with contextlib.suppress(trio.RunFinishedError):
            self._stop()

    def cancel(self, scope: trio.CancelScope) -> None:
        """Let a signal cancel a scope of the running trio; one that has come already does."""
        token = trio.lowlevel.current_trio_token()
        self._stop = lambda: token.run_sync_soon(scope.cancel)
        if self._came:
            scope.cancel()
