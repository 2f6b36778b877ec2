"""Where compiled kernels are kept: one folder per state of the engine's sources.

numba recompiles a kernel when its own file changes, not when a kernel it imports does; so the
folder is named by a digest of every source that kernels are made of. Must run before numba is
imported. Called at the start of the command line, of tests and of tools.
"""

import functools
import hashlib
import os
import shutil
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_cache_path

UNUSED_DAYS_MAX = 30
"""Folders of older sources go after this long."""

SOURCES = ("engine", "merchants")


def prepare() -> None:
    """Point numba at the folder for these sources."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    folder = user_cache_path("city-node") / digest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        _remove_unused(folder.parent)
    except OSError:  # a read-only home: works, but compiles at every start
        folder = Path(tempfile.mkdtemp(prefix="city-node-kernels-"))
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def prepare_aloud() -> None:
    """The same, and say on stderr what is compiled for the first time, which takes seconds, or a
    minute: kernels that an economy has and the cache has not. Loads numba."""
    prepare()
    from city_node import compiling

    is_terminal = sys.stderr.isatty()
    said: list[str] = []

    def say(progress: compiling.Progress) -> None:
        if is_terminal:
            how_far = f"{progress.step} of {progress.steps} functions, only the first time"
            line = f"compiling {progress.kernel}: {how_far}"
            if progress.took_s is not None:
                line = f"compiled {progress.kernel} in {progress.took_s:.0f} s\n"
            print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)
        elif not said:
            said.append("compiling kernels … (only the first time)")
            print(*said, file=sys.stderr, flush=True)

    compiling.follow(say)


@functools.cache
def digest() -> str:
    """Of every source that kernels are made of."""
    found = hashlib.blake2b(digest_size=10)
    found.update(os.environ.get("NUMBA_BOUNDSCHECK", "").encode())  # numba's own key forgets it
    for package in SOURCES:
        spec = find_spec(package)
        assert spec is not None
        root = Path(next(iter(spec.submodule_search_locations or ())))
        for source in sorted(root.rglob("*.py")):
            found.update(str(source.relative_to(root)).encode())
            found.update(source.read_bytes())
    return found.hexdigest()


def _remove_unused(caches: Path) -> None:
    oldest = time.time() - UNUSED_DAYS_MAX * 86_400
    for folder in caches.iterdir():
        if folder.is_dir() and folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
