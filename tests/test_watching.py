"""Verbs and the viewer on a running node: each end may die at any moment, the other goes on.

CITY_NODE_TEST_SECONDS=60 kills for a minute.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from city_node import kernel_cache
from city_node import node as nodes
from city_node.cli import main
from city_node.errors import ConfigError
from city_node.running import Running, noted, one_running, running_nodes
from city_node.verbs.doctor import print_paths

SECONDS = float(os.environ.get("CITY_NODE_TEST_SECONDS", "4"))
GUARD_S = 60.0
PORT = 40_871


@pytest.fixture
def environment(tmp_path):
    return os.environ | {
        "XDG_RUNTIME_DIR": str(tmp_path),
        "SDL_VIDEODRIVER": "dummy",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def process(environment, *arguments, log):
    with log.open("a") as file:
        started = subprocess.Popen(
            [sys.executable, "-m", *arguments], env=environment, stdout=file, stderr=file
        )
        try:
            yield started
        finally:
            started.kill()
            started.wait()


def node(environment, log, *arguments):
    return process(
        environment, "city_node", "Riverwood", "Seaside", "--headless", "--no-discovery",
        "--seed", "7", "--observe-port", str(PORT), *arguments, log=log,
    )  # fmt: skip


def verb(environment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "city_node", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=GUARD_S,
    )


def tick_of(environment):
    """The tick of the node that runs, once it shows itself."""
    give_up_s = time.monotonic() + GUARD_S
    while time.monotonic() < give_up_s:
        seen = verb(environment, "watch", "--once")
        if seen.returncode == 0:
            return json.loads(seen.stdout)["tick"]
        assert seen.returncode == 2, seen.stderr
    raise AssertionError("no node showed itself")


def test_verbs_find_the_node_that_runs(environment, tmp_path):
    nobody = verb(environment, "peers")
    assert (nobody.returncode, nobody.stderr.count("\n")) == (2, 1)
    assert "none runs" in nobody.stderr
    with node(environment, tmp_path / "log"):
        tick = tick_of(environment)
        assert tick_of(environment) > tick
        assert "no peers yet" in verb(environment, "peers").stdout
        assert f"127.0.0.1:{PORT}" in verb(environment, "paths").stdout
        picture = tmp_path / "picture.png"
        made = verb(
            environment,
            "watch",
            "--screenshot",
            str(picture),
            "--seconds",
            "0.5",
            "--size",
            "960x600",
            "--view",
            "seaside/bazaar",
        )
        assert made.returncode == 0, made.stderr
        assert picture.read_bytes().startswith(b"\x89PNG")
        wrong = verb(environment, "watch", "--screenshot", str(picture), "--view", "Atlantis")
        assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
        assert "'Atlantis'" in wrong.stderr
        assert "Riverwood, Seaside" in wrong.stderr
        for option, path, why in (
            ("--screenshot", "/nowhere/a.png", "cannot be written"),
            ("--record", "a.mp4", "must end in .gif"),
        ):
            wrong = verb(environment, "watch", option, path)
            assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
            assert why in wrong.stderr
        wrong = verb(environment, "watch", "--node", "elsewhere", "--once")
        assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
        assert "elsewhere" in wrong.stderr
    assert verb(environment, "peers").returncode == 2  # what a killed node left is passed over


def test_verbs_wait_for_a_node_that_is_still_starting(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    starting = Running("", os.getpid(), ["Riverwood", "Seaside"], observe="")
    started = Running("atlas", os.getpid(), ["Riverwood", "Seaside"], observe="127.0.0.1:1")
    found = []
    for after in (noted(started), None):
        with noted(starting):
            waiting = threading.Thread(target=lambda: found.append(outcome_of("atlas")))
            waiting.start()
            while not (said := capsys.readouterr().err):
                assert waiting.is_alive()
                time.sleep(0.01)
            assert said == "waiting for Riverwood Seaside: still starting\n"
            print_paths()
            assert "Riverwood Seaside  starting" in capsys.readouterr().out
            if after:  # it listens now
                with after:
                    waiting.join(GUARD_S)
        waiting.join(GUARD_S)  # it has ended, or never came that far
    assert found == [started, "none runs"]


def outcome_of(node):
    try:
        return one_running(node)
    except ConfigError as error:
        return "none runs" if "none runs" in str(error) else str(error)


def test_a_node_says_that_it_starts_before_it_listens(tmp_path, monkeypatch):
    """From before its kernels are compiled, which may take minutes."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    seen = []
    monkeypatch.setattr(kernel_cache, "prepare_aloud", lambda: seen.extend(running_nodes()))
    monkeypatch.setattr(nodes, "run", lambda *_: seen.extend(running_nodes()))
    cities = ["Riverwood", "Seaside"]
    with pytest.raises(SystemExit):
        main([*cities, "--node-name", "atlas"])
    assert seen == [Running("atlas", os.getpid(), cities, observe="")] * 2
    assert running_nodes() == []


def test_the_doctor_says_how_to_mend_what_it_finds(environment):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        environment.pop(name, None)
    found = verb(environment, "doctor").stdout
    for what in ("display", "kernel cache", "multicast", "ports", "package names"):
        assert what in found
    if sys.platform == "linux":
        assert "--headless" in found


def test_either_end_may_be_killed_at_any_moment(environment, tmp_path):
    rng = random.Random(7)
    log = tmp_path / "viewer.log"
    give_up_s = time.monotonic() + SECONDS
    with process(environment, "viewer", f"127.0.0.1:{PORT}", log=log) as survivor:
        while time.monotonic() < give_up_s:
            with node(environment, tmp_path / "node.log") as running:
                tick_of(environment)
                with process(environment, "viewer", f"127.0.0.1:{PORT}", log=log) as victim:
                    time.sleep(rng.uniform(0.2, 1.0))
                    victim.send_signal(rng.choice([signal.SIGKILL, signal.SIGTERM]))
                    victim.wait(GUARD_S)
                before = tick_of(environment)
                assert tick_of(environment) > before  # the node goes on
                assert running.poll() is None
                running.send_signal(rng.choice([signal.SIGKILL, signal.SIGINT]))
                running.wait(GUARD_S)
            assert survivor.poll() is None, log.read_text()  # the viewer waits for the next node
    assert "Traceback" not in log.read_text()
