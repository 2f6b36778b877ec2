"""Real nodes that trade over links: found, killed, stopped, asked for, trusted, distrusted."""

import json
import random
import subprocess
import time
from pathlib import Path

import pytest

from city_node.cli import main
from city_node.durability.audit import audited
from city_node.identity.node_name import name_for_life
from tests.nodes import (
    Node,
    asked,
    check_balance,
    entered,
    free_port,
    own_environment,
    run_to_end,
    until,
)

QUIET = ("--headless", "--no-discovery", "--merchants", "40")


def under_way(folder: Path) -> set[tuple]:
    """Merchants who are on the road, or held, by their numbers."""
    live = "state IN ('PREPARED', 'COMMITTED', 'HELD')"
    return set(asked(folder, f"SELECT city, peer, side, xid FROM migrations WHERE {live}"))


class Pair:
    """Two nodes of one city each: the second dials the first."""

    def __init__(self, home: Path, port_of: str) -> None:
        self.home = home
        ports = {"--port": free_port(), "--node-port": free_port()}
        listens = [str(word) for pair in ports.items() for word in pair]
        connect = ("--connect", f"127.0.0.1:{ports[port_of]}")
        self.folders = [home / "one", home / "other"]
        self.arguments = [
            ("Riverwood", *QUIET, *listens, "--node-name", "atlas"),
            ("Seaside", *QUIET, *connect, "--port", str(free_port()), "--node-name", "boreas"),
        ]
        self.nodes = [self.started(0), self.started(1)]

    def started(self, number: int) -> Node:
        where = ("--data-dir", str(self.folders[number]))
        return Node(self.home, (*self.arguments[number], *where), {})

    def trade(self, merchants: int) -> None:
        """Until so many more have crossed."""
        before = sum(map(entered, self.folders))
        until(lambda: sum(map(entered, self.folders)) >= before + merchants, "trade")

    def audit(self) -> dict:
        """The books of both; they must balance."""
        books = audited(self.folders)
        assert books["balanced"], books
        return books

    def stop(self) -> None:
        for node in self.nodes:
            check_balance(node.stop())


@pytest.mark.parametrize("port_of", ["--node-port", "--port"])
def test_killed_at_any_moment_nobody_is_lost_or_doubled(tmp_path, port_of: str) -> None:
    chance, both = random.Random(5), Pair(tmp_path, port_of)
    try:
        for node in both.nodes:
            node.wait_for("road to .* open")
        until(lambda: all(map(entered, both.folders)), "merchants both ways")
        assert len(both.audit()["between"]) == 2  # while they run
        shown = run_to_end(tmp_path, "peers", "--node", "atlas").stdout.splitlines()
        assert shown[0].split()[-4:] == ["refused", "balance", "credit", "used"]
        assert shown[1].split()[:3] == ["Riverwood", "Seaside@boreas", "accepted"]
        assert shown[1].endswith("%")
        for number in (0, 1):
            time.sleep(chance.uniform(0.0, 0.3))
            both.nodes[number].process.kill()
            both.nodes[number].end()
            open_then = [under_way(folder) for folder in both.folders]
            both.audit()
            both.nodes[number] = both.started(number)
            both.nodes[number].wait_for("goes on at tick")
            both.trade(10)
            until(
                lambda then=open_then: (
                    not any(
                        under_way(folder) & before
                        for folder, before in zip(both.folders, then, strict=True)
                    )
                ),
                "the end of migrations that were under way",
            )
        both.stop()
        books = both.audit()
        assert books["entered"] == books["left"] == 0  # there are no guests
        assert books["held"] + books["in_transit"] == books["issued"]
        assert books["in_transit"] == sum(way["in_transit"] for way in books["between"]) >= 0
        alone = audited(both.folders[:1])
        assert alone["entered"] > 0
        assert alone["between"] == []
        if port_of == "--port":
            return
        rotated = run_to_end(tmp_path, "rotate", str(both.folders[1]))
        assert rotated.returncode == 0, rotated.stderr
        both.nodes = [both.started(0), both.started(1)]  # after a clean end likewise
        both.nodes[0].wait_for("has a new key, signed by both")
        both.trade(10)
        both.stop()
        assert both.audit()["held"] + both.audit()["in_transit"] == books["issued"]
    finally:
        for node in both.nodes:
            node.kill()
            print("\n".join(node.lines))
            assert not node.matching("quarantined|nothing on it is acknowledged")


def verb(home: Path, *arguments: str, of: str) -> subprocess.CompletedProcess[str]:
    ran = run_to_end(home, *arguments, CITY_NODE_HOME=str(home / of))
    assert ran.returncode == 0, ran.stderr
    return ran


def test_who_knocks_waits_until_both_users_trust_him(tmp_path) -> None:
    """Neither is started again: the road opens by itself, and closes when trust ends."""
    port = free_port()
    listens = ("--node-port", str(port), "--node-name", "atlas", "--port", str(free_port()))
    dials = ("--connect", f"127.0.0.1:{port}", "--node-name", "boreas", "--port", str(free_port()))
    nodes = {
        "atlas": ("Riverwood", *QUIET, *listens, "--data-dir", "one"),
        "boreas": ("Seaside", *QUIET, *dials, "--data-dir", "other"),
    }
    running = {
        name: Node(tmp_path, arguments, {"CITY_NODE_HOME": str(tmp_path / name)})
        for name, arguments in nodes.items()
    }
    try:
        ids = {}
        for name, other in (("atlas", "boreas"), ("boreas", "atlas")):
            running[name].wait_for(f"node {other} at .* knocks|the peer says knock")
            ids[name] = verb(tmp_path, "id", of=name).stdout.split("\n")[0]
        for name, other in (("atlas", "boreas"), ("boreas", "atlas")):
            until(
                lambda n=name, o=other: ids[o] in verb(tmp_path, "pending", of=n).stdout,
                f"{other} among those who have knocked at {name}",
            )
            assert not running[name].matching("road to .* open")
            told = verb(tmp_path, "peers", "--node", name, of=name).stdout
            assert f"{other} at 127.0.0.1:" in told
            assert f"city-node trust {ids[other][:7]}" in told or "we knock there" in told
            verb(tmp_path, "trust", ids[other][:7], of=name)
        for node in running.values():
            node.wait_for("road to .* open")
        until(lambda: entered(tmp_path / "one") and entered(tmp_path / "other"), "trade")
        verb(tmp_path, "distrust", ids["boreas"][:7], of="atlas")
        for node in running.values():
            node.wait_for("road to .* closed")
        for node in running.values():
            check_balance(node.stop())
        assert audited([tmp_path / "one", tmp_path / "other"])["balanced"]
    finally:
        for node in running.values():
            node.kill()


# --- names ---


def test_a_world_has_one_name_for_life(tmp_path, monkeypatch, capsys) -> None:
    environment = own_environment(tmp_path, CITY_NODE_HOME=str(tmp_path / "trust"))
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(tmp_path)
    short = ("Riverwood", "--headless", "--no-discovery", "--ticks", "0", "--report", "r.json")

    def name_of(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main([*short, *arguments])
        assert ended.value.code in (None, 0)
        return json.loads(Path("r.json").read_text())["node"]

    first = name_of()
    assert name_of("--data-dir", "other") == f"{first}-2"  # although the first does not run
    assert name_of() == first
    assert name_of("--node-name", first.upper()) == first
    assert name_of("--new") not in (first, f"{first}-2")  # others know the old one by its key
    capsys.readouterr()
    with pytest.raises(SystemExit) as refused:
        main([*short, "--data-dir", "other", "--node-name", "atlas"])
    assert refused.value.code == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert f"node_name = 'atlas': the world in 'other' is called '{first}-2'" in said


def test_the_name_of_a_new_world_is_asked_for_or_still_to_be_found(tmp_path) -> None:
    assert name_for_life(None, None, tmp_path) is None
    assert name_for_life("atlas", None, tmp_path) == "atlas"
    assert name_for_life(None, "atlas", tmp_path) == "atlas"
