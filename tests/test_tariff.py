"""Tariffs: whoever comes over the network pays them to the locals, to the unit, in any economy."""
# ruff: noqa: ARG001  (pytest-trio looks for its clock among the arguments of a test)

import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from wrapped import share_out

from city_node.cities.advance import advance
from city_node.cities.inputs import decode, encode
from city_node.cities.world import World, found_world
from city_node.network.border import admit, place_of
from city_node.network.departures import bring_home
from city_node.network.network import Network
from city_node.network.policy import Policy
from city_node.settings.config import Wishes, resolve
from engine.money import BASIS_POINTS, MINOR_PER_COIN, share_out_between
from tests.durable import Kept, everything
from tests.linked import Node
from tests.roads import come, line
from tests.test_border import Border, decoded, lonely
from tests.test_conversation import OURS, THEIRS, key
from tests.test_ledger import lively
from tests.worlds import Counted, city, plain_report, world
from tools.node_peer import record_of

HALF = BASIS_POINTS // 2


def enter(of: World, *lines: bytes, tariff_bp: int, peer: str = "Seashore") -> None:
    """Guests enter the first city; nobody has moved yet."""
    border = Border(of, peer)
    admitted = admit(
        of,
        border.city,
        border.place,
        decoded(*lines),
        guests=Policy().guests,
        brought=border.brought,
        node_suffix="@ATLAS",
        now_s=0.0,
        tariff_bp=tariff_bp,
    )
    assert admitted.entered == len(lines)


@given(
    st.lists(st.integers(0, 2_000 * MINOR_PER_COIN), min_size=1, max_size=8),
    st.integers(0, BASIS_POINTS),
)
def test_each_pays_his_share_rounded_down_and_the_locals_get_every_unit(money, bp) -> None:
    of = world([city("Riverwood", merchants=0, locals=7)])
    here, counted = of.cities[0], Counted(of)
    before = here.state.residents.money_minor.copy()
    enter(of, *[line(Money=float(f"{minor}e-8")) for minor in money], tariff_bp=bp)
    due = [minor * bp // BASIS_POINTS for minor in money]
    assert of.walking.rows.money_minor.tolist() == [
        minor - paid for minor, paid in zip(money, due, strict=True)
    ]
    gained = here.state.residents.money_minor - before
    assert gained.sum() == sum(due) == here.tariffs_minor["Seashore"]
    assert gained.max() - gained.min() <= 1
    advance(of, 1)
    (said,) = plain_report(of)["cities"]
    assert said["money"]["entered"] == sum(money)
    assert said["tariffs"] == ({"Seashore": sum(due)} if sum(due) else {})
    counted.money += sum(money)
    counted.goods = counted.goods + len(money) * (np.array(of.goods) == "bed")
    counted.check()


@given(
    st.lists(st.integers(0, 10**15), min_size=1, max_size=40),
    st.integers(0, 10**15),
    st.integers(0, 2**40),
)
def test_shared_out_between_windows_as_in_kernels(money, amount, tick) -> None:
    one, other = np.array(money), np.array(money)
    share_out_between(one, amount, tick)
    share_out(other, amount, tick)
    assert one.tolist() == other.tolist()


def test_nobody_pays_where_nobody_lives_nor_who_never_got_away() -> None:
    of = lonely()
    enter(of, line(Money=1000), tariff_bp=HALF)
    advance(of, 1)
    assert of.cities[0].town.roster.rows.money_minor[0] == 1000 * MINOR_PER_COIN
    of = world([city("Riverwood", merchants=1)])
    here = of.cities[0]
    here.town.roster.rows.to_place[:] = place_of(of, "Seashore", set())
    here.ledger.left_minor += int(here.town.roster.rows.money_minor[0])
    before = here.state.residents.money_minor.copy()
    bring_home(of, here, here.town.roster, None)
    assert (here.state.residents.money_minor == before).all()
    assert not here.tariffs_minor


@pytest.mark.parametrize("economy", ["macro", "society"])
def test_it_goes_where_the_taxes_of_an_economy_go(economy: str) -> None:
    config = resolve(Wishes(cities=("Riverwood",), seed=1, economy=economy, merchants=0))
    of = found_world(config)
    here, counted = of.cities[0], Counted(of)
    enter(of, line(Money=1000, Owned=0), tariff_bp=HALF)
    advance(of, 700)
    counted.money += 1000 * MINOR_PER_COIN
    counted.check()
    assert plain_report(of)["cities"][0]["tariffs"] == {"Seashore": 500 * MINOR_PER_COIN}
    assert here.ledger.entered_minor == 1000 * MINOR_PER_COIN


def test_an_input_keeps_the_tariff_of_its_time() -> None:
    """Replay does not ask what the tariff is today; inputs from before there were any have none."""
    of = world([city("Riverwood", merchants=0)])
    enter(of, line(), tariff_bp=HALF)
    (_, arrivals) = decode(encode(of.taken), len(of.goods))
    assert arrivals.tariff_bp == HALF
    assert arrivals.rows.rows.money_minor.tolist() == [1000 * MINOR_PER_COIN]
    old = encode(of.taken).replace(b"\xa9tariff_bp\xcd\x13\x88", b"\xa4odds\x00")
    assert decode(old, len(of.goods))[1].tariff_bp == 0


def test_after_a_crash_it_has_been_paid_as_before(monkeypatch) -> None:
    """With and without a checkpoint, whatever the border asks now."""
    monkeypatch.setattr(trio, "current_time", lambda: 0.0)
    kept = Kept(lively())
    asked(kept.network, HALF)
    for number in range(3):
        come(kept.network, kept.way, *[line(Money=1500 + number)] * 3)
        kept.window(60)
        if number == 1:
            kept.checkpoint()
    assert kept.world.cities[0].tariffs_minor["Seashore"] == 9 * 1501 * MINOR_PER_COIN // 2
    account = kept.ledger.accounts["Riverwood", "seashore"]
    assert account.entered_minor == 9 * 1501 * MINOR_PER_COIN
    again = kept.after_a_crash()
    assert again.recovered.replayed_ticks == 60
    assert everything(again.world) == everything(kept.world)


def asked(network: Network, tariff_bp: int) -> None:
    network.policies = {here: Policy(tariff_bp=tariff_bp) for here in range(2)}


@pytest.mark.trio
async def test_nodes_pay_too_and_their_balance_is_what_they_brought(
    tmp_path, nursery, autojump_clock
) -> None:
    node = Node(tmp_path, policy=Policy("open", tariff_bp=2_500))
    peer = await node.linked(nursery, key(tmp_path), THEIRS)
    peer.said.depart(OURS, [record_of(7), record_of(10_000)])
    await node.pass_on(peer)
    assert node.ledger.accounts["Riverwood", "seaside@boreas"].entered_minor == 10_007
    assert node.world.cities[0].tariffs_minor == {"Seaside@boreas": 1 + 2_500}
    nursery.cancel_scope.cancel()
