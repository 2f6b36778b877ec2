"""A node as a whole: how it begins, how it is stopped, and how two of them are joined by hand."""

import json
import os
import re
import signal
import socket
import time
from itertools import chain
from pathlib import Path

import pytest

from city_node import node
from city_node.cities.advance import BalanceError, open_window
from city_node.cli import main
from city_node.identity.node_name import claimed_name, host_name
from city_node.machine import Machine
from city_node.network.meeting import PORT_FIRST, open_listeners, tell_ports
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from tests.nodes import (
    check_balance,
    entered,
    free_port,
    let_a_window_pass,
    running,
    until,
)
from tests.test_travelway import Kept
from tests.worlds import all_roads, city, world

QUIET = ("--headless", "--no-discovery")

pytestmark = pytest.mark.usefixtures("home")


# --- how it begins ---


@pytest.mark.trio
async def test_each_city_has_a_port_of_its_own_the_first_free() -> None:
    cities = ("Ash", "Elm")
    network = resolve(Wishes(cities=cities)).network
    found = [await open_listeners(cities, network, Machine()) for _ in range(2)]
    all_bound = list(chain.from_iterable(found))
    ports = [bound.port for bound in all_bound]
    assert {bound.host for bound in all_bound} == {"127.0.0.1"}
    assert ports == sorted(set(ports))
    assert ports[0] >= PORT_FIRST
    for listener in chain.from_iterable(bound.listeners for bound in all_bound):
        await listener.aclose()


@pytest.mark.trio
async def test_whoever_listens_wider_is_told_the_ports_and_warned_once() -> None:
    of = world([city("Ash"), city("Elm")], all_roads(2))
    log = Kept()
    network = resolve(Wishes(cities=("Ash", "Elm"), legacy_bind="127.0.0.2")).network
    found = await open_listeners(("Ash", "Elm"), network, Machine())
    tell_ports(of, network, found, log)
    for bound in found:
        assert bound.host == "127.0.0.2"
        await bound.listeners[0].aclose()
    (said,) = log.lines
    assert said == (
        f"listening on 127.0.0.2: Ash {found[0].port}, Elm {found[1].port}"
        "; whoever reaches it may come in unauthenticated"
    )


def test_a_node_is_called_like_its_host_and_others_are_counted() -> None:
    host = host_name()
    with claimed_name(None) as first, claimed_name(None) as second:
        assert (first, second) == (host, f"{host}-2")
        with claimed_name(None) as third:
            assert third == f"{host}-3"
        with claimed_name("atlas") as asked:
            assert asked == "atlas"
    with claimed_name(None) as again:
        assert again == host
    with claimed_name(None, {host.upper(), f"{host}-3"}) as second, claimed_name(None, {host}) as x:
        assert (second, x) == (f"{host}-2", f"{host}-3")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("atlas", "atlas"),
        ("atlas.example.org", "atlas"),
        ("-at las!", "atlas"),
        ("...", "node"),
        ("å" * 60, "å" * 30),
    ],
)
def test_a_hosts_name_becomes_one_of_ours(monkeypatch, host: str, name: str) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert host_name() == name


def test_without_a_folder_to_leave_traces_in_it_runs(monkeypatch, tmp_path) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
    monkeypatch.setenv("CITY_NODE_HOME", str(tmp_path / "home"))  # where no world has the name
    with pytest.raises(SystemExit) as ended:
        main(["Ash", *QUIET, "--ticks", "10", "--report", "report.json"])
    assert ended.value.code in (None, 0)
    assert json.loads(Path("report.json").read_text())["node"] == host_name()


# --- how it ends ---


@pytest.mark.parametrize("signals", [["SIGINT"], ["SIGTERM"], ["SIGINT", "SIGINT"]])
def test_a_window_once_begun_is_finished(monkeypatch, signals: list[str]) -> None:
    """A signal comes while a kernel runs, or two; the report is that of the whole window."""
    windows = []

    def run_job(job) -> None:
        if len(windows) == 3 and job.city.here == 0:
            for name in signals:
                os.kill(os.getpid(), signal.Signals[name])
                time.sleep(0.05)
        advance(job)
        if job.city.here == 1:
            windows.append(job.ticks)

    advance = node.run_job
    monkeypatch.setattr(node, "run_job", run_job)
    with pytest.raises(SystemExit) as ended:
        main(["Ash", "Elm", *QUIET, "--threads", "1", "--report", "report.json"])
    assert ended.value.code in (None, 0)
    report = json.loads(Path("report.json").read_text())
    assert len(windows) == 4
    assert [city["tick"] for city in report["cities"]] == [sum(windows)] * 2
    check_balance(report)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_books_that_do_not_balance_are_the_end(monkeypatch, capsys, threads: str) -> None:
    def run_job(job) -> None:
        if job.tick > 100:
            raise BalanceError("Ash: holds 1 minor units at tick 200, but should hold 2")
        advance(job)

    advance = node.run_job
    monkeypatch.setattr(node, "run_job", run_job)
    with pytest.raises(SystemExit) as ended:
        main(["Ash", "Elm", *QUIET, "--threads", threads, "--report", "report.json"])
    line = "city-node: Ash: holds 1 minor units at tick 200, but should hold 2"
    said = capsys.readouterr().err.splitlines()
    if isinstance(ended.value.code, str):  # what the interpreter prints at its exit
        said.append(ended.value.code)
    else:
        assert ended.value.code == 1
    beside = [each for each in said if "  tick " not in each and "listening on" not in each]
    assert beside == [line]
    assert not Path("report.json").exists()


@pytest.mark.trio
async def test_waiting_for_a_thread_is_not_the_engines_time() -> None:
    """A busy network makes a window wait; the next must not become shorter for it, and so on."""
    of = world([city("Ash"), city("Elm")], all_roads(2))

    async def late(function, *arguments) -> None:
        time.sleep(0.5)
        function(*arguments)

    engine_s = await node.run_jobs(open_window(of, 1), 2, Machine(offload=late))
    assert 0 < engine_s < 0.5


# --- joined by hand ---


def test_two_nodes_joined_by_connect_in_both_directions(tmp_path) -> None:
    """Each waits for the other to speak, then says its full name; of two roads one remains.

    They are called differently without being told to, as nodes of one user are.
    """
    first, second = free_port(), free_port()
    folders = [tmp_path / "one", tmp_path / "other"]
    common = ("Riverwood", "--no-discovery", "--merchants", "50")
    with (
        running(
            tmp_path,
            *common,
            *("--port", str(first), "--connect", f"127.0.0.1:{second}"),
            *("--data-dir", str(folders[0])),
        ) as one,
        running(
            tmp_path,
            *common,
            *("--port", str(second), "--connect", f"riverwood=localhost:{first}"),
            *("--data-dir", str(folders[1])),
        ) as other,
    ):
        met = [each.wait_for("Riverwood: road to (Riverwood@.*) open")[1] for each in (one, other)]
        until(lambda: all(map(entered, folders)), "merchants both ways")
        reports = one.stop(), other.stop()
    assert {f"Riverwood@{report['node']}" for report in reports} == set(met)
    assert {report["node"] for report in reports} == {host_name(), f"{host_name()}-2"}
    for report, peer in zip(reports, met, strict=True):
        check_balance(report)
        assert report["cities"][0]["arrivals"][peer] > 0
        assert report["cities"][0]["departures"][peer] > 0


def test_addresses_where_nobody_is(tmp_path) -> None:
    """One line each, and the node goes on; a road inside is not disturbed."""
    port, closed = free_port(), free_port()
    odd = [f"127.0.0.1:{closed}", "a..b:80", f"{'x' * 70}:80", f"127.0.0.1:{port}"]
    dialled = list(chain.from_iterable(("--connect", address) for address in odd))
    with running(
        tmp_path, "Riverwood", "Seaside", "--no-discovery", "--port", str(port), *dialled
    ) as alone:
        for address in odd[:3]:
            alone.wait_for(f"{re.escape(address)} out of reach, trying on: ")
        alone.wait_for("it is this node itself")
        let_a_window_pass(port)
        report = alone.stop()
    for address in odd[:3]:
        assert len(alone.matching(re.escape(address))) == 1
    check_balance(report)
    assert set(report["cities"][0]["departures"]) <= {"Seaside"}
