"""What peers of every kind may do to a node by what they say: nothing but what they may."""
# ruff: noqa: ARG001  (pytest-trio looks for its clock among the arguments of a test)

import contextlib
import math
import tempfile
from pathlib import Path

import msgspec
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from city_node.durability.ledger import Ledger
from city_node.errors import ConfigError
from city_node.identity.keys import identity_in
from city_node.network import peer_nodes
from city_node.network.network import Network
from city_node.network.peer_nodes import spelled
from city_node.network.policy import Policy
from engine.money import MINOR_PER_COIN
from protocol.limits import (
    GIVE_UP_S,
    LINE_BYTES_MAX,
    NODE_CITIES_MAX,
    OFFERS_IN_FLIGHT_MAX,
    PAIRS_MAX,
    XID_MAX,
)
from protocol.node_lines import encode
from protocol.node_messages import (
    Accept,
    Cancel,
    Commit,
    Credit,
    Done,
    Drain,
    Error,
    Forget,
    News,
    Offer,
    Refuse,
    Statement,
    Welcome,
)
from protocol.pairs import Pairs, fitting
from tests.durable import database
from tests.linked import Node
from tests.test_travelway import Kept
from tools.node_peer import GOODS, NodePeer, record_of
from tools.simulate.standstill import bounded_turns

OURS, THEIRS = "RIVERWOOD@ATLAS", "SEASIDE@BOREAS"


def key(folder, name: str = "boreas"):
    """Somebody's identity."""
    (folder / name).mkdir(exist_ok=True)
    return identity_in(folder / name)


@pytest.mark.trio
async def test_merchants_cross_both_ways_and_their_node_is_remembered(
    tmp_path, nursery, autojump_clock
) -> None:
    node = Node(tmp_path)
    peer = await node.linked(nursery, key(tmp_path), THEIRS)
    xids = peer.said.depart(OURS, [record_of(7), record_of(8)])
    await node.pass_on(peer)
    assert [peer.said.done[xid] for xid in xids] == ["GONE", "GONE"]
    assert node.ledger.accounts["Riverwood", "seaside@boreas"].entered_minor == 15
    assert node.ledger.bound() == {THEIRS: peer.said.connection._hello.id}
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_stranger_who_only_knocks_leaves_nothing_behind(
    tmp_path, nursery, autojump_clock
) -> None:
    """Else he could have somebody else's name for himself, for good."""
    node = Node(tmp_path, policy=Policy("knock"))
    stranger = await node.linked(nursery, key(tmp_path, "stranger"), THEIRS)
    assert "you have to be trusted" in stranger.why_ended
    assert (node.nodes.by_id, node.nodes.id_of, node.ledger.bound()) == ({}, {}, {})
    ((apart_id, apart),) = node.network.apart.items()  # for people to see, for a while
    assert (apart_id, apart.name, apart.address) == (stranger.link.peer_id, "boreas", "192.0.2.7")
    assert apart.why.startswith("knocks")
    assert trio.current_time() < apart.until_s < math.inf
    honest = key(tmp_path)
    node.trust(honest.id)
    assert (await node.linked(nursery, honest, THEIRS)).why_ended is None
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_who_has_come_and_gone_without_sending_anybody_is_forgotten(
    tmp_path, nursery, autojump_clock
) -> None:
    node = Node(tmp_path)
    for number in range(3):
        peer = await node.linked(nursery, key(tmp_path, f"n{number}"), THEIRS)
        assert peer.why_ended is None
        peer.link.close("enough")
        await node.pass_on(peer)
        assert (node.nodes.by_id, node.nodes.id_of) == ({}, {})
    assert node.ledger.bound() == {}
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_strangers_are_not_let_in_without_end(
    tmp_path, nursery, autojump_clock, monkeypatch
) -> None:
    monkeypatch.setattr("city_node.network.conversation.STRANGERS_MAX", 2)
    node = Node(tmp_path)
    peers = [
        await node.linked(nursery, key(tmp_path, f"n{number}"), f"SEASIDE@N{number}")
        for number in range(3)
    ]
    assert [peer.why_ended is None for peer in peers] == [True, True, False]
    assert "strangers = 2: no more" in peers[2].why_ended
    known = key(tmp_path, "n2")
    node.trust(known.id)
    assert (await node.linked(nursery, known, "SEASIDE@N2")).why_ended is None
    peers[0].link.close("enough")
    await node.pass_on(peers[0])
    assert (await node.linked(nursery, key(tmp_path, "n3"), "SEASIDE@N3")).why_ended is None
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_name_with_books_is_its_nodes_for_good(tmp_path, nursery, autojump_clock) -> None:
    node = Node(tmp_path)
    first = await node.linked(nursery, key(tmp_path), THEIRS)
    first.said.depart(OURS, [record_of(7)])
    await node.pass_on(first)
    first.link.close("begun anew")
    await node.pass_on(first)
    anew = key(tmp_path, "anew")
    second = await node.linked(nursery, anew, THEIRS)
    assert second.why_ended.startswith("the peer says key_changed: Seaside@boreas is known as")
    assert "another --node-name" in second.why_ended
    assert "city-node limbo" in second.why_ended
    assert (await node.linked(nursery, anew, "SEASIDE@BOREAS-2")).why_ended is None
    again = Node(tmp_path, ledger=Ledger(database(node.ledger._database.serialize())))
    assert again.nodes.id_of == {THEIRS: key(tmp_path).id}
    node.ledger._database.execute("DELETE FROM nodes")
    with pytest.raises(ConfigError, match=r"ledger.db: damaged: whose city Seaside@boreas is"):
        Node(tmp_path, ledger=node.ledger)
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_whose_merchants_all_stayed_at_home_is_known_after_a_restart(
    tmp_path, nursery, autojump_clock
) -> None:
    """What is settled without anybody having been offered is in the books as well."""
    node = Node(tmp_path)
    peer = await node.linked(nursery, key(tmp_path), THEIRS)
    await peer.said.stream.send_all(encode([Forget(sender=THEIRS, receiver=OURS, below=3)]))
    await node.pass_on(peer)
    again = Node(tmp_path, ledger=Ledger(database(node.ledger._database.serialize())))
    (known,) = again.nodes.by_id.values()
    assert known.pairs.inbound[OURS, THEIRS].settled == 3
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_what_a_peer_says_is_settled_is_not_counted_through(
    tmp_path, nursery, autojump_clock
) -> None:
    """One line may name numbers that a machine would count to for a hundred years."""
    node = Node(tmp_path)
    peer = await node.linked(nursery, key(tmp_path), THEIRS)
    peer.said.depart(OURS, [record_of(7), record_of(8)])
    await node.pass_on(peer)
    assert len(node.ledger.migrations()) == 2
    forget = Forget(sender=THEIRS, receiver=OURS, below=XID_MAX)
    await peer.said.stream.send_all(encode([forget]))
    await node.pass_on(peer)
    (sums,) = node.ledger.settled()
    assert (sums.below, sums.money_minor) == (XID_MAX, 15)
    assert (node.ledger.migrations(), node.ledger._states) == ([], {})
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("name", ["İZMIR@İ", "RIVERWOOD@ŉ".upper()])
@pytest.mark.trio
async def test_a_name_that_people_and_the_wire_would_spell_apart_is_refused(
    tmp_path, nursery, autojump_clock, name: str
) -> None:
    """It would not be found again in the books at the next start."""
    node = Node(tmp_path)
    peer = await node.linked(nursery, key(tmp_path), name)
    assert (peer.why_ended is None) == (spelled(name).upper() == name)
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_whom_nobody_answers_comes_home_also_after_a_restart(
    tmp_path, nursery, autojump_clock
) -> None:
    """The node he was offered to may never come again."""
    node = Node(tmp_path)
    peer = await node.linked(nursery, key(tmp_path), THEIRS, Keeper)
    news = News(city=THEIRS, prices=dict.fromkeys(GOODS, 500.0))
    await peer.said.stream.send_all(encode([news]))
    await trio.testing.wait_all_tasks_blocked()
    while not node.ledger.migrations():
        node.window(100)
    again = Node(tmp_path, ledger=Ledger(database(node.ledger._database.serialize())))
    pairs = again.nodes.by_id[peer.link.peer_id].pairs
    began_s = trio.current_time()
    assert pairs.deadline_s == began_s + GIVE_UP_S
    pairs.tick(began_s + GIVE_UP_S)
    states = {each.state for each in pairs.unwritten().transitions}
    assert states == {"BACK"}
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_refusals_are_counted_for_so_many_peers(monkeypatch, autojump_clock) -> None:
    monkeypatch.setattr("city_node.network.network.REFUSED_MAX", 2)
    network = Network("atlas", GOODS, Kept())
    for name in ("A", "B", "C", "D", "A"):
        network.refuse("Riverwood", name)
    assert network.refused == {
        ("Riverwood", "A"): 2,
        ("Riverwood", "B"): 1,
        ("Riverwood", "(others)"): 2,
    }


# --- lies ---


class Forgetful(NodePeer):
    """Its books are new, and it does not look at ours."""

    def _be_welcomed(self, _welcome) -> None:
        self.pairs.greet(2, [self.city], [OURS])


def statement(**changed) -> Statement:
    fine = {
        "sender": THEIRS,
        "receiver": OURS,
        "sent_settled": 0,
        "sent_minor": 0,
        "received_settled": 0,
        "received_minor": 0,
        "balance_minor": 0,
    }
    return Statement(**{**fine, **changed})


@pytest.mark.parametrize(
    "lie",
    [
        statement(signature="not hexadecimal"),
        statement(signature="00" * 64),
        statement(),
        Offer(
            sender=THEIRS,
            receiver=OURS,
            xids=[(64, 1)],
            merchants=[msgspec.Raw(record_of()[1])],
        ),
    ],
)
@pytest.mark.trio
async def test_a_lie_ends_the_link_and_keeps_the_key_out(
    tmp_path, nursery, autojump_clock, lie
) -> None:
    node = Node(tmp_path)
    peer = await node.linked(nursery, key(tmp_path), THEIRS)
    news = News(city=THEIRS, prices={"bed": 5.0})
    await peer.said.stream.send_all(encode([lie, news]))
    await node.pass_on(peer)
    assert peer.why_ended is not None
    assert "kept out for 60 minutes" in " ".join(node.log.lines)
    assert not node.network.linked
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_contradiction_quarantines_the_link_alone(
    tmp_path, nursery, autojump_clock
) -> None:
    node = Node(tmp_path)
    peer = await node.linked(nursery, key(tmp_path), THEIRS)
    other = await node.linked(nursery, key(tmp_path, "cronos"), "WINTERHOLD@CRONOS")
    peer.said.depart(OURS, [record_of(7)])
    await node.pass_on(peer)
    peer.link.close("rolled back")
    await node.pass_on(peer)
    rolled_back = await node.linked(nursery, key(tmp_path), THEIRS, Forgetful)
    assert "rolled_back" in rolled_back.why_ended
    assert [apart.why[:11] for apart in node.network.apart.values()] == ["quarantined"]
    assert other.why_ended is None
    assert "rolled_back" in (await node.linked(nursery, key(tmp_path), THEIRS)).why_ended
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_what_an_older_link_has_still_to_say_is_not_heard(
    tmp_path, nursery, autojump_clock
) -> None:
    node = Node(tmp_path)
    old = await node.linked(nursery, key(tmp_path), THEIRS)
    old_talk = node.nodes.by_id[old.link.peer_id].talk
    new = await node.linked(nursery, key(tmp_path), THEIRS)
    assert (old.why_ended is None, new.why_ended) == (False, None)
    credit = Credit(sender=OURS, receiver=THEIRS, below=5)
    events = old_talk.connection.receive(encode([credit]), trio.current_time())
    await node.speaker._act(old_talk, events)
    assert not node.nodes.by_id[new.link.peer_id].heard
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_one_that_asks_for_more_than_it_reads_loses_its_link(
    tmp_path, nursery, autojump_clock, monkeypatch
) -> None:
    monkeypatch.setattr(peer_nodes, "TO_SEND_BYTES_MAX", 100_000)
    node = Node(tmp_path)
    peer = await node.linked(nursery, key(tmp_path), THEIRS)
    talk = node.nodes.by_id[peer.link.peer_id].talk
    talk.say(b" " * 100_000)
    talk.say(b"\n")
    await node.pass_on(peer)
    assert peer.link.why_closed == "asks for more than it reads"
    nursery.cancel_scope.cancel()


ANSWERS = Accept, Refuse, Done, Credit
RANGES = st.sampled_from([[(0, 1)], [(1, 2)], [(0, 3)], [(0, 1), (2, 1)], [(63, 1)], [(70, 5)]])
NUMBERS = st.sampled_from([0, 1, 3, 64, 2**40, XID_MAX])
RECORDS = st.sampled_from([record_of(5)[1], record_of(5, "gold")[1], b"{}", b"0", b"null", b"[]"])


UNSIGNED = Statement(
    sender=THEIRS,
    receiver=OURS,
    sent_settled=0,
    sent_minor=0,
    received_settled=0,
    received_minor=0,
    balance_minor=0,
)


@pytest.mark.parametrize(
    ("line", "why"),
    [(b'{"t":"ghost"}\n', "unknown here: 'ghost'"), (encode([UNSIGNED]), "has not signed")],
)
@pytest.mark.trio
async def test_an_offence_is_told_to_who_did_it(
    tmp_path, nursery, autojump_clock, line: bytes, why: str
) -> None:
    """Whether a line shows it, or the window that acts on it."""
    node = Node(tmp_path)
    peer = await node.linked(nursery, key(tmp_path), THEIRS)
    await peer.said.stream.send_all(line)
    await node.pass_on(peer)
    assert why in peer.why_ended
    assert not node.links.up
    nursery.cancel_scope.cancel()


def of_the_link(kind, **more):
    """Messages of a kind, of the pair that the link is for."""
    ours, theirs = (OURS, THEIRS) if kind in ANSWERS else (THEIRS, OURS)
    return st.builds(kind, sender=st.just(ours), receiver=st.just(theirs), **more)


def said(kind, **more):
    """And at times of others."""
    names = st.sampled_from([OURS, THEIRS])
    return of_the_link(kind, **more) | st.builds(kind, sender=names, receiver=names, **more)


LAST = [(XID_MAX - OFFERS_IN_FLIGHT_MAX, OFFERS_IN_FLIGHT_MAX)]
POLITE = st.one_of(
    of_the_link(Forget, below=st.integers(2**40, XID_MAX)),
    of_the_link(Cancel, xids=st.just(LAST)),
    st.just(Credit(sender=OURS, receiver=THEIRS, below=XID_MAX)),
)
"""Extreme, but no offence: more is heard of whoever says it."""

ANYTHING = st.one_of(
    *(said(kind, xids=RANGES) for kind in (Accept, Commit, Cancel, Done)),
    said(Refuse, xids=RANGES, code=st.just("full"), retry_after_s=st.sampled_from([0.0, 86_400.0])),
    said(Credit, below=NUMBERS),
    said(Forget, below=NUMBERS),
    RANGES.flatmap(
        lambda xids: said(
            Offer,
            xids=st.just(xids),
            merchants=st.lists(
                RECORDS.map(msgspec.Raw),
                min_size=sum(count for _, count in xids),
                max_size=sum(count for _, count in xids),
            ),
        )
    ),
    said(
        Statement,
        sent_settled=NUMBERS,
        sent_minor=NUMBERS,
        received_settled=NUMBERS,
        received_minor=NUMBERS,
        balance_minor=st.sampled_from([0, 1, -(2**60)]),
        signature=st.sampled_from(["", "00", "zz", "00" * 64]),
    ),
    st.builds(News, city=st.sampled_from([OURS, THEIRS]), prices=st.just({"bed": 1e9, "": 0.0})),
    st.builds(Error, code=st.just("knock"), fatal=st.booleans()),
    st.builds(Drain),
    st.builds(Welcome, version=st.just(2)),
)


SAID = st.booleans().flatmap(lambda polite: POLITE if polite else ANYTHING)


@settings(max_examples=30)
@given(st.lists(st.lists(SAID, min_size=1, max_size=4), min_size=1, max_size=3))
def test_whatever_a_peer_says_the_node_goes_on_and_its_books_balance(batches) -> None:
    async def babble(folder) -> None:
        node = Node(folder)
        with bounded_turns():
            await babble_on(node, folder)

    async def babble_on(node, folder) -> None:
        async with trio.open_nursery() as nursery:
            honest = await node.linked(nursery, key(folder, "cronos"), "WINTERHOLD@CRONOS")
            liar = await node.linked(nursery, key(folder), THEIRS, Deaf)
            for batch in batches:
                if liar.why_ended is None:
                    with contextlib.suppress(trio.BrokenResourceError):
                        await liar.said.stream.send_all(encode(batch))
                await node.pass_on(liar, 3)
            honest.said.depart(OURS, [record_of(7)])
            await node.pass_on(honest)
            assert honest.said.done == {0: "GONE"}
            nursery.cancel_scope.cancel()

    with tempfile.TemporaryDirectory() as folder:
        trio.run(babble, Path(folder), clock=MockClock(autojump_threshold=0))


class Deaf(NodePeer):
    """Answers nothing by itself."""

    def hear(self, _message) -> None:
        pass


# --- bounds ---


@pytest.mark.trio
async def test_all_cities_of_a_node_have_one_credit(tmp_path, nursery, autojump_clock) -> None:
    """It may call them as it likes, and come again under other names."""
    node = Node(tmp_path)
    initial_minor = node.world.cities[0].ledger.initial_minor
    who, entered = key(tmp_path), 0
    for number in range(4):
        peer = await node.linked(nursery, who, f"CITY {number}@BOREAS")
        # forged: money of whom nobody has seen
        peer.said.depart(OURS, [record_of(initial_minor // 5)] * 10)
        await node.pass_on(peer)
        entered += sum(state == "GONE" for state in peer.said.done.values())
        assert "BACK" in peer.said.done.values()
        peer.link.close("next")
        await node.pass_on(peer)
    accounts = node.ledger.accounts.values()
    assert entered == 5
    assert sum(each.entered_minor + each.escrow_minor for each in accounts) <= initial_minor
    nursery.cancel_scope.cancel()


@settings(max_examples=8)
@given(
    st.sampled_from([0.0, 0.01, 0.5, 1.0, 3.0]),
    st.lists(
        st.lists(st.integers(0, 4_000 * MINOR_PER_COIN), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    ),
)
def test_a_city_loses_no_more_to_a_forger_than_the_credit_it_gives(share, offers) -> None:
    """Whatever a node sends, under a new name on every link, never taking anybody."""

    async def forge(folder) -> None:
        node = Node(folder, policy=Policy("open", credit_share=share))
        limit_minor = int(node.world.cities[0].ledger.initial_minor * share)
        async with trio.open_nursery() as nursery:
            for number, amounts in enumerate(offers):
                peer = await node.linked(nursery, key(folder), f"CITY {number}@BOREAS", Keeper)
                peer.said.depart(OURS, [record_of(amount) for amount in amounts])
                await node.pass_on(peer, 2 + number)  # some are cut before they have arrived
                accounts = node.ledger.accounts.values()
                brought = sum(a.entered_minor + a.escrow_minor - a.left_minor for a in accounts)
                assert brought <= limit_minor
                peer.link.close("next")
                await node.pass_on(peer, 1)
            nursery.cancel_scope.cancel()

    with tempfile.TemporaryDirectory() as folder:
        trio.run(forge, Path(folder), clock=MockClock(autojump_threshold=0))


class Keeper(NodePeer):
    """Takes nobody."""

    def hear(self, message) -> None:
        if not isinstance(message, Offer):
            super().hear(message)


@pytest.mark.trio
async def test_no_more_are_in_flight_than_a_city_would_hold(
    tmp_path, nursery, autojump_clock
) -> None:
    node = Node(tmp_path, policy=Policy("open", max_held=64))
    peer = await node.linked(nursery, key(tmp_path), THEIRS, Undecided)
    peer.said.depart(OURS, [record_of(0)] * 1_000)
    await node.pass_on(peer)
    inbound = node.nodes.by_id[peer.link.peer_id].pairs.inbound[OURS, THEIRS]
    assert len(inbound.held) == 64
    assert inbound.credit == 64
    nursery.cancel_scope.cancel()


class Undecided(NodePeer):
    """Offers, and never commits."""

    def hear(self, message) -> None:
        if not isinstance(message, Accept):
            super().hear(message)


@pytest.mark.parametrize(
    ("merchant", "why"),
    [
        (record_of(8)[1], "MoneyMinor is not 7"),
        (record_of(7)[1][:-1] + b"]", "line b'.* is not JSON"),
        (None, "line b'' is not JSON"),
    ],
)
@pytest.mark.trio
async def test_one_under_way_who_is_not_as_he_was_written_down_is_named(
    tmp_path, nursery, autojump_clock, merchant, why: str
) -> None:
    """The books would balance, and he would bring what nobody has sent."""
    node = Node(tmp_path)
    peer = await node.linked(nursery, key(tmp_path), THEIRS, Undecided)
    peer.said.depart(OURS, [record_of(7)])
    await node.pass_on(peer)
    assert [row.state for row in node.ledger.migrations()] == ["HELD"]
    Node(tmp_path, ledger=node.ledger)
    node.ledger._database.execute("UPDATE migrations SET merchant = ?", (merchant,))
    with pytest.raises(
        ConfigError, match=f"ledger.db: damaged: merchant 0 from Seaside@boreas to Riverwood: {why}"
    ):
        Node(tmp_path, ledger=node.ledger)
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_node_has_no_more_than_64_names(tmp_path, nursery, autojump_clock) -> None:
    node = Node(tmp_path)
    who = key(tmp_path)
    node.nodes.bind((who.id,), [f"CITY {number}@BOREAS" for number in range(NODE_CITIES_MAX)])
    refused = await node.linked(nursery, who, "ONE MORE@BOREAS")
    assert "cities of one node = over 64" in refused.why_ended
    assert (await node.linked(nursery, who, "CITY 7@BOREAS")).why_ended is None
    nursery.cancel_scope.cancel()


def test_books_of_the_pairs_that_are_traded_between_fit_into_a_welcome() -> None:
    for length in (3, 60):
        ours = [f"{number:03}{'W' * length}@{'ATLAS' * 12}" for number in range(64)]
        theirs = [f"{number:03}{'Ö' * (length // 2)}@{'BOREAS' * 10}" for number in range(64)]
        pairs = fitting(ours, theirs)
        assert sorted((b, a) for a, b in fitting(theirs, ours)) == sorted(pairs)
        assert PAIRS_MAX >= len(pairs) > 30
        books = Pairs()
        for ours_, theirs_ in pairs:
            for side in (books._out(ours_, theirs_), books._in(ours_, theirs_)):
                side.next = side.settled = 10**15
        books.greet(2, ours, theirs)
        (welcome,) = books.unwritten() and books.written()
        assert len(encode([welcome])) < LINE_BYTES_MAX
    for other in theirs:
        books._out(ours[0], other).next = books._in(ours[0], other).next = 1
        books._out(ours[1], other).next = books._in(ours[1], other).next = 1
    with pytest.raises(ValueError, match=r"is over 65,536|pairs of one link = over 256"):
        books.greet(2, ours, theirs)


@pytest.mark.trio
async def test_a_node_of_many_cities_links_as_many_as_a_hello_holds(
    tmp_path, nursery, autojump_clock
) -> None:
    names = [f"City {number}" for number in range(40)]
    node = Node(tmp_path, *names)
    count = len(node.nodes.carried("", range(40)))
    assert 15 < count < 40
    assert f"no links with other nodes for {names[count]}, " in node.log.lines[0]
    peer = await node.linked(nursery, key(tmp_path), THEIRS)
    assert peer.why_ended is None
    assert len(peer.said.theirs) == len(node.network.linked) == count
    peer.said.depart("CITY 3@ATLAS", [record_of(7)])
    await node.pass_on(peer)
    # who is under way comes first, then who is to trade
    assert node.nodes.carried(peer.link.peer_id, {0, 39}) == [3, 0, 39]
    nursery.cancel_scope.cancel()
