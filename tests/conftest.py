"""What all tests share: compiled kernels come from the cache, and Hypothesis knows how hard to try.

The whole suite runs in a process a core, a file in one of them; before they begin, kernels that the
cache has not are compiled on all cores. What is named on the command line runs in one process.

HYPOTHESIS_PROFILE=ci derandomizes, so that a red build is red again, and tries half as often, since
the same examples find nothing new; =thorough searches longer.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from city_node.cores import usable_cores
from city_node.kernel_cache import prepare

assert "numba" not in sys.modules, "numba would not see the folder of its cache"
prepare()

TEMPORARY = tempfile.mkdtemp(prefix="city-node-tests-")
os.environ["XDG_DATA_HOME"] = TEMPORARY  # no world in the home, and nobody trusted there
os.environ["CITY_NODE_HOME"] = os.path.join(TEMPORARY, "trust")
os.environ["XDG_RUNTIME_DIR"] = os.path.join(TEMPORARY, "run")  # nor who runs beside these tests


FUSED_LOOPS = ("macro", "markets", "learned", "learned_markets", "society", "bazaar")
"""Of `merchants`, in such an order that two processes that take the next have no other's to wait
for; all other kernels are compiled in a second or two."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes share the tests: none but this one, where somebody has named some."""
    named = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    return 0 if named else usable_cores()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the dear kernels side by side, before the processes begin that would do it twice."""
    cache = Path(os.environ["NUMBA_CACHE_DIR"])
    loops = [f"advance_{name}" for name in FUSED_LOOPS]
    missing = [loop for loop in loops if not any(cache.rglob(f"{loop}.*.nbi"))]
    if not missing or not session.config.option.numprocesses:
        return
    print("compiling kernels ...", flush=True)
    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(_compile, missing))


def _compile(loop: str) -> None:
    """Into the cache; what fails here fails again where a test imports it, and is told there."""
    subprocess.run([sys.executable, "-c", f"import merchants.{loop}"], stderr=subprocess.DEVNULL)


@pytest.hookimpl
def pytest_unconfigure() -> None:
    """Worlds of tests go with them."""
    shutil.rmtree(TEMPORARY, ignore_errors=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, where it runs, and in which nothing is asked for by variables."""
    from tests.nodes import own_environment  # compiles kernels

    for name in [name for name in os.environ if name.startswith("CITY_NODE_")]:
        monkeypatch.delenv(name)
    for name, value in own_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def trust_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In it, the folder in which its user says whom he trusts."""
    from city_node.identity.trust import home_folder

    monkeypatch.setenv("CITY_NODE_HOME", str(home / "trust"))
    return home_folder()


settings.register_profile(
    "default",
    deadline=None,  # a time is never tested
    max_examples=50,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, max_examples=25)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
