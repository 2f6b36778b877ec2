"""Nodes that find each other: what they announce, whom they dial, and real ones on loopback."""

import gc
import secrets
import socket
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf import ServiceInfo

from city_node.identity.node_id import node_id
from city_node.names import check_name
from city_node.network.discovery import (
    CITIES_MAX,
    SERVICE,
    TXT_BYTES_MAX,
    Discovery,
    LinkSaid,
    Sighting,
    announcement,
    own_addresses,
    sighting_of,
)
from city_node.network.policy import ADMISSIONS
from tests.nodes import asked, check_balance, running, until
from tests.test_travelway import Kept

# --- what is announced ---


def is_name(text: str) -> bool:
    try:
        check_name("city", text)
    except ValueError:
        return False
    return True


letters = st.characters(categories=["L", "N"], include_characters=" -_.'")
names = st.text(letters, min_size=1, max_size=64).filter(is_name)
boots = st.text("0123456789abcdef", min_size=32, max_size=32)
ports = st.integers(1, 65_535)
OWN = node_id(b"atlas")
ADDRESSES = ["127.0.0.1", "192.0.2.7"]


def txt_entries(text: bytes) -> list[bytes]:
    """The strings of a TXT record, as DNS writes them: a byte of length before each."""
    entries = []
    while text:
        entries.append(text[1 : 1 + text[0]])
        text = text[1 + text[0] :]
    return entries


def received(info: ServiceInfo) -> ServiceInfo:
    """An announcement as it comes out at the other end of the wire."""
    return ServiceInfo(
        SERVICE, info.name, port=info.port, properties=info.text, addresses=info.addresses
    )


@given(names, boots, st.lists(st.tuples(names, ports), min_size=1, max_size=CITIES_MAX))
def test_what_is_announced_is_what_is_seen(node, boot, cities) -> None:
    info = announcement(node, boot, cities, ADDRESSES)
    sighting = sighting_of(received(info))
    assert sighting == Sighting(info.name, boot, sighting.addresses, tuple(cities))
    assert set(sighting.addresses) == set(ADDRESSES)


def test_the_list_of_cities_goes_on_in_more_entries() -> None:
    cities = [(f"A town whose name is rather long {number}", 55_555) for number in range(20)]
    info = announcement("atlas", "b007" * 8, cities, ADDRESSES)
    entries = txt_entries(info.text)
    assert entries[:3] == [b"txtvers=1", b"v=1", b"boot=" + b"b007" * 8]
    keys = [entry.partition(b"=")[0] for entry in entries[3:]]
    assert keys == [b"c", b"c1", b"c2", b"c3"]
    assert max(map(len, entries)) <= TXT_BYTES_MAX
    assert sighting_of(received(info)).cities == tuple(cities)
    assert info.name == f"atlas-b007b007.{SERVICE}"


@given(names, boots, ports, st.binary(max_size=20).map(node_id), st.sampled_from(ADMISSIONS))
def test_links_are_announced_with_id_port_and_policy(node, boot, port, own, policy) -> None:
    links = LinkSaid(own, port, policy)
    info = announcement(node, boot, [("Riverwood", 55_555)], ADDRESSES, links)
    assert txt_entries(info.text)[:4] == [
        *(b"txtvers=1", b"v=2", b"boot=" + boot.encode(), b"id=" + own.encode())
    ]
    assert info.name.endswith(f"-{own.replace('-', '')[:8]}.{SERVICE}")
    sighting = sighting_of(received(info))
    assert sighting.links == links
    assert sighting.cities == (("Riverwood", 55_555),)


@pytest.mark.parametrize(
    "said",
    [
        {"v": "2"},
        {"v": "2", "id": OWN[:-1] + ("A" if OWN[-1] != "A" else "B")},
        {"v": "1", "id": OWN},
        {"v": "2", "id": OWN, "port": 0},
    ],
)
def test_links_that_are_said_wrongly_are_none(said: dict) -> None:
    port = said.pop("port", 55_500)
    properties = {"boot": "b007", "c": "Riverwood:55555", **said}
    info = ServiceInfo(
        SERVICE, f"x.{SERVICE}", port=port, properties=properties, addresses=[b"\x7f\0\0\1"]
    )
    assert sighting_of(received(info)).links is None


@given(
    st.dictionaries(
        st.sampled_from(["boot", "c", "c1", "c2", "v", "x", "id", "pol"]),
        st.one_of(
            st.none(),
            st.binary(max_size=200),
            st.lists(st.sampled_from(["A:1", "B:0", "B:65536", ":7", "C", "D:x", "E:²"])).map(
                lambda parts: ",".join(parts).encode()
            ),
        ),
    ),
    st.booleans(),
)
def test_junk_is_seen_as_junk(properties: dict, has_address: bool) -> None:
    addresses = [b"\x7f\0\0\1"] if has_address else []
    info = ServiceInfo(SERVICE, f"junk.{SERVICE}", properties=properties, addresses=addresses)
    sighting = sighting_of(received(info))
    if sighting is None:
        assert not has_address or not properties.get("boot")
        return
    assert sighting.addresses == ("127.0.0.1",)
    assert 0 < len(sighting.boot) <= 64
    assert len(sighting.cities) <= CITIES_MAX
    assert all(name and 0 < port < 65_536 for name, port in sighting.cities)


def test_own_addresses() -> None:
    assert own_addresses("127.0.0.1") == ["127.0.0.1"]
    assert own_addresses("192.0.2.7") == ["192.0.2.7"]
    everywhere = own_addresses("0.0.0.0")
    assert everywhere
    assert "0.0.0.0" not in everywhere


# --- without a network ---


@pytest.mark.trio
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of zeroconf
@pytest.mark.parametrize("address", ["203.0.113.9", "::1"])
async def test_where_one_cannot_look_around_there_is_one_warning(address: str) -> None:
    log = Kept()
    discovery = Discovery([address])
    info = announcement("atlas", "b007" * 8, [("Riverwood", 55_555)], ["127.0.0.1"])
    assert not await discovery.start(info, log)
    await discovery.stop()
    (said,) = log.lines
    assert said.startswith(f"no discovery on {address}: ")
    assert said.endswith("; use --connect")
    gc.collect()  # its socket, which it leaves open


# --- real nodes ---


def test_a_node_that_cannot_look_around_says_so_once_and_runs(tmp_path) -> None:
    with socket.socket(socket.AF_INET6) as loopback:
        try:
            loopback.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
    with running(tmp_path, "Ash", "--legacy-bind", "::1", "--interface", "::1") as node:
        node.wait_for("no discovery on ::1: only IPv4 is looked around on; use --connect")
        node.wait_for("Ash  tick")
    assert len(node.matching("discovery")) == 1


def test_three_nodes_find_each_other_and_trade(tmp_path) -> None:
    """Two of them have cities of the same names, on one machine and without any option but names
    of their own, so that nodes of others who work here are not taken for them, and a folder each,
    which two worlds of the same cities need."""
    unique = secrets.token_hex(3)
    nodes = {
        f"atlas-{unique}": ("Riverwood", "Seaside"),
        f"boreas-{unique}": ("Riverwood", "Seaside"),
        f"cronos-{unique}": ("Portsville",),
    }

    def met_everybody(name: str) -> bool:
        others = sum(len(cities) for other, cities in nodes.items() if other != name)
        both_ways = "SELECT count(*) FROM peers WHERE entered > 0 AND left > 0"
        return asked(tmp_path / name, both_ways)[0][0] >= len(nodes[name]) * others

    with ExitStack() as stack:
        started = {
            name: stack.enter_context(
                running(
                    tmp_path,
                    *(*cities, "--node-name", name, "--merchants", "50"),
                    *("--data-dir", str(tmp_path / name)),
                )
            )
            for name, cities in nodes.items()
        }
        for name, node in started.items():
            for ours in nodes[name]:
                for other in nodes.keys() - {name}:
                    for theirs in nodes[other]:
                        node.wait_for(f"{ours}: road to {theirs}@{other} open")
        until(lambda: all(map(met_everybody, nodes)), "merchants both ways on every road")
        reports = {name: node.stop() for name, node in started.items()}
    for name, report in reports.items():
        check_balance(report)
        assert report["node"] == name
        others = {f"{theirs}@{other}" for other in nodes.keys() - {name} for theirs in nodes[other]}
        for ours in report["cities"]:
            inside = set(nodes[name]) - {ours["name"]}
            assert set(ours["arrivals"]) >= others | inside
            assert set(ours["departures"]) >= others | inside


def test_two_nodes_of_one_name_are_told_what_to_do(tmp_path) -> None:
    name = f"twin-{secrets.token_hex(3)}"
    with (
        running(tmp_path / "one", "Riverwood", "--node-name", name) as one,
        running(tmp_path / "other", "Riverwood", "--node-name", name) as other,
    ):
        for node in (one, other):
            node.wait_for(f"link .*RIVERWOOD@{name.upper()}.* use another --node-name")
