"""Workers on a Ray cluster, which the test starts; two processors of this machine."""

import subprocess
import sys

import pytest
import ray

from city_node.errors import ConfigError
from city_node.laboratory import reality
from city_node.laboratory.merchant_lessons import KIND, Lessons
from city_node.laboratory.networks import data_of, policy_in
from city_node.laboratory.shared_lessons import SharedLessons
from city_node.laboratory.train import lesson_config
from city_node.laboratory.workers import workers_of, working
from city_node.settings.wishes import Wishes
from merchants.mind import SPACES

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


@pytest.mark.usefixtures("cluster")
def test_lessons_and_faults_are_those_of_one_process():
    config = lesson_config(Wishes(cities=("Elm", "Oak"), seed=3, locals=12, merchants=8))
    policy = {KIND: policy_in("network", data_of("network", None), SPACES)}
    with working("ray") as workers:
        assert workers.count == 2
        both = (
            Lessons(config, 3, settling_ticks=300),
            SharedLessons(workers, config, 3, settling_ticks=300),
        )
        for lessons in both:
            lessons.reset(5)
        for ticks in (150, 80):
            alone, shared = (lessons.record(policy, ticks)[KIND] for lessons in both)
            assert (shared.decisions == alone.decisions).all()
            assert (shared.seen == alone.seen).all()
            assert (shared.rewards == alone.rewards).all()
        with pytest.raises(ConfigError) as caught:
            list(workers.each(reality._run_of, [("nowhere", 1, "rules", None)]))
        assert str(caught.value).startswith("economy = 'nowhere': must be one of")
        assert "\n" not in str(caught.value)


def test_where_no_cluster_runs_it_is_said_in_a_line(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "300")  # a busy machine takes minutes
    with pytest.raises(ConfigError, match="no cluster runs here"):
        workers_of("ray")
