"""Inputs: whatever came into a world, applied again at the same ticks, makes the same world."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from city_node.cities.advance import advance
from city_node.cities.inputs import Homecomer, Scheduled, Ways, apply, decode, encode, take
from city_node.cities.report import state_hash
from city_node.network.crossing import give_inputs, take_abroad
from city_node.network.departures import leave
from city_node.network.network import OUTBOX_MERCHANTS_MAX
from tests.roads import close, come, line, road
from tests.worlds import all_roads, city, plain_report, world


def lively():
    cities = [city("Riverwood", merchants=60), city("Seaside", merchants=10)]
    return world(cities, all_roads(2))


def everything(of) -> tuple:
    hashes = [state_hash(of, each) for each in of.cities]
    return plain_report(of), hashes, of.tick, of.places, of.events, of.luggage, of.next_xid


def told(departures) -> list:
    return [(each.city.here, each.peer, each.xid, each.merchant) for each in departures]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(1, 250)),
        st.tuples(st.just("come"), st.integers(1, 5)),
        st.tuples(st.just("open"), st.sampled_from(["Seashore", "Portsville@boreas"])),
        st.tuples(st.just("close"), st.just(0)),
        st.tuples(st.just("written"), st.just(0)),
        st.tuples(st.just("gift"), st.integers(0, 300)),
    ),
    min_size=3,
    max_size=12,
)


@pytest.mark.trio
@settings(max_examples=15)
@given(steps=steps)
async def test_a_history_applied_again_makes_the_same_world(steps) -> None:
    of, again = lively(), lively()
    network, way = road(of, "Seashore")
    kept = []
    for what, how in [("open", "Seashore"), *steps, ("pass", 50)]:
        if what == "open":
            network, way = road(of, how, network)
        elif what == "close":
            close(network)
        elif what == "written":
            way.outbox.clear()
        elif what == "come" and network.open:
            come(
                network,
                way,
                *[line(Money=n, genome={"odd": 0.5, "greed": 1.0}) for n in range(how)],
            )
        elif what == "gift":
            take(of, Scheduled(of.tick + how, "Riverwood", "gift", {"coins": 1.0}))
        elif what == "pass":
            give_inputs(network, of)
            tick = of.tick
            advance(of, how)
            departures = leave(of, "@ATLAS")
            take_abroad(network, departures)
            kept.append((tick, of.tick, encode(of.taken), told(departures)))
            of.taken.clear()
    for tick, end, inputs, departures in kept:
        assert again.tick == tick
        for each in decode(inputs, len(again.goods)):
            apply(again, each)
        advance(again, end - tick)
        assert told(leave(again, "@ATLAS")) == departures
    assert everything(again) == everything(of)


@pytest.mark.trio
async def test_a_quiet_window_has_no_input() -> None:
    """The room of a road is told once, and again only when half of it is gone."""
    of = world([city("Riverwood", merchants=2_000)])
    network, way = road(of, "Seashore")
    given = []
    for number in range(300):
        give_inputs(network, of)
        given.append([type(each) for each in of.taken])
        of.taken.clear()
        advance(of, 10)
        take_abroad(network, leave(of, "@ATLAS"))
        if number % 2:
            way.outbox.clear()
    assert way.city.departures["Seashore"] > OUTBOX_MERCHANTS_MAX
    assert 2 <= sum(map(len, given)) < 30


@pytest.mark.trio
async def test_numbers_of_departures_are_never_used_twice() -> None:
    """Also when a merchant comes home and leaves again."""
    of = world([city("Riverwood", merchants=100)])
    network, way = road(of, "Seashore")
    seen = []
    for _ in range(30):
        give_inputs(network, of)
        advance(of, 100)
        departures = leave(of, "@ATLAS")
        seen += [each.xid for each in departures]
        take_abroad(network, departures)
        network.send_home(way)
    assert any(isinstance(each, Homecomer) for each in of.taken)
    assert any(isinstance(each, Ways) for each in of.taken)
    assert seen == list(range(len(seen)))
    assert len(seen) > 100


@pytest.mark.parametrize(
    "data", [b"", b"\x93", encode([])[:0] + b"\xc0", b"\x91\x81\xa4type\xa3odd"]
)
def test_what_is_no_input_is_a_clear_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="not inputs of this version"):
        decode(data, 5)
