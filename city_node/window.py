"""The viewer's window, opened beside a node where there is a display: a process of its own.

It watches the node over the observer socket like any other program, and may be closed at any time.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator


def display_reason() -> str:
    """Why no window can be opened; empty when one can."""
    if sys.platform in ("win32", "darwin"):
        return ""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return ""
    return "no display: neither DISPLAY nor WAYLAND_DISPLAY is set"


@contextlib.contextmanager
def opened(address: str) -> Iterator[None]:
    """The viewer on a node's observer address; it goes when the node ends cleanly.

    Where there is no display, nothing: the status lines say all.
    """
    if display_reason():
        yield
        return
    # A session of its own: Ctrl-C in the terminal is for the node, which then ends the viewer.
    process = subprocess.Popen([sys.executable, "-m", "viewer", address], start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
