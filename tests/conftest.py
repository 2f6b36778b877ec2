"""What all tests share: compiled kernels come from the cache, and Hypothesis knows how hard to try.

HYPOTHESIS_PROFILE=ci derandomizes, so that a red build is red again, and tries half as often, since
the same examples find nothing new; =thorough searches longer.
"""

import os
import shutil
import sys
import tempfile

import pytest
from hypothesis import HealthCheck, settings

from city_node.kernel_cache import prepare

assert "numba" not in sys.modules, "numba would not see the folder of its cache"
prepare()

TEMPORARY = tempfile.mkdtemp(prefix="city-node-tests-")
os.environ["XDG_DATA_HOME"] = TEMPORARY  # no world in the home, and nobody trusted there
os.environ["CITY_NODE_HOME"] = os.path.join(TEMPORARY, "trust")


@pytest.hookimpl
def pytest_unconfigure() -> None:
    """Worlds of tests go with them."""
    shutil.rmtree(TEMPORARY, ignore_errors=True)


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
