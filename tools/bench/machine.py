"""Where figures were measured, and the clock they were measured by.

Called by benchmarks and by the command line.
"""

import datetime
import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from city_node import VERSION
from city_node.cores import usable_cores

LIBRARIES = ("numpy", "numba", "trio", "msgspec", "torch")


def core_seconds() -> float:
    """Seconds that this thread has had a core: what a shared machine takes away does not count.

    What others do to the caches and to the memory does count, and cannot be told apart.
    """
    return time.thread_time()


def where() -> dict[str, str]:
    """Machine, versions, date and load, for the page."""
    cores = usable_cores()
    versions = [f"Python {platform.python_version()}", f"city-node {VERSION}"]
    for library in LIBRARIES:
        try:
            versions.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            continue
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{_processor()}, {cores} cores, {_memory_gib():.0f} GiB, {platform.system()}",
        "versions": ", ".join(versions),
        "load": f"In the last minute {os.getloadavg()[0]:.1f} processes wanted a core",
    }


def _processor() -> str:
    """Its name, and its caches where the system tells them."""
    name = platform.processor() or platform.machine()
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        lines = listing.read_text("utf-8").splitlines()
        name = next(
            (x.partition(":")[2].strip() for x in lines if x.startswith("model name")), name
        )
    caches = [
        f"L{(cache / 'level').read_text().strip()} {(cache / 'size').read_text().strip()}"
        for cache in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"))
        if (cache / "type").read_text().strip() != "Instruction"
    ]
    return f"{name} ({', '.join(caches)})" if caches else name


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
