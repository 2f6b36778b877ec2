"""Real nodes and emulated programs of chapters 7 and 8 trade, and nobody dies of it.

A few seconds of it; CITY_NODE_TEST_SECONDS=60 for the whole minute.
"""

import json
import os
import socket
import time
from contextlib import ExitStack

import pytest

from tests.legacy_peers import (
    CHAPTER_7,
    CHAPTER_8,
    LegacyPeer,
    tutorial_client,
    tutorial_line,
)
from tests.nodes import GUARD_S, check_balance, connected, free_port, let_a_window_pass, running

SECONDS = float(os.environ.get("CITY_NODE_TEST_SECONDS", "3"))
PEERS = {
    "chapter 7 dials": ("Seveneves", CHAPTER_7, "dials"),
    "chapter 8 dials": ("Eighton", CHAPTER_8, "dials"),
    "chapter 7 is dialled": ("Sevenoaks", CHAPTER_7, "is dialled"),
    "chapter 8 is dialled": ("Eightham", CHAPTER_8, "is dialled"),
}


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory):
    """Four peers that have exchanged merchants with one node, and its report."""
    peers = {}
    dialled = []
    port = free_port()
    with ExitStack() as stack:
        for case, (name, chapter, direction) in PEERS.items():
            dials = direction == "dials"  # or has nobody to send until somebody has come
            peers[case] = peer = LegacyPeer(chapter, name.upper(), 10 * dials, eager=dials)
            stack.callback(peer.close)
            if not dials:
                dialled += ["--connect", f"127.0.0.1:{peer.listen()}"]
        node = stack.enter_context(
            running(
                tmp_path_factory.mktemp("home"),
                *("Riverwood", "--port", str(port), "--no-discovery", "--speed", "6000"),
                *dialled,
            )
        )
        for case, (_, _, direction) in PEERS.items():
            if direction == "dials":
                peers[case].dial(connected(port))
        started_s = time.monotonic()
        while time.monotonic() < started_s + GUARD_S + SECONDS:
            time.sleep(0.1)
            enough = all(peer.taken >= 50 and len(peer.came_back) >= 5 for peer in peers.values())
            if any(peer.killed_by for peer in peers.values()):
                break
            if enough and time.monotonic() >= started_s + SECONDS:
                break
        yield peers, node.stop()


@pytest.mark.parametrize("case", PEERS)
def test_legacy_peer_lives_and_trades(exchanged, case: str) -> None:
    peers, report = exchanged
    peer = peers[case]
    name = PEERS[case][0]
    assert peer.killed_by == ""
    assert peer.names == ["RIVERWOOD"]
    assert peer.taken >= 50
    city = report["cities"][0]
    assert city["arrivals"][name] >= 5
    assert city["departures"][name] >= 50
    check_balance(report)


@pytest.mark.parametrize("case", PEERS)
def test_who_came_back_has_listened(exchanged, case: str) -> None:
    peer = exchanged[0][case]
    heard = [
        (sent["ExpectedPrices"], came["ExpectedPrices"])
        for sent, came in peer.came_back
        if sent["BuysSells"] != "fur"  # nobody deals in it in Riverwood; that line goes back
    ]
    assert len(heard) >= 3
    for sent, came in heard:
        assert came != sent
        assert any("RIVERWOOD" in by_city for by_city in came.values())
    assert peer.cities_named <= {"RIVERWOOD", *(each.name for each in exchanged[0].values())}


def test_the_tutorials_own_client(tmp_path) -> None:
    port = free_port()
    with running(tmp_path, "Riverwood", "--port", str(port), "--no-discovery") as node:
        came = tutorial_client(connected(port))
        node.wait_for("road to PythonCity closed")
        assert node.matching("refused|turned back") == []
        let_a_window_pass(port)
        report = node.stop()
    assert came.startswith(b'{"Money":')
    assert report["cities"][0]["arrivals"] == {"PythonCity": 10}
    check_balance(report)


def test_the_tutorials_line_is_as_long_as_the_tutorials() -> None:
    assert 660 <= len(tutorial_line()) <= 676


# --- the emulators are as fragile as what they emulate ---

FINE = {"Money": 1.0, "BuysSells": "wood", "CarryingCapacity": 20, "Owned": 0}
FINE["ExpectedPrices"] = {"wood": {"RIVERWOOD": 1.0}}


@pytest.mark.parametrize(
    ("chapter", "changed", "killed_by"),
    [
        (CHAPTER_7, {"BuysSells": "fur"}, "unknown good as BuysSells"),
        (CHAPTER_8, {"BuysSells": "thread"}, "unknown good as BuysSells"),
        (CHAPTER_7, {"ExpectedPrices": {"leisure": {}}}, "unknown good in ExpectedPrices"),
        (CHAPTER_7, {"ExpectedPrices": {"wood": {"RIVERWOOD": None}}}, "null in ExpectedPrices"),
        (CHAPTER_8, {"ExpectedPrices": {"wood": None}}, "null in ExpectedPrices"),
        (CHAPTER_8, {"ExpectedPrices": {}}, "empty ExpectedPrices"),
        (CHAPTER_7, {"Money": float("nan")}, "not JSON"),
    ],
)
def test_what_kills_an_emulator(chapter, changed: dict, killed_by: str) -> None:
    peer = LegacyPeer(chapter, "SEASHORE", 0)
    try:
        with socket.create_connection(("127.0.0.1", peer.listen())) as stream:
            assert stream.recv(1024) == chapter.greeting("SEASHORE")
            stream.sendall(chapter.greeting("RIVERWOOD"))
            while peer.names != ["RIVERWOOD"]:
                time.sleep(0.01)
            stream.sendall(json.dumps(FINE).encode() + b"\n")
            stream.sendall(json.dumps(FINE | changed).encode() + b"\n")
            assert stream.recv(1024) == b""  # it has crashed
        assert peer.killed_by.startswith(killed_by)
    finally:
        peer.close()


@pytest.mark.parametrize("chapter", [CHAPTER_7, CHAPTER_8])
def test_a_merchant_right_behind_the_name_kills_an_emulator(chapter) -> None:
    peer = LegacyPeer(chapter, "SEASHORE", 0)
    try:
        with socket.create_connection(("127.0.0.1", peer.listen())) as stream:
            stream.sendall(chapter.greeting("RIVERWOOD") + json.dumps(FINE).encode() + b"\n")
            assert stream.recv(1024) == chapter.greeting("SEASHORE")
            assert stream.recv(1024) == b""
        assert peer.killed_by.startswith("something came along with the name")
    finally:
        peer.close()
