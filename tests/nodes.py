"""Real node processes for tests: started on free ports in a home of their own, heard, stopped.

A node inherits the tests' kernel cache, and nothing else of the user's. Every node that a test
leaves running is stopped as a user would, and must end well; every line it says is kept.
"""

import contextlib
import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import merchants.advance_bazaar  # noqa: F401  (compiles what nodes then find in the cache)

GUARD_S = 30.0
"""Only a guard: what a test waits for comes in a fraction of this, or the test has failed."""

_PORTS_FIRST = 20_000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 11 * 1_000
PORTS = range(_PORTS_FIRST, _PORTS_FIRST + 1_000)
"""Below those that systems hand out by themselves; each process of tests has its own."""


def free_port(count: int = 1) -> int:
    """The first of so many ports in a row that nobody listens on."""
    for port in random.sample(PORTS, 200):
        with contextlib.ExitStack() as held:
            try:
                for number in range(port, port + count):
                    held.enter_context(socket.create_server(("127.0.0.1", number)))
            except OSError:
                continue
            return port
    raise AssertionError("no free ports")


def own_environment(home: Path, **variables: str) -> dict[str, str]:
    """The environment of a program that must not meet the user's files, nor his settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CITY_NODE_")}
    for folder in ("RUNTIME", "CACHE", "CONFIG", "DATA", "STATE"):
        name = f"XDG_{folder}_{'DIR' if folder == 'RUNTIME' else 'HOME'}"
        kept[name] = str(home / folder.lower())
    return kept | {"HOME": str(home), "PYTHONUNBUFFERED": "1"} | variables


def run_to_end(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `city-node` with arguments until it ends by itself; output is captured as text."""
    return subprocess.run(
        [sys.executable, "-m", "city_node", *arguments],
        cwd=home,
        env=own_environment(home, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=GUARD_S,
    )


class Node:
    """A running `city-node`; made by `running`.

    Attributes:
        lines: what it has said on stderr.
        report_path: where its report will be.
        report: what it wrote at its end.
    """

    def __init__(self, home: Path, arguments: tuple[str, ...], variables: dict[str, str]) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.report_path = home / f"report-{random.randrange(10**9)}.json"
        self._said = threading.Condition()
        self.lines: list[str] = []
        self.report: dict = {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "city_node", *arguments, "--report", str(self.report_path)],
            cwd=home,
            env=own_environment(home, **variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._hearer = threading.Thread(target=self._hear)
        self._hearer.start()

    def _hear(self) -> None:
        for line in self.process.stderr:
            with self._said:
                self.lines.append(line.rstrip("\n"))
                self._said.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line that matches, said already or to be waited for."""
        heard = 0
        give_up_s = time.monotonic() + GUARD_S
        with self._said:
            while time.monotonic() < give_up_s and (self._said or self._hearer.is_alive()):
                for line in self.lines[heard:]:
                    if found := re.search(pattern, line):
                        return found
                heard = len(self.lines)
                if not self._hearer.is_alive():
                    break
                self._said.wait(0.1)
        raise AssertionError(f"no line matched {pattern!r} in:\n" + "\n".join(self.lines))

    def matching(self, pattern: str) -> list[str]:
        """Lines said so far that match."""
        return [line for line in self.lines if re.search(pattern, line)]

    @property
    def resident_bytes(self) -> int:
        """Memory the process really uses."""
        asked = ["ps", "-o", "rss=", "-p", str(self.process.pid)]
        return int(subprocess.run(asked, capture_output=True, check=True).stdout) * 1024

    def stop(self, with_signal: signal.Signals = signal.SIGINT) -> dict:
        """End it as a user does; it must end well. Returns its report."""
        if not self.report:
            if self.process.poll() is None:
                self.process.send_signal(with_signal)
            self.end()
            assert self.process.returncode == 0, "\n".join(self.lines)
            self.report = json.loads(self.report_path.read_text("utf-8"))
        return self.report

    def end(self) -> None:
        """Wait until it has ended by itself, and killed it where it does not."""
        try:
            self.process.wait(GUARD_S)
        finally:
            self.process.kill()
            self.process.wait()
            self._hearer.join()
            self.process.stderr.close()
        assert not self.matching("Traceback"), "\n".join(self.lines)

    def kill(self) -> None:
        """End it at once, however it is, after a test that may have failed."""
        self.process.kill()
        with contextlib.suppress(AssertionError):
            self.end()


@contextlib.contextmanager
def running(home: Path, *arguments: str, **variables: str) -> Iterator[Node]:
    """A node for as long as the context lasts. Headless; it looks around only if told so.

    Args:
        home: its HOME; nodes that share one are nodes of one user.
        arguments: as on the command line.
        variables: of its environment.
    """
    node = Node(home, ("--headless", *arguments), variables)
    try:
        yield node
    except BaseException:
        node.kill()
        print("\n".join(node.lines))
        raise
    node.stop()


def connected(port: int) -> socket.socket:
    """A connection to a node that has just been started, as soon as it listens."""
    give_up_s = time.monotonic() + GUARD_S
    while True:
        try:
            stream = socket.create_connection(("127.0.0.1", port), timeout=GUARD_S)
        except ConnectionRefusedError:
            assert time.monotonic() < give_up_s, f"nobody listens on {port}"
            time.sleep(0.02)
            continue
        if stream.getsockname() != stream.getpeername():  # a connection to itself: it does happen
            return stream
        stream.close()


def let_a_window_pass(port: int) -> None:
    """Wait until a city has looked at all who came before, as it does between its windows."""
    too_rich = b'{"Money":999999,"BuysSells":"bed","CarryingCapacity":1}\n'
    with connected(port) as stream, stream.makefile("rb") as lines:
        stream.sendall(b"Passer-by\n" + too_rich)
        while (came := lines.readline()) != too_rich:
            assert came, "closed"


def check_balance(report: dict) -> None:
    """Money of every city in a report adds up to the unit."""
    for city in report["cities"]:
        money = city["money"]
        came = money["initial"] + money["issued"] + money["entered"]
        assert came - money["left"] - money["destroyed"] == money["holdings"], city


def asked(folder: Path, query: str) -> list[tuple]:
    """What the ledger in a folder says, whether its node runs or not."""
    uri = f"file:{folder}/ledger.db?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as database:
        return database.execute(query).fetchall()


def entered(folder: Path) -> int:
    """Merchants who have entered a world over the network."""
    return asked(folder, "SELECT coalesce(sum(entered), 0) FROM peers")[0][0]


def until(happened: Callable[[], Any], what: str) -> None:
    """Wait for what comes by itself; `what` is said when it does not."""
    give_up_s = time.monotonic() + GUARD_S
    while not happened():
        assert time.monotonic() < give_up_s, what
        time.sleep(0.05)
