"""Real nodes under `kill -9`: `python -m tools.chaos --minutes M --nodes N`.

Nodes of one city each trade over loopback; one after the other is killed at some moment, and
started again. At the end all run on in peace for a while, are stopped as a user does, and
`city-node audit` over all their folders must balance, and nobody may have been in limbo all the
while. The seed decides who is killed and when, not what the machine makes of it: a failure leaves
the folders, and says where, how to look at them, and what kills in the same order again.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, randrange
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tools import reliability
from tools.node_process import HOST, free_ports

NAMES = ("Riverwood", "Seaside", "Portsville", "Winterhold")
LOCALS, MERCHANTS = 20, 40

LIVES_S_MAX = 5.0
"""A node that is to be killed has lived for so long at most since it said its first line."""

EARLY_SHARE = 0.2
"""Of the kills that come at any moment after the last one, mostly while nodes are starting."""

START_S_MAX = 120.0

AWAY_S_MAX = 2.0
CALM_S = 20.0
"""All nodes run, the redialling included, before they are stopped."""

STOP_S_MAX = 60.0
PORTS_A_NODE = 2


class ChaosError(Exception):
    """What must never happen has happened."""


@dataclass
class Node:
    """One node, over all its lives.

    Attributes:
        home: where all its files are; the world is in `world` of it.
        said_bytes: of earlier lives.
    """

    city: str
    home: Path
    port: int
    dials: list[int]
    process: subprocess.Popen[bytes] | None = None
    lives: int = 0
    said_bytes: int = 0

    @property
    def folder(self) -> Path:
        """Of the world."""
        return self.home / "world"

    @property
    def said(self) -> Path:
        """Where what it says goes."""
        return self.home / "stderr"

    def start(self) -> None:
        """Begin the next life."""
        self.lives += 1
        command = [sys.executable, "-m", "city_node", self.city, "--headless", "--no-discovery"]
        command += ["--node-name", self.city.lower(), "--data-dir", str(self.folder)]
        command += ["--port", str(self.port), "--report", str(self.home / "report.json")]
        command += ["--locals", str(LOCALS), "--merchants", str(MERCHANTS)]
        for port in self.dials:
            command += ["--connect", f"{HOST}:{port}"]
        with self.said.open("ab") as said:
            said.write(f"--- life {self.lives}\n".encode())
            said.flush()
            self.said_bytes = said.tell()
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=environment(self.home),
            )

    def wait_until_it_lives(self) -> None:
        """Until it has shown how its city is, a second after its start.

        Raises:
            ChaosError: it has not.
        """
        assert self.process
        give_up_s = time.monotonic() + START_S_MAX
        while b"  tick " not in self.said.read_bytes()[self.said_bytes :]:
            if time.monotonic() > give_up_s or self.process.poll() is not None:
                raise ChaosError(f"{self.city} does not begin to live; see {self.said}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End this life as a power cut to the process does.

        Raises:
            ChaosError: it had ended by itself.
        """
        assert self.process
        if self.process.poll() is not None:
            raise ChaosError(
                f"{self.city} ended by itself (status {self.process.returncode}); see {self.said}"
            )
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end, as a user does."""
        assert self.process
        self.process.send_signal(signal.SIGINT)

    def ended(self) -> dict[str, Any]:
        """Its report.

        Raises:
            ChaosError: it did not end well.
        """
        assert self.process
        try:
            status = self.process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            raise ChaosError(f"{self.city} does not end; see {self.said}") from None
        if status:
            raise ChaosError(f"{self.city} ended with status {status}; see {self.said}")
        report: dict[str, Any] = json.loads((self.home / "report.json").read_text("utf-8"))
        return report


def environment(home: Path) -> dict[str, str]:
    """One in which nothing of the user's is met but the compiled kernels."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CITY_NODE_")}
    for folder in ("RUNTIME", "CONFIG", "DATA", "STATE"):
        name = f"XDG_{folder}_{'DIR' if folder == 'RUNTIME' else 'HOME'}"
        kept[name] = str(home / folder.lower())
    return kept | {"CITY_NODE_HOME": str(home.parent / "trust")}


@dataclass
class Total:
    """What was done, and what came of it."""

    minutes: float
    nodes: int
    kills: Counter[str] = field(default_factory=Counter)
    arrivals: int = 0
    audit: dict[str, Any] = field(default_factory=dict)


def found_nodes(count: int, folder: Path) -> list[Node]:
    """Nodes that each dial those before them."""
    ports = [free_ports(PORTS_A_NODE) for _ in range(count)]
    nodes = []
    for number, port in enumerate(ports):
        name = NAMES[number] if number < len(NAMES) else f"Town {number}"
        home = folder / name.lower().replace(" ", "-")
        home.mkdir()
        nodes.append(Node(name, home, port, ports[:number]))
    return nodes


def chaos(minutes: float, count: int, folder: Path, progress: Progress, chance: Random) -> Total:
    """Kill and start nodes for so long, then let them end well, and audit.

    Args:
        chance: who is killed, and when.

    Raises:
        ChaosError: what must never happen has happened.
    """
    nodes, total = found_nodes(count, folder), Total(minutes, count)
    task = progress.add_task("killing", total=minutes * 60)
    try:
        for node in nodes:
            node.start()
        began_s = time.monotonic()
        while (passed_s := time.monotonic() - began_s) < minutes * 60:
            progress.update(task, completed=passed_s)
            kill = drawn(chance, count)
            node = nodes[kill.node]
            if not kill.early:
                node.wait_until_it_lives()
            time.sleep(kill.after_s)
            node.kill()
            total.kills[node.city] += 1
            time.sleep(kill.away_s)
            node.start()
        progress.update(task, description="in peace", completed=minutes * 60)
        for node in nodes:
            node.wait_until_it_lives()
        in_doubt = asked("limbo", nodes)
        time.sleep(CALM_S)
        for node in nodes:
            node.stop()
        reports = [node.ended() for node in nodes]
    finally:
        for node in nodes:
            if node.process and node.process.poll() is None:
                node.process.kill()
                node.process.wait()
    total.arrivals = sum(
        sum(city["arrivals"].values()) for report in reports for city in report["cities"]
    )
    total.audit = asked("audit", nodes)
    check_settled(in_doubt, asked("limbo", nodes))
    if not total.arrivals:
        raise ChaosError("nobody has crossed, so nothing was tested")
    if not total.audit["balanced"]:
        command = shlex.join(command_of("audit", nodes))
        raise ChaosError(f"the books of all nodes together do not balance:\n    {command}")
    return total


class Kill(NamedTuple):
    """One kill: of which node, whether it need not have begun to live, when, and for how long."""

    node: int
    early: bool
    after_s: float
    away_s: float


def drawn(chance: Random, count: int) -> Kill:
    """The next kill, of so many nodes."""
    node, early = chance.randrange(count), chance.random() < EARLY_SHARE
    return Kill(node, early, chance.uniform(0, LIVES_S_MAX), chance.uniform(0, AWAY_S_MAX))


def check_settled(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    """Whoever was in doubt when all nodes lived again is not any more at the end of the calm.

    Args:
        before, after: as `city-node limbo` lists merchants in doubt.

    Raises:
        ChaosError: he is.
    """
    if stuck := [one for one in after if one in before]:
        raise ChaosError(f"{len(stuck):,} merchants are still in limbo, one is {stuck[0]}")


def asked(verb: str, nodes: list[Node]) -> Any:
    """What `city-node audit` or `city-node limbo` says of all folders."""
    ran = subprocess.run(
        command_of(verb, nodes), capture_output=True, text=True, env=environment(nodes[0].home)
    )
    if not ran.stdout:
        raise ChaosError(f"{verb} failed: {ran.stderr.strip()}")
    return json.loads(ran.stdout)


def command_of(verb: str, nodes: list[Node]) -> list[str]:
    """The command of a verb that looks at all folders."""
    folders = [str(node.folder) for node in nodes]
    return [sys.executable, "-m", "city_node", verb, *folders, "--json"]


def main(
    minutes: Annotated[float, typer.Option(min=0.0, help="Of killing.")] = 1.0,
    nodes: Annotated[int, typer.Option(min=2, max=64, help="Of one city each.")] = 3,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the kills; default: any.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Into docs/reliability.md.")] = False,
) -> None:
    """Kill nodes at any moment, start them again, and audit the whole network."""
    console = Console()
    seed = randrange(10**6) if seed is None else seed
    command = f"python -m tools.chaos --minutes {minutes:g} --nodes {nodes} --seed {seed}"
    console.print(command, highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="city-node-chaos-"))
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            total = chaos(minutes, nodes, folder, progress, Random(seed))
    except ChaosError as error:
        told = f"{error}\nthe nodes' folders are in {folder}\nkilled by\n    {command}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)
    facts = facts_of(total)
    for what, told in facts.items():
        console.print(f"{what}: {told}", highlight=False)
    if keep:
        console.print(f"wrote {reliability.keep(f'Killed: {nodes} nodes', command, facts)}")
    shutil.rmtree(folder)


def facts_of(total: Total) -> dict[str, str]:
    """What was done, and what came of it."""
    counted = {"minutes": f"{total.minutes:g}", "kills": f"{total.kills.total():,}"}
    counted["arrivals"] = f"{total.arrivals:,}"
    for name in ("issued", "destroyed", "held", "in_transit"):
        counted[f"{name.replace('_', ' ')}, minor units"] = f"{total.audit[name]:,}"
    return counted | {"balanced": "yes" if total.audit["balanced"] else "no"}


if __name__ == "__main__":
    typer.run(main)
