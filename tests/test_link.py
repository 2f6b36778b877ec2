"""Links between nodes on loopback: who gets one, who loses one, and both wires on one socket."""
# ruff: noqa: ARG001  (pytest-trio looks for its clock among the arguments of a test)

import contextlib
import random
import time
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from city_node.errors import ConfigError
from city_node.identity import trust
from city_node.identity.keys import identity_in
from city_node.identity.node_id import node_id
from city_node.identity.tls import secure
from city_node.identity.trust import Trusted
from city_node.machine import Machine
from city_node.network.discovery import LinkSaid, Sighting
from city_node.network.link import BAN_S, BANS_MAX, DOUBLE, REFUSED, WELCOME_S_MAX, Link, Links
from city_node.network.meeting import open_node_listener
from city_node.network.sightings import NODES_IN_SIGHT_MAX, NodesInSight
from city_node.network.sockets import (
    ACCEPTED_BURST,
    ADDRESSES_MAX,
    Rations,
)
from city_node.network.travelway import SILENT_PER_ADDRESS_MAX, speak
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from protocol.limits import DIALLER_SILENCE_S, GREETING_S_MAX, LISTENER_SILENCE_S
from tests.nodes import GUARD_S, run_to_end
from tests.test_travelway import Kept, network
from tests.worlds import city, world


class Node:
    """Links with a listener, and a conversation of one word: each says "hello" and is then up.

    Attributes:
        welcomed: every link that has come up and survived.
        speaks: whether it says anything.
    """

    def __init__(self, folder, trusted=(), *, strangers: bool = True) -> None:
        folder.mkdir(exist_ok=True)
        self.identity = identity_in(folder)
        self.log = Kept()
        self.links = Links(
            self.identity,
            self.log,
            self.speak,
            trusted={entry.id: entry for entry in trusted},
            strangers=strangers,
            cities=range(2),
            machine=Machine(random=random.Random(0)),
        )
        self.welcomed: list[Link] = []
        self.speaks = True
        self.legacy = None
        self.port = 0

    @property
    def id(self) -> str:
        return self.identity.id

    @property
    def entry(self) -> Trusted:
        """As others trust it."""
        return Trusted(self.id, certificate=self.identity.certificate)

    async def speak(self, link: Link) -> None:
        if self.speaks:
            await link.stream.send_all(b"hello")
        if await link.stream.receive_some() and self.links.greeted(link):
            self.welcomed.append(link)
            while await link.stream.receive_some():
                pass

    async def listen(self, nursery: trio.Nursery) -> None:
        async def accept(stream: trio.SocketStream) -> None:
            await self.links.accept(stream, self.legacy)

        (listener,) = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), accept, 0)
        self.port = listener.socket.getsockname()[1]

    async def dial(self, other: "Node", **how) -> str:
        return await self.links.dial("127.0.0.1", other.port, **how)


@pytest.fixture
async def pair(tmp_path, nursery):
    """Two nodes that listen."""
    nodes = Node(tmp_path / "atlas"), Node(tmp_path / "boreas")
    for node in nodes:
        await node.listen(nursery)
    yield nodes
    nursery.cancel_scope.cancel()


async def until(condition) -> None:
    """Wait for something that comes by itself, whatever clock the test has."""
    give_up_s = time.monotonic() + GUARD_S
    while not condition():
        assert time.monotonic() < give_up_s
        await wait_all_tasks_blocked(0.01)


async def later(clock: MockClock, seconds: float) -> None:
    """Let everybody do what is to be done, and let so much time pass."""
    await wait_all_tasks_blocked(0.05)
    clock.jump(seconds)
    await wait_all_tasks_blocked(0.05)


@contextlib.asynccontextmanager
async def dialled(port: int):
    """A connection of some program."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    try:
        yield stream
    finally:
        await trio.aclose_forcefully(stream)


def why_closed(node: Node) -> list[str]:
    return [line.partition(" closed: ")[2] for line in node.log.lines]


# --- links ---


@pytest.mark.trio
async def test_two_nodes_meet(pair, nursery) -> None:
    atlas, boreas = pair
    nursery.start_soon(partial(atlas.dial, boreas, expected=boreas.id))
    await until(lambda: atlas.welcomed and boreas.welcomed)
    assert set(atlas.links.up) == {boreas.id}
    assert set(boreas.links.up) == {atlas.id}
    assert [link.dialled for link in (*atlas.welcomed, *boreas.welcomed)] == [True, False]
    assert boreas.links.ungreeted == []
    atlas.welcomed[0].close("enough")
    await until(lambda: not atlas.links.up and not boreas.links.up)
    assert why_closed(atlas) == ["enough"]
    assert why_closed(boreas) == ["connection lost"]


@pytest.mark.trio
async def test_of_two_links_the_one_that_the_lower_id_dialled_survives(pair, nursery) -> None:
    atlas, boreas = sorted(pair, key=lambda node: node.id)
    for dialling, other in ((boreas, atlas), (atlas, boreas)):
        nursery.start_soon(dialling.dial, other)
        await until(lambda: atlas.links.up and boreas.links.up)  # the first, and either
        await until(lambda: not (atlas.links.ungreeted or boreas.links.ungreeted))
    await until(lambda: atlas.links.up[boreas.id].dialled and not boreas.links.up[atlas.id].dialled)
    nursery.start_soon(boreas.dial, atlas)  # once more, and it is left
    await until(lambda: len(boreas.links._secured) == len(atlas.links._secured) == 1)
    await wait_all_tasks_blocked(0.05)
    assert atlas.links.up[boreas.id].dialled
    assert atlas.log.lines == boreas.log.lines == []


@pytest.mark.trio
async def test_both_dial_at_once(pair, nursery) -> None:
    atlas, boreas = sorted(pair, key=lambda node: node.id)
    for dialling, other in ((boreas, atlas), (atlas, boreas)):
        place = ["127.0.0.1"], other.port
        nursery.start_soon(partial(dialling.links.keep, lambda p=place: p, expected=other.id))
    await until(lambda: boreas.id in atlas.links.up and atlas.links.up[boreas.id].dialled)
    await until(lambda: atlas.id in boreas.links.up and not boreas.links.up[atlas.id].dialled)


@pytest.mark.trio
async def test_a_node_that_is_linked_is_not_dialled_twice(pair, nursery) -> None:
    """Its machine has several addresses, and two of them were told."""
    atlas, boreas = pair
    nursery.start_soon(atlas.dial, boreas)
    await until(lambda: atlas.links.up and boreas.links.up)
    assert await atlas.dial(boreas) == boreas.id
    assert len(boreas.welcomed) == 1
    assert atlas.welcomed[0].why_closed == ""


@pytest.mark.trio
async def test_one_who_comes_back_takes_the_place_of_his_dead_link(pair, tmp_path, nursery) -> None:
    """He was killed, and we have not noticed yet."""
    atlas, boreas = pair
    risen = Node(tmp_path / "boreas")
    assert risen.id == boreas.id
    nursery.start_soon(boreas.dial, atlas)
    await until(lambda: len(atlas.welcomed) == 1)
    nursery.start_soon(risen.dial, atlas)
    await until(lambda: len(atlas.welcomed) == 2)
    assert atlas.links.up[boreas.id] is atlas.welcomed[1]
    assert atlas.welcomed[0].why_closed == DOUBLE


@pytest.mark.trio
async def test_a_link_is_kept(pair, nursery) -> None:
    atlas, boreas = pair
    nursery.start_soon(
        atlas.links.keep, lambda: (["no such host.invalid", "127.0.0.1"], boreas.port)
    )
    for number in range(2):
        await until(lambda: len(boreas.welcomed) == number + 1)  # noqa: B023
        boreas.welcomed[number].close("enough")
    await until(lambda: len(boreas.welcomed) == 3)
    assert "no such host.invalid" in atlas.log.lines[0]


def seen(node: Node, *, port: int = 0, gone: bool = False, instance: str = "") -> Sighting:
    """An announcement of a node."""
    said = None if gone else LinkSaid(node.id, port or node.port)
    return Sighting(instance or node.id[:7], "b007", ("127.0.0.1",), links=said, gone=gone)


@pytest.mark.trio
async def test_a_node_in_sight_is_dialled_by_the_lower_id(pair, nursery) -> None:
    atlas, boreas = sorted(pair, key=lambda node: node.id)
    for node, other in ((atlas, boreas), (boreas, atlas), (atlas, atlas)):
        NodesInSight(node.links, nursery).see(seen(other))
    await until(lambda: atlas.welcomed and boreas.welcomed)
    assert atlas.welcomed[0].dialled
    assert len(atlas.welcomed) == len(boreas.welcomed) == 1
    assert atlas.log.lines == boreas.log.lines == []


@pytest.mark.trio
async def test_a_node_that_moves_is_found_again(pair, autojump_clock, monkeypatch) -> None:
    """News end the pause between dials, once a second at most, however many there are."""
    atlas, boreas = sorted(pair, key=lambda node: node.id)
    tried: list[tuple[float, int]] = []

    async def dial(_host: str, port: int, **_how: Any) -> str:
        tried.append((trio.current_time(), port))
        raise OSError("refused")

    monkeypatch.setattr(atlas.links, "dial", dial)
    async with trio.open_nursery() as nursery:
        sight = NodesInSight(atlas.links, nursery)
        sight.see(seen(boreas))
        await trio.sleep(600)
        before = len(tried)
        assert before < 20
        for _ in range(100):
            sight.see(seen(boreas, port=1))
            await trio.sleep(0.1)
        moved = tried[before:]
        assert {port for _, port in moved} == {1}
        assert 1 <= len(moved) <= 10
        sight.see(seen(boreas, gone=True))
        sight.see(seen(boreas, instance="another of its names"))
        await trio.sleep(600)
        assert tried[-1][1] == boreas.port
        sight.see(seen(boreas, gone=True, instance="another of its names"))  # and the nursery ends
    assert sight._news == {}


@pytest.mark.trio
@pytest.mark.parametrize("instances", [10 * NODES_IN_SIGHT_MAX, 1])
async def test_a_flood_of_announcements_is_passed_over(
    pair, autojump_clock, instances: int
) -> None:
    """Of ever other nodes, and of one that says it is ever another."""
    atlas, boreas = pair
    async with trio.open_nursery() as nursery:
        sight = NodesInSight(atlas.links, nursery)
        for number in range(10 * NODES_IN_SIGHT_MAX):
            said = LinkSaid(node_id(b"%d" % number), boreas.port)
            sight.see(Sighting(f"flood-{number % instances}", "b007", (), links=said))
        assert 0 < len(sight._news) <= NODES_IN_SIGHT_MAX
        nursery.cancel_scope.cancel()


# --- who gets none ---


@pytest.mark.trio
async def test_wrong_pin_and_oneself(pair) -> None:
    atlas, boreas = pair
    assert await atlas.dial(boreas, expected=atlas.id) == ""
    assert why_closed(atlas) == [f"it is {boreas.id}, and not {atlas.id} as expected"]
    assert await boreas.dial(boreas) == REFUSED
    assert "it is this node itself" in why_closed(boreas)
    assert atlas.welcomed == boreas.welcomed == []


@pytest.mark.trio
@pytest.mark.parametrize("seen", [True, False])
async def test_where_every_city_is_closed(tmp_path, nursery, seen: bool) -> None:
    """TLS itself ends it once all certificates are known; till then ids are asked for."""
    friend, stranger = Node(tmp_path / "friend"), Node(tmp_path / "stranger")
    entry = friend.entry if seen else Trusted(friend.id)
    closed = Node(tmp_path / "closed", [entry], strangers=False)
    await closed.listen(nursery)
    assert await stranger.dial(closed) in ("", REFUSED)
    (why,) = why_closed(closed)
    assert ("certificate is not taken" in why) is seen
    assert ("is not trusted, and every city is closed" in why) is not seen
    nursery.start_soon(friend.dial, closed)
    await until(lambda: friend.welcomed and closed.welcomed)
    assert not stranger.welcomed
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_damaged_certificate_of_a_friend_is_no_anchor(tmp_path) -> None:
    friend = Node(tmp_path / "friend")
    for certificate in (b"junk", identity_in(tmp_path / "friend").certificate[:-1]):
        entry = Trusted(friend.id, certificate=certificate)
        assert Node(tmp_path / "closed", [entry], strangers=False).links._anchors == ()
    assert Node(tmp_path / "closed", [friend.entry], strangers=False).links._anchors


@pytest.mark.trio
async def test_who_did_what_no_honest_peer_can_is_kept_out_for_an_hour(
    pair, mock_clock, nursery
) -> None:
    atlas, boreas = pair
    nursery.start_soon(boreas.dial, atlas)
    await until(lambda: atlas.welcomed)
    atlas.links.ban(boreas.id, "a commit that was never offered")
    await until(lambda: not boreas.links.up)
    assert atlas.log.lines[0] == (
        f"{boreas.id} is kept out for 60 minutes: a commit that was never offered"
    )
    await boreas.dial(atlas)
    assert f"{boreas.id} is kept out" in why_closed(atlas)
    await later(mock_clock, BAN_S)
    nursery.start_soon(boreas.dial, atlas)
    await until(lambda: len(atlas.welcomed) == 2)
    for number in range(BANS_MAX + 10):
        atlas.links.ban(node_id(b"%d" % number), "Sybil")
    assert len(atlas.links._banned_until_s) == BANS_MAX


@pytest.mark.trio
async def test_distrust_drops_live_links(pair, tmp_path, nursery) -> None:
    """By the real command, in a process of its own, while both nodes run."""
    atlas, boreas = pair
    home = tmp_path / "trust"
    home.mkdir(mode=0o700)
    trust.trust(home, boreas.id, 0.0)
    atlas.links.trust_changed(trust.trusted(home))
    nursery.start_soon(
        trust.watch, home, atlas.links.trust_changed, trio.sleep, trio.to_thread.run_sync
    )
    nursery.start_soon(boreas.dial, atlas)
    await until(lambda: atlas.links.up and boreas.links.up)
    ended = await trio.to_thread.run_sync(
        partial(run_to_end, tmp_path, "distrust", boreas.id[:7], CITY_NODE_HOME=str(home))
    )
    assert ended.stdout == f"trusted no more: {boreas.id}\n"
    await until(lambda: not atlas.links.up and not boreas.links.up)
    assert why_closed(atlas) == ["it is trusted no more"]


# --- those who are slow, many, or speak otherwise ---


@pytest.mark.trio
async def test_one_who_never_says_hello(pair, mock_clock, nursery) -> None:
    atlas, boreas = pair
    boreas.speaks = False
    nursery.start_soon(boreas.dial, atlas)
    await until(lambda: atlas.links._secured)
    await later(mock_clock, WELCOME_S_MAX + 1)
    await until(lambda: why_closed(atlas))
    assert why_closed(atlas) == [f"no welcome within {WELCOME_S_MAX:g} s"]
    assert atlas.links.ungreeted == []


@pytest.mark.trio
async def test_newcomers_close_the_oldest_silent_one(pair, nursery) -> None:
    atlas, boreas = pair
    silent = [await trio.open_tcp_stream("127.0.0.1", atlas.port) for _ in range(30)]
    nursery.start_soon(boreas.dial, atlas)
    await until(lambda: atlas.welcomed)
    assert len(atlas.links.ungreeted) < SILENT_PER_ADDRESS_MAX
    assert set(why_closed(atlas)) == {
        "did not greet, and newcomers from its address want the place"
    }
    for stream in silent:
        await trio.aclose_forcefully(stream)


def test_an_address_is_rationed_and_forgotten() -> None:
    rations = Rations()
    allowed = [rations.allow("192.0.2.7", 0.0) for _ in range(int(ACCEPTED_BURST) + 10)]
    assert sum(allowed) == ACCEPTED_BURST
    assert rations.allow("192.0.2.8", 0.0)
    assert rations.allow("192.0.2.7", 1.0)
    for number in range(ADDRESSES_MAX * 2):
        rations.allow(str(number), 2.0)
    assert len(rations._left) == ADDRESSES_MAX


@pytest.mark.trio
async def test_handshakes_cost_so_an_address_has_only_so_many(pair, mock_clock, nursery) -> None:
    """His links stay; and who speaks the other wire is no matter."""
    atlas, boreas = pair
    nursery.start_soon(boreas.dial, atlas)
    await until(lambda: atlas.welcomed)
    while atlas.links._rations.allow("127.0.0.1", trio.current_time()):
        pass
    async with dialled(atlas.port) as stream:
        await stream.send_all(b"\x16")
        await until(lambda: why_closed(atlas))
    assert why_closed(atlas) == ["too many handshakes from its address"]
    assert atlas.links.up
    async with dialled(atlas.port) as stream:
        await stream.send_all(b"Seashore\n")
        await until(lambda: len(why_closed(atlas)) == 2)
    assert why_closed(atlas)[1] == "it does not speak TLS"


@pytest.mark.trio
async def test_both_wires_on_one_socket(tmp_path, mock_clock, nursery) -> None:
    atlas, boreas = Node(tmp_path / "atlas"), Node(tmp_path / "boreas")
    here, riverwood = network(), world([city("Riverwood")]).cities[0]

    async def legacy(stream: trio.SocketStream, since_s: float) -> None:
        await speak(here, riverwood, stream, since_s=since_s)

    atlas.legacy = legacy
    await atlas.listen(nursery)
    async with dialled(atlas.port) as talker, dialled(atlas.port) as silent:
        await talker.send_all(b"Seashore\n")
        assert await talker.receive_some() == b"RIVERWOOD\n"
        nursery.start_soon(boreas.dial, atlas)
        await until(lambda: atlas.welcomed and boreas.welcomed)
        began_s = trio.current_time()
        await later(mock_clock, LISTENER_SILENCE_S)
        assert await silent.receive_some() == b"RIVERWOOD"  # for those who read first
        assert trio.current_time() == began_s + LISTENER_SILENCE_S
        await later(mock_clock, GREETING_S_MAX - LISTENER_SILENCE_S)
        assert await silent.receive_some() == b""
    assert here.log.lines[0].startswith("Riverwood: road to Seashore open")
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_guests_do_not_come_in_where_links_are_listened_for(pair) -> None:
    """That listener is on all interfaces, that of the guests is not."""
    atlas, _ = pair
    async with dialled(atlas.port) as talker:
        await talker.send_all(b"Seashore\n")
        with contextlib.suppress(trio.BrokenResourceError):  # there were bytes nobody read
            assert await talker.receive_some() == b""
    await until(lambda: why_closed(atlas))
    assert why_closed(atlas) == ["it does not speak TLS"]


@pytest.mark.trio
async def test_a_node_that_answers_in_plaintext_is_left(tmp_path, nursery) -> None:
    """Known to speak TLS, it is never spoken with in plaintext."""
    atlas = Node(tmp_path / "atlas")
    heard: list[bytes] = []

    async def villain(stream: trio.SocketStream) -> None:
        await stream.send_all(b"RIVERWOOD\n")
        while data := await stream.receive_some():
            heard.append(bytes(data))

    (listener,) = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), villain, 0)
    port = listener.socket.getsockname()[1]
    assert await atlas.links.dial("127.0.0.1", port, legacy=None) == ""
    assert why_closed(atlas) == ["it answered in plaintext; a link is never weakened to that"]
    await until(lambda: heard)
    assert all(data.startswith(b"\x16") for data in heard)
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_an_unknown_address(tmp_path, mock_clock, nursery) -> None:
    """Who speaks first there is a guest, who is silent for 1.5 s a node."""
    atlas, boreas = Node(tmp_path / "atlas"), Node(tmp_path / "boreas")
    await boreas.listen(nursery)
    met: list[tuple[bytes, float]] = []

    async def legacy(stream: trio.SocketStream, since_s: float) -> None:
        met.append((bytes(await stream.receive_some()), since_s))

    async def guest(stream: trio.SocketStream) -> None:
        await stream.send_all(b"SEASHORE")

    (listener,) = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), guest, 0)
    port = listener.socket.getsockname()[1]
    began_s = trio.current_time()
    assert await atlas.links.dial("127.0.0.1", port, legacy=legacy) == ""
    assert met == [(b"SEASHORE", began_s)]
    nursery.start_soon(partial(atlas.dial, boreas, legacy=legacy))
    await later(mock_clock, DIALLER_SILENCE_S)
    await until(lambda: atlas.welcomed and boreas.welcomed)
    assert len(met) == 1
    nursery.cancel_scope.cancel()


@pytest.mark.trio
@pytest.mark.parametrize("junk", [b"\x16" * 70_000, b"\x16\x03\x01\x02\x00\x01\x00\x01"])
async def test_junk_that_begins_like_tls(pair, junk: bytes) -> None:
    atlas, _ = pair
    async with dialled(atlas.port) as stream:
        await stream.send_all(junk)
        await stream.send_eof()
        await until(lambda: why_closed(atlas))
    assert atlas.links.ungreeted == []


@pytest.mark.trio
async def test_one_who_breaks_off_in_the_middle(pair) -> None:
    """After TLS, with half a record sent."""
    atlas, boreas = pair
    async with dialled(atlas.port) as stream:
        secured, _ = await secure(stream, server_side=False, identity=boreas.identity)
        assert secured.cipher() is not None
        await stream.send_all(b"\x17\x03\x03\x40\x00half")
    await until(lambda: why_closed(atlas))
    assert why_closed(atlas) == ["connection lost"]


# --- the listener ---


@pytest.mark.trio
async def test_a_port_that_was_asked_for_is_had_or_refused() -> None:
    anywhere = resolve(Wishes(cities=("Ash",), interface="127.0.0.1")).network
    (listener,), host, port = await open_node_listener(anywhere, Machine())
    async with listener:
        assert listener.socket.getsockname() == (host, port) == ("127.0.0.1", port)
        with pytest.raises(
            ConfigError,
            match=rf"^node_port = {port}: in use; without --node-port a free one is found$",
        ):
            await open_node_listener(replace(anywhere, node_port=port), Machine())
        (next_one,), _, next_port = await open_node_listener(anywhere, Machine())
        assert next_port > port
        await next_one.aclose()
