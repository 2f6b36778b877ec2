"""A node as a process of its own, for tools: started, watched, interrupted, read.

Called by `networked`, `chaos`, `evolution_nodes` and benchmarks. It knows nodes by their command
line, reports, histories and observer sockets.
"""

import csv
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from protocol.observe import Snapshot
from protocol.observe_lines import SnapshotReader

HOST = "127.0.0.1"
START_S_MAX = 120.0
"""For a node to listen: it may have to compile its kernels first, on a busy machine."""

STOP_S_MAX = 60.0


@dataclass(frozen=True)
class Running:
    """A node that runs, and where it writes what."""

    process: subprocess.Popen[bytes]
    folder: Path
    observe_port: int

    def reach(self, tick: int) -> int:
        """Wait until it is at that tick or beyond; where it is then.

        Raises:
            RuntimeError: it ended before.
        """
        reader, seen = SnapshotReader(), -1
        with self._observed() as observer:
            while seen < tick:
                data = observer.recv(65_536)
                if not data:
                    self.end()
                    raise RuntimeError(f"ended before tick {tick:,}")
                for message in reader.receive(data):
                    seen = message.tick if isinstance(message, Snapshot) else seen
        return seen

    def _observed(self) -> socket.socket:
        give_up_s = time.monotonic() + START_S_MAX
        while True:
            try:
                return socket.create_connection((HOST, self.observe_port))
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > give_up_s:
                    self.process.kill()
                    self.end()
                    raise
                time.sleep(0.1)

    def interrupt(self) -> None:
        """Ask it to stop, as a user does."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> dict[str, Any]:
        """Wait until it has stopped; its report, by city.

        Raises:
            RuntimeError: it failed, or the books do not balance.
        """
        if self.process.wait():
            raise RuntimeError((self.folder / "errors").read_text("utf-8"))
        report = json.loads((self.folder / "report.json").read_text("utf-8"))
        return {city["name"]: city for city in report["cities"]}

    def history(self) -> list[dict[str, str]]:
        """The rows of its history, one a city and look."""
        with (self.folder / "history.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def late(self, city: str, column: str, share: float) -> float:
        """The mean of a column of its history over the last share of its ticks."""
        rows = [row for row in self.history() if row["city"] == city]
        first = int(rows[-1]["tick"]) * (1 - share)
        return mean(float(row[column]) for row in rows if int(row["tick"]) >= first)


@contextmanager
def node(*arguments: str, home: Path) -> Iterator[Running]:
    """Start a node without a window; it is interrupted if it still runs at the end.

    Args:
        home: for whom its user trusts and what runs, so that it meets no other node of the real
            user; nodes that share one are nodes of one user.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CITY_NODE_")}
    environment |= {"CITY_NODE_HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = [f"--report={folder / 'report.json'}", f"--history={folder / 'history.csv'}"]
        observe_port = free_ports(1)
        written += [f"--observe-port={observe_port}", f"--data-dir={folder / 'world'}"]
        command = [sys.executable, "-m", "city_node", *arguments, "--headless", *written]
        with (folder / "errors").open("wb") as errors:
            process = subprocess.Popen(command, env=environment, stderr=errors)
        running = Running(process, folder, observe_port)
        try:
            yield running
        finally:
            running.interrupt()
            try:
                process.wait(STOP_S_MAX)
            finally:
                process.kill()


@contextmanager
def own_home() -> Iterator[Path]:
    """A folder for `home`, gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "home"
        folder.mkdir(mode=0o700)
        yield folder


def free_ports(count: int) -> int:
    """The first of so many neighbouring ports that nobody listens on."""
    for _ in range(1_000):
        first = random.randrange(20_000, 32_000)
        try:
            with ExitStack() as listeners:
                for port in range(first, first + count):
                    listeners.enter_context(socket.create_server((HOST, port)))
        except OSError:
            continue
        return first
    raise RuntimeError(f"no {count} free ports in a row")
