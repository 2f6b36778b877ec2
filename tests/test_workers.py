"""Work shared out to processes: what comes of it depends on no number of them."""

import os
import time

import numpy as np
import pytest
from test_policy import made_up

from city_node.errors import ConfigError
from city_node.laboratory import reality
from city_node.laboratory.merchant_lessons import KIND, Lessons
from city_node.laboratory.shared_cities import SharedCities
from city_node.laboratory.shared_lessons import SharedLessons
from city_node.laboratory.train import lesson_config
from city_node.laboratory.workers import Processes, workers_of, working
from city_node.settings.wishes import Wishes
from engine.macro.environment import KINDS, MacroCities
from engine.policy import Actions
from merchants.mind import SPACES


def note(kept, item):
    """What this worker has been given so far; items of even number take their time."""
    time.sleep(0.05 * (1 - item % 2))
    kept.setdefault("items", []).append(item)
    return os.getpid(), list(kept["items"])


def fail(kept, item):
    del kept
    if item == 2:
        raise ConfigError(f"item = {item}: must be another")
    return item


def die(kept, item):
    del kept, item
    os._exit(3)


@pytest.fixture(scope="module")
def two():
    workers = Processes(2)
    yield workers
    workers.close()


def test_an_item_is_always_done_by_the_same_worker_and_results_are_in_order(two):
    first = list(two.each(note, range(5)))
    assert [seen for _, seen in first] == [[0], [1], [0, 2], [1, 3], [0, 2, 4]]
    assert len({process for process, _ in first}) == 2
    again = list(two.each(note, [7]))
    assert again == [(first[0][0], [0, 2, 4, 7])]


def test_what_goes_wrong_in_a_worker_goes_wrong_here(two):
    done = two.each(fail, range(4))
    assert [next(done), next(done)] == [0, 1]
    with pytest.raises(ConfigError, match="item = 2: must be another"):
        next(done)
    assert list(two.each(fail, [5])) == [5]


def test_who_dies_ends_the_work():
    with working("2") as workers, pytest.raises(ConfigError, match="a process has died"):
        list(workers.each(die, [1]))


@pytest.mark.parametrize("said", ["0", "-1", "some", "9999", "1.5", ""])
def test_other_workers_are_refused_in_a_line(said):
    with pytest.raises(ConfigError, match="must be ray, or from 1 to 1024"):
        workers_of(said)
    assert workers_of("1") is None


def test_lessons_are_the_same_with_any_number_of_workers(two):
    config = lesson_config(Wishes(cities=("Elm", "Oak"), seed=3, locals=12, merchants=8))
    settled = []
    alone = Lessons(config, 3, settling_ticks=300)
    shared = SharedLessons(two, config, 3, settling_ticks=300, settled=lambda: settled.append(1))
    policy = {KIND: made_up(SPACES)}
    for lessons in (alone, shared):
        lessons.reset(5)
    assert len(settled) == 3
    for ticks in (150, 80):
        expected, found = (lessons.record(policy, ticks)[KIND] for lessons in (alone, shared))
        assert (found.decisions == expected.decisions).all()
        assert (found.seen == expected.seen).all()
        assert (found.actions.choices == expected.actions.choices).all()
        assert (found.rewards == expected.rewards).all()
        assert np.abs(found.rewards).max() > 0.0


def test_seeds_are_graded_the_same_with_any_number_of_workers(two):
    def facts(workers):
        runs = reality._runs(workers, "macro", (1, 2), "rules", None, lambda: done.append(1))
        return [run.facts for run in runs]

    done = []
    assert repr(facts(two)) == repr(facts(None))
    assert len(done) == 4


def test_macro_cities_are_the_same_with_any_number_of_workers(two):
    options = {"kinds": KINDS, "settling_months": 2, "horizon_months": 4}
    alone, shared = MacroCities(3, 120, **options), SharedCities(two, 3, 120, **options)
    first, same = alone.reset(5), shared.reset(5)
    random = np.random.default_rng(1)
    for _ in range(6):
        assert all((first[kind] == same[kind]).all() for kind in KINDS)
        actions = {}
        for kind in KINDS:
            shape = len(first[kind]), alone.spaces[kind].residuals
            none = np.zeros((len(first[kind]), 0), np.int64)
            actions[kind] = Actions(none, random.uniform(-1.0, 1.0, shape).astype(np.float32))
        told, said = alone.step(actions), shared.step(actions)
        for kind in KINDS:
            for one, other in zip(told[kind], said[kind], strict=True):
                assert one.dtype == other.dtype
                assert (one == other).all()
        first = {kind: told[kind].observations for kind in KINDS}
        same = {kind: said[kind].observations for kind in KINDS}
    assert {lesson.episode // 3 for lesson in alone.lessons} == {1, 2}
