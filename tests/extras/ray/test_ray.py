"""Workers on a Ray cluster, which the test starts; two processors of this machine."""

import subprocess
import sys

import pytest
import ray

from city_node.errors import ConfigError
from city_node.workers import workers_of, working

CLUSTER = """
import ray
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
print("up", flush=True)
input()
"""


@pytest.fixture
def cluster(monkeypatch):
    """Of another process, which ends it with its input; nothing is told or kept at home."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "300")  # a busy machine takes minutes
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "up\n"
        yield
        ray.shutdown()
        process.communicate("\n")


def note(kept, item):
    kept.setdefault("items", []).append(item)
    return list(kept["items"])


def fail(kept, item):
    del kept
    raise ConfigError(f"item = {item}: must be another")


@pytest.mark.usefixtures("cluster")
def test_an_item_is_always_done_by_the_same_worker_and_results_are_in_order():
    with working("ray") as workers:
        assert workers.count == 2
        assert list(workers.each(note, range(5))) == [[0], [1], [0, 2], [1, 3], [0, 2, 4]]
        assert list(workers.each(note, [7])) == [[0, 2, 4, 7]]
        with pytest.raises(ConfigError, match="item = 1: must be another"):
            list(workers.each(fail, [1]))


def test_where_no_cluster_runs_it_is_said_in_a_line(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "300")  # a busy machine takes minutes
    with pytest.raises(ConfigError, match="no cluster runs here"):
        workers_of("ray")
