"""How many cores there are to work on. Called by whatever shares work out; needs nothing else."""

import os


def usable_cores() -> int:
    """Those that this process may use; all there are where the system does not tell (macOS)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
