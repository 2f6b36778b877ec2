"""Cores are counted wherever a node runs, also where the system does not say which are ours."""

import os

import pytest

from city_node.cores import usable_cores


def test_there_is_a_core_to_work_on():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(("known", "counted"), [(6, 6), (None, 1)])
def test_a_system_that_does_not_tell_whose_cores_are_whose(monkeypatch, known, counted):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: known)
    assert usable_cores() == counted
