"""A node with a new key is the node it was, to whoever knew it, if both keys say so."""
# ruff: noqa: ARG001  (pytest-trio looks for its clock among the arguments of a test)

import base64
from dataclasses import replace

import pytest

from city_node.durability.ledger import Ledger
from city_node.identity import trust
from city_node.identity.keys import identity_in, introduce
from city_node.identity.rotation import former_ids, rotated
from city_node.identity.tls import context
from city_node.identity.trust import KEY_FILE, trusted
from city_node.network.policy import Policy
from protocol.limits import ROTATIONS_MAX
from tests.durable import database
from tests.linked import Node
from tests.test_conversation import OURS, THEIRS, Forgetful, key
from tests.test_trust import refused, said
from tools.node_peer import record_of

pytestmark = pytest.mark.usefixtures("home")

# --- the proof ---


def test_every_id_it_has_had_is_proved_as_far_as_a_hello_holds(tmp_path) -> None:
    identity, ids = identity_in(tmp_path), []
    for _ in range(ROTATIONS_MAX + 2):
        assert former_ids(identity.certificate, identity.rotations) == ids[:ROTATIONS_MAX]
        ids.insert(0, identity.id)
        identity = rotated(identity)
        assert identity_in(tmp_path).rotations == identity.rotations
    assert len(set(ids)) == len(ids)
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    context(identity, frozenset(), server_side=True)  # OpenSSL reads the file as before


def test_what_is_not_signed_by_both_is_no_rotation(tmp_path) -> None:
    (tmp_path / "other").mkdir()
    first = identity_in(tmp_path)
    second = rotated(first)
    other = rotated(identity_in(tmp_path / "other"))
    third = rotated(second)
    one, two = third.rotations
    raw, foreign = base64.b64decode(two), base64.b64decode(other.rotations[0])
    assert former_ids(third.certificate, [one, two]) == [second.id, first.id]
    wrong = [
        [two, one],
        [one],
        [one, one, two],
        ["", two],
        [one, "?"],
        [one, "Å"],
        [one, two + two],
        [one, base64.b64encode(raw[:96]).decode()],  # by the former key alone
        [one, base64.b64encode(raw[:32] + raw[96:] * 2).decode()],  # by the new one alone
        [one, base64.b64encode(foreign[:32] + raw[32:]).decode()],  # of somebody else
        list(other.rotations),
    ]
    wrong += [
        [one, base64.b64encode(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]).decode()]
        for at in range(0, len(raw), 13)
    ]
    for rotations in wrong:
        assert former_ids(third.certificate, rotations) is None, rotations
    assert former_ids(other.certificate, [one, two]) is None


# --- the verb ---


def test_the_verb_gives_a_world_another_key(trust_home, tmp_path, capsys) -> None:
    assert refused(capsys, "rotate").endswith("one of your worlds: none has run yet")
    assert "no world lies there" in refused(capsys, "rotate", str(tmp_path / "nowhere"))
    worlds = [tmp_path / name for name in ("one", "other")]
    for world in worlds:
        world.mkdir()
        introduce(identity_in(world), world.name, 5.0)
        if world == worlds[0]:
            before = identity_in(world)
            told = said(capsys, "rotate").splitlines()
            after = identity_in(world)
            assert told[:2] == [f"was {before.id}", f"is  {after.id}"]
    assert former_ids(after.certificate, after.rotations) == [before.id]
    assert {entry.id: entry.name for entry in trusted(trust_home).values()} == {
        after.id: "one",
        identity_in(worlds[1]).id: "other",
    }
    line = refused(capsys, "rotate")
    assert f"one of your worlds: '{worlds[0]}', '{worlds[1]}'" in line
    said(capsys, "rotate", str(worlds[1]))
    from city_node.durability.folder import locked

    with locked(worlds[0]):
        assert "in use by another node" in refused(capsys, "rotate", str(worlds[0]))
    assert identity_in(worlds[0]).id == after.id


# --- two nodes ---


@pytest.mark.trio
async def test_books_and_trust_go_on_under_the_new_key(tmp_path, nursery, autojump_clock) -> None:
    """And end under the old one."""
    node = Node(tmp_path, policy=Policy("known"))
    before = key(tmp_path)
    trust.trust(node.home, before.id, 5.0)
    node.trust(before.id)
    old = await node.linked(nursery, before, THEIRS)
    old.said.depart(OURS, [record_of(7)])
    await node.pass_on(old)
    after = rotated(rotated(before))  # it was away at the first
    new = await node.linked(nursery, after, THEIRS, Continued.of(old))
    assert old.link.why_closed == "its node has a new key"
    assert new.why_ended is None
    new.said.depart(OURS, [record_of(8)])
    await node.pass_on(new)
    assert new.said.done == {1: "GONE"}
    assert node.ledger.accounts["Riverwood", "seaside@boreas"].entered_minor == 15
    assert node.ledger.bound() == {THEIRS: after.id}
    assert [*node.nodes.by_id] == [after.id]
    (entry,) = trusted(node.home).values()
    assert (entry.id, entry.since_s, entry.cities) == (after.id, 5.0, ("seaside@boreas",))
    again = Node(tmp_path, ledger=Ledger(database(node.ledger._database.serialize())))
    assert again.nodes.id_of == {THEIRS: after.id}
    node.trust(after.id, before.id)
    late = await node.linked(nursery, before, THEIRS)
    assert late.why_ended.startswith("the peer says key_changed: Seaside@boreas is known as")
    assert (await node.linked(nursery, after, THEIRS, Continued.of(new))).why_ended is None
    nursery.cancel_scope.cancel()


class Continued(Forgetful):
    """A peer with the books of another link."""

    @classmethod
    def of(cls, peer) -> type:
        pairs = peer.said.pairs

        class Its(cls):
            def _be_welcomed(self, welcome) -> None:
                self.pairs = pairs
                super(Forgetful, self)._be_welcomed(welcome)

        return Its


@pytest.mark.trio
async def test_without_proof_a_changed_key_is_a_hard_stop(
    tmp_path, nursery, autojump_clock
) -> None:
    node = Node(tmp_path)
    before = key(tmp_path)
    peer = await node.linked(nursery, before, THEIRS)
    peer.said.depart(OURS, [record_of(7)])
    await node.pass_on(peer)
    peer.link.close("enough")
    thief = key(tmp_path, "thief")
    assert "key_changed" in (await node.linked(nursery, thief, THEIRS)).why_ended
    honest = rotated(before)
    liar = await node.linked(nursery, replace(thief, rotations=honest.rotations), THEIRS)
    assert liar.why_ended is not None
    (line,) = [line for line in node.log.lines if "kept out for 60 minutes" in line]
    assert line.startswith(thief.id)
    assert line.endswith("a change of its key is not signed by both keys")
    assert node.ledger.bound() == {THEIRS: before.id}
    nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_new_key_is_no_way_round_what_the_old_one_did(
    tmp_path, nursery, autojump_clock
) -> None:
    """Neither trust that has ended nor a ban."""
    node = Node(tmp_path, policy=Policy("known"))
    before = key(tmp_path)
    after = rotated(before)
    stranger = await node.linked(nursery, after, THEIRS)
    assert "says unknown: you have to be trusted" in stranger.why_ended
    trust.trust(node.home, before.id, 5.0)
    node.trust(before.id)
    node.links.ban(before.id, "it lied")
    banned = await node.linked(nursery, after, THEIRS)
    assert f"says not_now: {before.id} is kept out" in banned.why_ended
    assert [*trusted(node.home)] == [before.id]
    nursery.cancel_scope.cancel()
