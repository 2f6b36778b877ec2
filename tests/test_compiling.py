"""What is seen while kernels compile: how far it has come, in the window and on Ctrl-C."""

import itertools
import os
import signal
import socket
import subprocess
import sys

import pytest
import trio
from numba import float64, njit

from city_node.cities.world import found_world
from city_node.compiling import Progress, at_interrupt, called_by, followed
from city_node.node import Run, run_node
from city_node.observing import window
from city_node.observing.window import Window
from city_node.settings.config import Wishes, resolve
from engine import rng
from engine.kernels import part
from protocol.observe import Compiling, Hello, Refused, Snapshot
from protocol.observe_lines import SnapshotReader, encode

GUARD_S = 120.0


@njit
def doubled(x):
    return 2.0 * x


@njit
def quadrupled(x):
    return doubled(doubled(x))


@part
def merged(x):
    return quadrupled(x) + rng.draw(1, 2)


@njit
def unused(x):
    return x


def outer(x):
    return merged(x) + doubled(x)


def test_what_a_kernel_calls_is_known_before_it_is_compiled():
    assert called_by(njit(outer)) == {doubled, quadrupled, rng.draw, rng.mix}


def test_every_function_that_begins_is_a_step():
    kernel = njit(outer)
    said: list[Progress] = []
    before = signal.getsignal(signal.SIGINT)
    with followed(said.append):
        kernel.compile((float64,))
    assert {(progress.kernel, progress.steps) for progress in said} == {(__name__, 5)}
    assert [progress.step for progress in said] == [1, 2, 3, 4, 5, 5]
    assert [progress.took_s is None for progress in said] == [*[True] * 5, False]
    assert signal.getsignal(signal.SIGINT) is before
    njit(outer).compile((float64,))
    assert len(said) == 6  # nobody follows any more


class Process:
    """Stands for the viewer's process, and says what that was given."""

    def __init__(self, program, **how):
        assert how["start_new_session"]
        self.program, self.given, self.ended = program, [], False
        self.stdin = self

    def write(self, data):
        self.given.append(data)

    def close(self):
        self.given.append(None)

    def terminate(self):
        self.ended = True


@pytest.fixture
def seen_by(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    started = []

    def start(program, **how):
        started.append(Process(program, **how))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    with window.opened(["Riverwood"], wanted=True) as found:
        yield found, started
    assert all(process.ended for process in started)
    assert at_interrupt == []


def address_of(process) -> tuple[str, int]:
    host, _, port = process.program[3].rpartition(":")
    return host, int(port)


def heard(connection: socket.socket, reader: SnapshotReader):
    connection.settimeout(GUARD_S)
    return reader.receive(connection.recv(65_536))


def test_a_window_opens_when_a_kernel_is_compiled_and_says_how_far(seen_by):
    found, started = seen_by
    assert started == []  # nothing to compile: the node itself will open it
    found.tell(Progress("a.b", 1, 9))
    (process,) = started
    with socket.create_connection(address_of(process)) as viewer:
        found.tell(Progress("a.b", 2, 9))
        reader, messages = SnapshotReader(), []
        while len(messages) < 2:
            messages += heard(viewer, reader)
        assert messages[0] == Hello(cities=["Riverwood"])
        assert messages[1] == Compiling(step=2, steps=9, what="a.b", hint=window.HINT)
        found.tell(Progress("a.b", 3, 9))
        assert [message.step for message in heard(viewer, reader)] == [3]
    assert len(started) == 1


def test_no_window_where_none_is_wanted_or_there_is_no_display(monkeypatch):
    monkeypatch.setattr(window, "display_reason", lambda: "no display")
    with window.opened((), wanted=True) as found:
        assert found is None
    monkeypatch.undo()
    with window.opened((), wanted=False) as found:
        assert found is None


@pytest.mark.trio
async def test_the_node_goes_on_where_the_window_was_told_of_kernels(
    seen_by, tmp_path, monkeypatch
):
    """On the same connection, though other observers need another token, or none."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    found, started = seen_by
    found.tell(Progress("a.b", 1, 9))
    token = started[0].given[0].decode().strip()
    address = address_of(started[0])
    with socket.create_connection(address) as early:
        early.sendall(encode(Hello(token=token)))
        found.tell(Progress("a.b", 2, 9))
        config = resolve(Wishes(cities=("Riverwood",), seed=7, discovery=False))
        with trio.fail_after(GUARD_S):
            async with trio.open_nursery() as nursery:
                world = found_world(config)
                run = Run(headless=True)
                nursery.start_soon(lambda: run_node(world, config, "seen", run, seen_by=found))
                reader, seen = SnapshotReader(), []
                while not any(isinstance(message, Snapshot) for message in seen):
                    seen += await trio.to_thread.run_sync(heard, early, reader)
                kinds = [kind for kind, _ in itertools.groupby(map(type, seen))]
                assert kinds == [
                    Hello,
                    Compiling,
                    Hello,
                    Snapshot,
                ]  # as many lines each as there were
                stranger = await trio.open_tcp_stream(*address)
                await stranger.send_all(encode(Hello(token="guess")))
                (refused,) = SnapshotReader().receive(await stranger.receive_some())
                assert isinstance(refused, Refused)
                await stranger.aclose()
                found.tell(Progress("a.b", 3, 9))  # what compiles now keeps nobody waiting
                nursery.cancel_scope.cancel()


def hear_ctrl_c() -> None:
    """Tests that run in the background are deaf to it, and so would be whom they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_ctrl_c_while_kernels_compile_is_the_end_and_leaves_no_traceback(tmp_path):
    places = ("NUMBA_CACHE_DIR", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "CITY_NODE_HOME")
    environment = os.environ | dict.fromkeys(places, str(tmp_path))
    program = [sys.executable, "-m", "city_node", "Riverwood", "--headless", "--no-discovery"]
    with subprocess.Popen(
        program,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    ) as node:
        assert "compiling" in node.stderr.readline()
        node.send_signal(signal.SIGINT)
        assert node.stderr.read() == ""
        assert node.wait(GUARD_S) == 130


def test_a_window_that_does_not_read_is_let_go(seen_by):
    found, started = seen_by
    found.tell(Progress("a.b", 1, 9))
    with socket.create_connection(address_of(started[0])):
        for step in range(1, 200_000):
            found.tell(Progress("a" * 200, step, 9))
            if step > 1 and not found._connections:
                break
        assert step < 199_999
        assert isinstance(found, Window)
