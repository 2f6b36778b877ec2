"""What all tests share: compiled kernels come from the cache, and Hypothesis knows how hard to try.

HYPOTHESIS_PROFILE=ci derandomizes, so that a red build is red again; =thorough searches longer.
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

os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="city-node-tests-")  # no world in the home


@pytest.hookimpl
def pytest_unconfigure() -> None:
    """Worlds of tests go with them."""
    shutil.rmtree(os.environ["XDG_DATA_HOME"], ignore_errors=True)


settings.register_profile(
    "default",
    deadline=None,  # a time is never tested
    max_examples=50,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
