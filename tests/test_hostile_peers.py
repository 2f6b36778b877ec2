"""A running node and peers that mean it ill, or do not know better.

Each costs itself its road at most, and the log one clear line; time goes on, memory stays where it
was, and an honest peer on the same address is served all the while.
"""

import contextlib
import json
import resource
import socket
import struct
import threading
import time

import pytest

from protocol.client import CityClient
from protocol.limits import MINOR_PER_COIN
from protocol.messages import Merchant
from tests.nodes import GUARD_S, check_balance, connected, free_port, running

MEMORY_BYTES_MAX = 100_000_000
SERVED = 5
"""Merchants that come to the honest peer after a hostile act: windows go on, and roads are open."""

FINE = {"Money": 1000, "BuysSells": "bed", "CarryingCapacity": 20, "Owned": 1}
FINE["ExpectedPrices"] = {"bed": {"VILLAINY": 50.0, "RIVERWOOD": 40.0}}


def line(**changed) -> bytes:
    """A merchant that is fine, but for what was changed."""
    return json.dumps(FINE | changed).encode() + b"\n"


class Honest:
    """A peer who sends merchants and waits for merchants, in a thread of his own.

    Attributes:
        came: merchants who have been in the city, and came from there.
    """

    def __init__(self, port: int, name: str) -> None:
        self._name = name
        self._client = CityClient(name, port=port, timeout_s=GUARD_S)
        self._client.__enter__()
        self.came = 0
        self.failure: Exception | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._trade)
        self._thread.start()

    def _trade(self) -> None:
        own = Merchant(
            money_minor=MINOR_PER_COIN,
            good="bed",
            capacity=20,
            expected_prices={"bed": {self._name.upper(): 1.0}},
        )
        try:
            while not self._over.is_set() and not self._client.closed:
                self._client.send(own)
                for visitor in self._client.receive(seconds=0.02):
                    self.came += "RIVERWOOD" in visitor.expected_prices[visitor.good]
        except Exception as failure:
            self.failure = failure

    def is_served(self) -> None:
        """Wait for some more merchants."""
        before = self.came
        give_up_s = time.monotonic() + GUARD_S
        while self.came < before + SERVED:
            assert self._client.closed == ""
            assert self.failure is None
            assert time.monotonic() < give_up_s, "nobody came to the honest peer"
            time.sleep(0.01)

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._client.__exit__(None, None, None)


class City:
    """A node under attack, and the honest peer who is to notice nothing."""

    def __init__(self, node, port: int, honest: Honest) -> None:
        self.node, self.port, self.honest = node, port, honest
        honest.is_served()
        self.resident_bytes = node.resident_bytes

    def villain(self, greeting: bytes = b"Villainy\n") -> socket.socket:
        """A connection that has greeted and may send lines."""
        stream = connected(self.port)
        stream.sendall(greeting)
        if greeting:
            assert stream.recv(len(b"RIVERWOOD\n")) == b"RIVERWOOD\n"
        return stream

    def check(self) -> None:
        """All is as if nothing had happened."""
        assert self.node.process.poll() is None
        self.honest.is_served()
        assert self.node.resident_bytes < self.resident_bytes + MEMORY_BYTES_MAX
        assert not self.node.matching("Traceback")

    def stop(self) -> dict:
        """Check, and end it; returns the report's city."""
        self.check()
        report = self.node.stop()
        check_balance(report)
        return report["cities"][0]


@pytest.fixture
def city(tmp_path):
    port = free_port()
    with running(
        tmp_path, "Riverwood", "--port", str(port), "--no-discovery", "--speed", "6000"
    ) as node:
        connected(port).close()  # not before it listens
        honest = Honest(port, "Honesty")
        try:
            under_attack = City(node, port, honest)
            yield under_attack
            if not node.report:
                under_attack.stop()
        finally:
            honest.close()


def is_closed(stream: socket.socket) -> bool:
    """Read to the end of a connection that the node closes."""
    stream.settimeout(GUARD_S)
    try:
        while stream.recv(65_536):
            pass
    except ConnectionError:
        pass
    return True


def test_bad_lines_cost_a_line_of_log_each(city) -> None:
    deep = b'{"ExpectedPrices":' + b'[{"a":' * 100_000 + b"\n"
    keys = {f"g{number}": {"A": 1} for number in range(20_000)}
    some_keys = dict(list(keys.items())[:2_500])
    bad = {
        b"Hello?\n": r"line b'Hello\?' is not JSON",
        b"[" * 50_000 + b"\n": "line is nested too deeply",
        b'{"BuysSells":"\xff\xfe"}\n': "line is not UTF-8",
        b'{"Money":NaN}\n': "line holds NaN",
        b'{"Money":1e400}\n': "Money inf is not within 0",
        line(Money=-1): "Money -1 is not within 0",
        line(Money=1_000_001): "Money 1000001 is not within",
        line(CarryingCapacity=0): "CarryingCapacity 0 is not within 1",
        line(Owned=21): "Owned 21 is not within 0 … 20",
        line(ExpectedPrices={"bed": {"RIVERWOOD": 2e9}}): "2000000000.0 is not within",
        line(ExpectedPrices={"bed": None}): "ExpectedPrices 'bed' is null",
        line(ExpectedPrices=some_keys): "ExpectedPrices names 2,500 goods, at most 64",
        line(Money="rich"): "Money 'rich' is not a number",
        deep: "line is over 65,536 bytes",
        line(ExpectedPrices=keys): "line is over 65,536 bytes",
    }
    with city.villain() as stream:
        stream.sendall(b"".join(bad) + line(Owned=7))
        for reason in bad.values():
            city.node.wait_for(f"Riverwood: refused a line of Villainy: .*{reason}")
        city.honest.is_served()
        # The road is still open: a merchant comes by it
        stream.settimeout(GUARD_S)
        assert b"BuysSells" in stream.recv(65_536)
    city.node.wait_for("road to Villainy closed: closed by the peer")
    assert city.stop()["arrivals"]["Villainy"] >= 1


def test_garbage_unknown_goods_and_a_line_without_end(city) -> None:
    with city.villain(b"Babble\n") as stream:
        stream.sendall(b"garbage\n" * 1_000)
        assert is_closed(stream)
    city.node.wait_for("road to Babble closed: 20 lines refused within 60 s")
    assert len(city.node.matching("garbage")) == 1

    odd = b'{"BuysSells" : "gold", "owned":2, "CarryingCapacity":3, "Mood": "fine" }\r\n'
    with city.villain(b"Midas\n") as stream, stream.makefile("rb") as lines:
        stream.sendall(odd)
        while b"gold" not in (came := lines.readline()):
            assert came
        assert came == odd
    city.node.wait_for("refused a line of Midas: BuysSells 'gold' is not traded here")

    with city.villain(b"Endless\n") as stream:
        for _ in range(200):
            stream.sendall(b"x" * 1_000_000)
        city.check()
        stream.sendall(b"\n" + line(BuysSells="silver"))
        city.node.wait_for("refused a line of Endless: BuysSells 'silver'")
    assert len(city.node.matching("line is over 65,536 bytes")) == 1


def test_names_that_are_none(city) -> None:
    names = {
        b"V" * 200_000: "name b'V+….* does not end",
        b"V" * 65 + b"\n": "name 'V+….* is over 64 bytes",
        b"\x07\n": r"name '\\x07' has a control character",
        b"\xff\n": r"name b'\\xff' is not UTF-8",
        b"\n": "name holds an empty name",
        b'{"BuysSells":"bed"}\n': "name holds an empty name",
        b"riverwood\n": "name 'RIVERWOOD' is already in sight",
        b"honesty\n": "name 'HONESTY' is already in sight",
    }
    for name in names:
        with city.villain(b"") as stream:
            stream.sendall(name)
            assert is_closed(stream)
    for reason in names.values():
        city.node.wait_for(f"Riverwood: 127.0.0.1 not let in: {reason}")


def test_a_thousand_connections(city) -> None:
    with contextlib.ExitStack() as held:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 1_200 if hard == resource.RLIM_INFINITY else min(hard, 1_200)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
        held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        silent = [held.enter_context(city.villain(b"")) for _ in range(1_000)]
        city.check()
        late = Honest(city.port, "Lately")
        held.callback(late.close)
        late.is_served()
        for stream in silent[:900]:
            assert is_closed(stream)
    city.node.wait_for("closed: did not greet, and newcomers from its address want the place")
    assert len(city.node.lines) < 100


def test_more_peers_than_are_accepted(city) -> None:
    with contextlib.ExitStack() as held:
        for number in range(63):
            held.enter_context(city.villain(b"Villain%d\n" % number))
        with connected(city.port) as stream:
            stream.sendall(b"Villainy\n")
            assert is_closed(stream)
        city.check()
    assert len(city.node.matching("left out")) <= 2  # 64 roads are not worth 64 lines


def test_half_closed_and_reset(city) -> None:
    with city.villain() as stream:
        stream.sendall(line() * 10)
        stream.shutdown(socket.SHUT_WR)
        assert is_closed(stream)
    city.node.wait_for("road to Villainy closed: closed by the peer")
    with city.villain(b"Rudeness\n") as stream:
        assert stream.recv(1)
        stream.sendall(line())
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    city.node.wait_for("road to Rudeness closed: connection lost")
    assert city.stop()["arrivals"]["Villainy"] == 10


def test_floods_of_lines_that_go_back(city) -> None:
    """From peers who read them and from peers who do not, as fast as the node takes them."""
    floods = [line(BuysSells="gold") * 100, b'{"CarryingCapacity":1}\n' * 1_000, line() * 100]
    with contextlib.ExitStack() as held:
        villains = []
        for number in range(6):
            stream = held.enter_context(city.villain(b"Villain%d\n" % number))
            stream.setblocking(False)
            villains.append((stream, number % 2 == 0, floods[number // 2]))
        flooding_s = time.monotonic() + 2.0
        while time.monotonic() < flooding_s:
            for stream, reads, flood in villains:
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    stream.send(flood)
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    _ = reads and stream.recv(1_000_000)
        city.check()
    assert len(city.node.lines) < 50
