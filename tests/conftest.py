"""What all tests share: compiled kernels come from the cache, and Hypothesis knows how hard to try.

HYPOTHESIS_PROFILE=ci derandomizes, so that a red build is red again; =thorough searches longer.
"""

import os
import sys

from hypothesis import HealthCheck, settings

from city_node.kernel_cache import prepare

assert "numba" not in sys.modules, "numba would not see the folder of its cache"
prepare()

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
