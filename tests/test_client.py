"""The blocking client against a scripted city in a thread."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

import pytest

from protocol.checks import LineError
from protocol.client import CityClient
from protocol.messages import Merchant

TIMEOUT_S = 10.0
MERCHANT = Merchant(
    money_minor=121_148_000_001,
    good="chair",
    capacity=20,
    owned=3,
    expected_prices={"chair": {"PYTHONCITY": 9.5, "RIVERWOOD": 12.0}},
    genome={"greed": 0.5},
)


@contextlib.contextmanager
def city(script: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a script with the first connection to a port of its own, and see that it ends well."""
    failures: list[Exception] = []

    def serve() -> None:
        try:
            stream, _ = listener.accept()
            with stream:
                stream.settimeout(TIMEOUT_S)
                script(stream)
        except Exception as failure:
            failures.append(failure)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT_S)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join(TIMEOUT_S)
    assert failures == []


def greet(stream: socket.socket) -> BinaryIO:
    """As a node does: hear the name, then say ours; lines can be read from what is returned."""
    lines = stream.makefile("rb")
    assert lines.readline() == b"PYTHONCITY\n"
    stream.sendall(b"RIVERWOOD\n")
    return lines


def test_merchants_go_and_come_back() -> None:
    def echo(stream: socket.socket) -> None:
        with greet(stream) as lines:
            stream.sendall(lines.readline() + lines.readline())

    with city(echo) as port, CityClient("PythonCity", port=port) as client:
        assert client.name == "RIVERWOOD"
        client.send(MERCHANT, MERCHANT)
        assert list(client.receive(seconds=TIMEOUT_S)) == [MERCHANT, MERCHANT]
        assert client.closed == "closed by the peer"
        with pytest.raises(ConnectionError, match="closed by the peer"):
            client.send(MERCHANT)


def test_chapter_7_hears_the_bare_name_alone() -> None:
    def chapter_7(stream: socket.socket) -> None:
        stream.sendall(b"SEASIDE")
        assert stream.recv(1024) == b"PYTHONCITY"
        assert json.loads(stream.recv(1024))["BuysSells"] == "chair"

    with city(chapter_7) as port, CityClient("PythonCity", port=port, newline=False) as client:
        assert client.name == "SEASIDE"
        client.send(MERCHANT)


def test_unknown_good_goes_back_and_bad_line_is_reported() -> None:
    fish = b'{"BuysSells":"fish","CarryingCapacity":3}\n'

    def send_fish(stream: socket.socket) -> None:
        with greet(stream) as lines:
            stream.sendall(fish + b"garbage\n")
            assert lines.readline() == fish

    with city(send_fish) as port, CityClient("PythonCity", port=port) as client:
        assert list(client.receive(seconds=TIMEOUT_S)) == []
        assert list(client.refused) == ["line b'garbage' is not JSON"]


def test_what_the_city_would_refuse_is_not_sent() -> None:
    def hear_one(stream: socket.socket) -> None:
        with greet(stream) as lines:
            assert json.loads(lines.readline())["Owned"] == 3
            assert lines.readline() == b""

    bad = Merchant(
        money_minor=0, good="chair", capacity=1, expected_prices={"chair": {"A\nB": 1.0}}
    )
    with city(hear_one) as port, CityClient("PythonCity", port=port) as client:
        with pytest.raises(LineError, match="control character"):
            client.send(MERCHANT, bad)
        client.send(MERCHANT)


def test_receive_ends_in_time() -> None:
    over = threading.Event()

    def say_nothing(stream: socket.socket) -> None:
        with greet(stream):
            over.wait(TIMEOUT_S)

    with city(say_nothing) as port, CityClient("PythonCity", port=port) as client:
        assert list(client.receive(seconds=0.01)) == []
        assert client.closed == ""
        over.set()


def test_leaving_ends_the_connection_and_does_not_reset_it() -> None:
    """A reset would take along what we have sent and the city has not read."""

    def write_then_read(stream: socket.socket) -> None:
        with greet(stream) as lines:
            assert json.loads(lines.readline())["Owned"] == 3
            stream.sendall(b'{"BuysSells":"bed","CarryingCapacity":3}\n')
            unread.set()
            assert lines.readline() == b""

    unread = threading.Event()
    with city(write_then_read) as port, CityClient("PythonCity", port=port) as client:
        client.send(MERCHANT)
        assert unread.wait(TIMEOUT_S)


@pytest.mark.parametrize("name", [b"", b"\x07\n"])
def test_city_that_does_not_greet(name: bytes) -> None:
    def mumble(stream: socket.socket) -> None:
        stream.sendall(name)
        if not name:
            stream.recv(1024)

    with city(mumble) as port, pytest.raises(ConnectionError, match="no greeting"):
        CityClient("PythonCity", port=port).__enter__()


def test_greeting_takes_no_longer_than_asked() -> None:
    def wait(stream: socket.socket) -> None:
        assert stream.recv(1024) == b"PYTHONCITY\n"
        assert stream.recv(1024) == b""

    with city(wait) as port, pytest.raises(TimeoutError, match=r"no greeting within 0\.05 s"):
        CityClient("PythonCity", port=port, timeout_s=0.05).__enter__()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        CityClient("PythonCity", port=port).__enter__()
