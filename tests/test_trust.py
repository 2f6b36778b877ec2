"""Whom a user trusts: files that verbs and nodes share, and the verbs themselves."""
# ruff: noqa: ARG001  (pytest-trio looks for its clock among the arguments of a test)

import contextlib
import threading
import time
from pathlib import Path

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from city_node.cli import main
from city_node.durability.folder import LEDGER, open_database
from city_node.durability.ledger import Ledger
from city_node.errors import ConfigError
from city_node.identity import trust
from city_node.identity.keys import identity_in, introduce
from city_node.identity.node_id import node_id
from city_node.identity.trust import (
    FILE_BYTES_MAX,
    KEY_FILE,
    PENDING_MAX,
    ChangedKeyError,
    Knock,
    Trusted,
    bind_cities,
    enter_own,
    knock,
    own_worlds,
    pending,
    safe_name,
    trusted,
    watch,
)
from city_node.network.gate import Visitor, answers
from city_node.network.policy import ADMISSIONS, Policy, admission, most_open, policy_in
from tests.nodes import run_to_end

ATLAS, BOREAS, CRONOS = (node_id(name) for name in (b"atlas", b"boreas", b"cronos"))
NOW_S = time.mktime((2026, 11, 20, 13, 5, 0, 0, 0, -1))

pytestmark = pytest.mark.usefixtures("home")


def said(capsys, *arguments: str) -> str:
    """What a verb prints."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    assert ended.value.code in (None, 0)
    return capsys.readouterr().out


def refused(capsys, *arguments: str) -> str:
    """The one line in which a verb refuses."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


# --- the folder ---


def test_the_home_is_the_users_alone(trust_home, monkeypatch) -> None:
    assert trust_home.stat().st_mode & 0o777 == 0o700
    trust_home.chmod(0o750)
    with pytest.raises(ConfigError, match=rf"mode 750 lets others in, .* 700 '{trust_home}'$"):
        trust.home_folder()
    monkeypatch.setenv("CITY_NODE_HOME", "/dev/null/home")
    with pytest.raises(ConfigError, match=r"^CITY_NODE_HOME = '/dev/null/home': Not a directory$"):
        trust.home_folder()


def test_without_a_variable_it_lies_in_the_users_configuration(trust_home, monkeypatch) -> None:
    monkeypatch.delenv("CITY_NODE_HOME")
    assert trust.home_folder() == Path.home() / "config" / "city-node"


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 10_000,
        b'{"id":5}',
        msgspec.json.encode(Trusted(BOREAS)),  # under another's name
        msgspec.json.encode(Trusted(ATLAS, "a" * FILE_BYTES_MAX)),
    ],
)
def test_junk_lets_nobody_in(trust_home, junk: bytes) -> None:
    trust.trust(trust_home, CRONOS, NOW_S)
    (trust_home / "trusted" / f"{ATLAS}.json").write_bytes(junk)
    (trust_home / "trusted" / "passwd.json").write_bytes(junk)
    assert list(trusted(trust_home)) == [CRONOS]
    trust.trust(trust_home, ATLAS, NOW_S)
    assert set(trusted(trust_home)) == {ATLAS, CRONOS}


# --- the verbs ---


def test_from_a_knock_to_trust_and_back(trust_home, capsys) -> None:
    assert said(capsys, "pending") == "nobody has knocked\n"
    assert said(capsys, "trust") == "nobody is trusted\n"
    for later_s in (0, 60):
        knock(trust_home, BOREAS, "boreas", "192.0.2.7", b"certificate", NOW_S + later_s)
    knock(trust_home, CRONOS, "cronos", "192.0.2.8", b"", NOW_S + 120)
    assert said(capsys, "pending").splitlines()[:4] == [
        BOREAS,
        "    boreas at 192.0.2.7, 2026-11-20 13:06, 2 times since 2026-11-20 13:05",
        CRONOS,
        "    cronos at 192.0.2.8, 2026-11-20 13:07, once",
    ]
    assert said(capsys, "trust", BOREAS[:7].lower()) == f"trusted: {BOREAS} (boreas)\n"
    assert list(pending(trust_home)) == [CRONOS]
    (entry,) = trusted(trust_home).values()
    assert (entry.name, entry.certificate) == ("boreas", b"certificate")
    assert f"{BOREAS}\n    boreas, since 20" in said(capsys, "trust")
    assert said(capsys, "trust", BOREAS) == f"trusted: {BOREAS} (boreas)\n"  # again: no matter
    assert said(capsys, "distrust", BOREAS[:9]) == f"trusted no more: {BOREAS} (boreas)\n"
    assert trusted(trust_home) == {}
    assert said(capsys, "trust", ATLAS) == f"trusted: {ATLAS}\n"  # told by its owner, never seen


def test_what_the_verbs_refuse(trust_home, capsys) -> None:
    wrong = "A" if BOREAS[0] != "A" else "B"
    assert "there is a typo in" in refused(capsys, "trust", wrong + BOREAS[1:])
    assert "no known id begins so" in refused(capsys, "trust", BOREAS[:7])
    assert refused(capsys, "distrust", BOREAS).endswith("is not trusted")
    assert refused(capsys, "id").startswith("city-node: id: no node of yours has run yet")


def test_a_process_of_its_own(trust_home, tmp_path) -> None:
    knock(trust_home, BOREAS, "boreas", "192.0.2.7", b"", NOW_S)
    ended = run_to_end(tmp_path, "trust", BOREAS[:7], CITY_NODE_HOME=str(trust_home))
    assert (ended.returncode, ended.stdout) == (0, f"trusted: {BOREAS} (boreas)\n")
    assert list(trusted(trust_home)) == [BOREAS]


def test_nodes_of_one_user_trust_each_other(trust_home, tmp_path, capsys) -> None:
    worlds = [tmp_path / name for name in ("one", "other")]
    for world in worlds:
        world.mkdir()
        (world / KEY_FILE).touch()
    for name, world in zip((ATLAS, BOREAS), worlds, strict=True):
        enter_own(trust_home, Trusted(name, "atlas", NOW_S, b"c", world=str(world)))
    assert set(trusted(trust_home)) == {ATLAS, BOREAS}
    assert said(capsys, "id") == (
        f"{ATLAS}\n    atlas, {worlds[0]}\n{BOREAS}\n    atlas, {worlds[1]}\n"
    )
    enter_own(trust_home, Trusted(CRONOS, "atlas", NOW_S, b"c", world=str(worlds[1])))  # begun anew
    assert set(trusted(trust_home)) == {ATLAS, CRONOS}
    (worlds[0] / KEY_FILE).unlink()
    enter_own(trust_home, Trusted(CRONOS, "atlas", NOW_S, b"c", world=str(worlds[1])))
    assert [entry.id for entry in own_worlds(trust_home)] == [CRONOS]


def test_a_world_that_starts_is_trusted_by_its_users_other_nodes(trust_home, tmp_path) -> None:
    own = identity_in(tmp_path)
    introduce(own, "atlas", NOW_S)
    introduce(own, "atlas-2", NOW_S + 60)
    (entry,) = trusted(trust_home).values()
    assert entry == Trusted(
        own.id, "atlas-2", NOW_S, own.certificate, world=str(tmp_path.resolve())
    )


def test_a_node_that_starts_writes_its_id_down(trust_home, tmp_path, capsys) -> None:
    """Once a world: the same each time, another after --new, none where others can read its key."""
    run = ("run", "Ash", "--headless", "--no-discovery", "--ticks", "0", "--data-dir", "ash")
    said(capsys, *run)
    own = said(capsys, "id").splitlines()[0]
    assert list(trusted(trust_home)) == [own]
    said(capsys, *run)
    assert list(trusted(trust_home)) == [own]
    said(capsys, *run, "--new")
    (other,) = trusted(trust_home)
    assert other != own
    (tmp_path / "ash" / KEY_FILE).chmod(0o644)
    assert "identity.key = 'ash/identity.key': mode 644 lets others" in refused(capsys, *run)


def test_a_world_that_has_lost_its_key_gets_no_other(tmp_path, capsys) -> None:
    """Peers would refuse it for good; a world that never began may have any."""
    run = ("run", "Ash", "--headless", "--no-discovery", "--ticks", "0", "--data-dir", "ash")
    (tmp_path / "ash").mkdir()
    with contextlib.closing(open_database(tmp_path / "ash" / LEDGER)) as database:
        Ledger(database)
    said(capsys, *run)
    own, path = said(capsys, "id").splitlines()[0], tmp_path / "ash" / KEY_FILE
    key = path.read_bytes()
    path.unlink()
    line = refused(capsys, *run)
    assert line == (
        "city-node: identity.key = 'ash/identity.key': is missing, "
        "and peers know this world by it: put it back from a copy, or start afresh with --new"
    )
    assert not path.exists()
    path.write_bytes(key)
    path.chmod(0o600)
    said(capsys, *run)
    assert said(capsys, "id").splitlines()[0] == own
    path.unlink()
    said(capsys, *run, "--new")
    assert said(capsys, "id").splitlines()[0] != own


def test_who_is_distrusted_while_he_is_written_down_stays_out(home, monkeypatch) -> None:
    trust.trust(home, ATLAS, NOW_S)
    user = threading.Thread(target=trust.distrust, args=(home, ATLAS))

    def read_slowly(of: Path) -> dict:
        found = trusted(of)
        user.start()
        user.join(0.1)  # it is through by then, if nothing holds it up
        return found

    monkeypatch.setattr(trust, "trusted", read_slowly)
    bind_cities(home, ATLAS, b"one", ["Riverwood@atlas"])
    user.join()
    assert trusted(home) == {}


# --- strangers ---


def test_a_flood_of_strangers_forgets_itself_first(trust_home) -> None:
    knock(trust_home, BOREAS, "boreas", "192.0.2.7", b"c" * 100_000, NOW_S)
    for number in range(PENDING_MAX + 20):
        flooder = node_id(b"%d" % number)
        knock(trust_home, flooder, "x" * 100_000, "192.0.2.66", b"c" * 2_000, NOW_S + number)
    assert len(pending(trust_home)) == PENDING_MAX
    assert BOREAS in pending(trust_home)
    assert flooder in pending(trust_home)
    files = list((trust_home / "pending").iterdir())
    assert len(files) == PENDING_MAX
    assert max(path.stat().st_size for path in files) < 4_096


@given(st.text())
def test_names_of_strangers_are_safe_to_print(text: str) -> None:
    name = safe_name(text)
    assert 1 <= len(name.encode()) <= 64
    assert name.isprintable()
    assert not set(name) & set('\x1b\n\r/\\$`"<>[]\u202e')
    assert not name.startswith("-")


def test_ordinary_names_stay_as_they_are() -> None:
    for name in ("atlas", "Lea's node-2", "Å.b_c", "192.0.2.7", "fe80::1"):
        assert safe_name(name) == name
    assert safe_name("\x1b[2J") == "2J"
    assert safe_name("\x1b") == "?"


# --- a city under another key ---


def test_a_changed_key_is_a_hard_stop(trust_home) -> None:
    for each in (ATLAS, BOREAS):
        trust.trust(trust_home, each, NOW_S)
    bind_cities(trust_home, ATLAS, b"one", ["Riverwood@atlas", "Seaside@atlas"])
    bind_cities(trust_home, ATLAS, b"one", ["Seaside@atlas", "Riverwood@ATLAS"])
    assert trusted(trust_home)[ATLAS].certificate == b"one"
    for other in (BOREAS, CRONOS):  # trusted himself, or a stranger in an open city
        with pytest.raises(ChangedKeyError) as stop:
            bind_cities(trust_home, other, b"other", ["RIVERWOOD@atlas"])
        assert str(stop.value) == (
            f"riverwood@atlas is known as a city of {ATLAS}, but now speaks as {other}; "
            f"if its key was really changed: city-node distrust {ATLAS[:7]}, and trust the new one"
        )
        bind_cities(trust_home, other, b"other", [f"Riverwood@{other[:7]}"])
    assert CRONOS not in trusted(trust_home)
    trust.distrust(trust_home, ATLAS)
    bind_cities(trust_home, BOREAS, b"other", ["Riverwood@atlas"])


# --- at hello ---


def test_a_stranger_is_noted_where_a_city_would_hear_him(trust_home) -> None:
    visitor = Visitor(BOREAS, b"certificate", "192.0.2.7", ["Seaside@boreas", "Ash@boreas"])
    policies = {"Riverwood": Policy("open"), "Elm": Policy("known"), "Oak": Policy("closed")}
    said = {"Riverwood": "let in", "Elm": "unknown", "Oak": "closed"}
    assert answers(trust_home, visitor, policies, {}, NOW_S) == said
    assert pending(trust_home) == {}
    policies["Yew"] = Policy("knock")
    assert answers(trust_home, visitor, policies, {}, NOW_S) == {**said, "Yew": "knock"}
    (noted,) = pending(trust_home).values()
    assert noted == Knock(BOREAS, "boreas", "192.0.2.7", NOW_S, NOW_S, 1, b"certificate")
    trust.trust(trust_home, BOREAS, NOW_S)
    friends = trusted(trust_home)
    assert set(answers(trust_home, visitor, policies, friends, NOW_S).values()) == {"let in"}
    assert trusted(trust_home)[BOREAS].cities == ("ash@boreas", "seaside@boreas")
    assert pending(trust_home) == {}


@pytest.mark.parametrize("knows_new", [False, True])
def test_who_has_proved_a_new_key_is_trusted_as_under_the_old(trust_home, knows_new: bool) -> None:
    """Also where somebody has been told the new id, as friends of closed cities have to be."""
    trust.trust(trust_home, ATLAS, NOW_S)
    bind_cities(trust_home, ATLAS, b"one", ["Riverwood@atlas"])
    if knows_new:
        trust.trust(trust_home, BOREAS, NOW_S)
    proved = Visitor(BOREAS, b"new", "192.0.2.7", ["Riverwood@atlas"], [CRONOS, ATLAS])
    said = answers(trust_home, proved, {"Yew": Policy("closed")}, {ATLAS: Trusted(ATLAS)}, NOW_S)
    assert said == {"Yew": "let in"}
    (entry,) = trusted(trust_home).values()
    assert (entry.id, entry.certificate, entry.cities) == (BOREAS, b"new", ("riverwood@atlas",))
    trust.distrust(trust_home, BOREAS)
    assert answers(trust_home, proved, {"Yew": Policy("closed")}, {}, NOW_S) == {"Yew": "closed"}
    assert trusted(trust_home) == {}


def test_one_without_cities_can_be_noted_too(trust_home) -> None:
    visitor = Visitor(BOREAS, b"", "192.0.2.7", [])
    assert answers(trust_home, visitor, {"Yew": Policy("knock")}, {}, NOW_S) == {"Yew": "knock"}
    assert pending(trust_home)[BOREAS].node == "?"


def test_an_impostor_is_stopped_before_he_is_noted(trust_home) -> None:
    trust.trust(trust_home, ATLAS, NOW_S)
    bind_cities(trust_home, ATLAS, b"", ["Riverwood@atlas"])
    impostor = Visitor(BOREAS, b"", "192.0.2.7", ["Ash@boreas", "RIVERWOOD@ATLAS"])
    with pytest.raises(ChangedKeyError):
        answers(trust_home, impostor, {"Yew": Policy("knock")}, {}, NOW_S)
    assert pending(trust_home) == {}


# --- a running node ---


@pytest.mark.trio
async def test_a_running_node_sees_what_its_user_decides(
    trust_home, nursery, autojump_clock
) -> None:
    seen: list[set[str]] = []

    async def inline(function, *arguments):
        return function(*arguments)

    trust.trust(trust_home, ATLAS, NOW_S)
    nursery.start_soon(watch, trust_home, lambda now: seen.append(set(now)), trio.sleep, inline)
    await trio.sleep(3.5)
    assert seen == []
    trust.trust(trust_home, BOREAS, NOW_S)
    await trio.sleep(1)
    trust.distrust(trust_home, ATLAS)
    trust.distrust(trust_home, BOREAS)
    trust.trust(trust_home, BOREAS, NOW_S)
    await trio.sleep(1)
    assert seen == [{ATLAS, BOREAS}, {BOREAS}]
    with contextlib.suppress(OSError):
        (trust_home / "trusted").rename(trust_home / "gone")
    await trio.sleep(1)
    assert seen[2:] == [set()]
    nursery.cancel_scope.cancel()


# --- what a city answers ---


def test_every_answer_of_every_policy() -> None:
    answers = {
        each: (
            admission(Policy(each), BOREAS, {BOREAS: None}),
            admission(Policy(each), BOREAS, ()),
        )
        for each in ADMISSIONS
    }
    assert answers == {
        "closed": ("let in", "closed"),
        "known": ("let in", "unknown"),
        "knock": ("let in", "knock"),
        "open": ("let in", "let in"),
    }
    assert most_open([Policy("known"), Policy("knock"), Policy("closed")]) == "knock"


@pytest.mark.parametrize("value", ["Open", 5, None, [], "anybody"])
def test_no_other_policy(value) -> None:
    with pytest.raises(ValueError, match=r"must be one of closed, known, knock, open$"):
        policy_in("border.", {"admission": value})


def test_an_entry_of_a_stranger_has_no_more_than_its_fields() -> None:
    """What is kept of strangers is bounded field by field; a new one must be, too."""
    assert set(Knock.__struct_fields__) == {
        *("id", "node", "address", "first_s", "last_s", "times", "certificate"),
    }
