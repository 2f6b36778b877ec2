"""Quotas of guests over time: who comes, goes, waits, and calls himself otherwise."""

from collections import defaultdict
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from city_node.cities.advance import advance
from city_node.network import border
from city_node.network.border import admit, place_of
from city_node.network.policy import Guests
from city_node.network.quotas import HOUR_S, Brought, Quota, quota_keys
from engine.money import MINOR_PER_COIN
from tests.test_border import check_balance, decoded, line, lonely

GUESTS = Guests(present=4, coins=10, net_coins=15)
ADDRESS_PEERS = 2
"""Small, so that every bound takes part."""

PEERS = {f"Name {number}": "192.0.2.7" for number in range(4)} | {"Portsville": "192.0.2.8"}
"""More names on one address than it may have guests for."""

PAUSE_S = 120.0
"""More than an hour is kept in entries of: so what is an hour ago is known exactly."""

Booked = tuple[float, int, int]
"""When, money in minor units, merchants; negative when they went."""


class Quotas(RuleBasedStateMachine):
    """A city, and by a list of all that happened what may still come."""

    def __init__(self) -> None:
        super().__init__()
        self.of = lonely()
        (self.city,) = self.of.cities
        self.places = {name: place_of(self.of, name, set()) for name in PEERS}
        self.quotas: dict[tuple[int, str], Quota] = defaultdict(Quota)
        self.booked: dict[str, list[Booked]] = {name: [] for name in PEERS}
        self.now_s = 0.0
        self.smaller = patch.object(border, "ADDRESS_PEERS", ADDRESS_PEERS)
        self.smaller.start()

    def teardown(self) -> None:
        self.smaller.stop()

    def of_address(self, name: str) -> list[Booked]:
        others = [other for other, address in PEERS.items() if address == PEERS[name]]
        return [each for other in others for each in self.booked[other]]

    def free_minor(self, booked: list[Booked], coins: int) -> int:
        """What they may bring: so much an hour, or all that they ever took away."""
        hour_minor = sum(minor for at_s, minor, _ in booked if self.now_s - at_s <= HOUR_S)
        return max(coins * MINOR_PER_COIN - hour_minor, -sum(minor for _, minor, _ in booked))

    def expected(self, name: str, coins: list[int]) -> list[int]:
        """Numbers of those who may come in."""
        own, address = self.booked[name], self.of_address(name)
        heads = sum(n for at_s, _, n in address if self.now_s - at_s <= HOUR_S)
        places = min(
            GUESTS.present - sum(n for *_, n in own), ADDRESS_PEERS * GUESTS.present - heads
        )
        free_minor = min(
            self.free_minor(own, GUESTS.net_coins),
            self.free_minor(address, ADDRESS_PEERS * GUESTS.net_coins),
        )
        owed_minor = -sum(minor for _, minor, _ in own)
        found = []
        for number, minor in enumerate(coin * MINOR_PER_COIN for coin in coins):
            if minor > GUESTS.coins * MINOR_PER_COIN:
                owed_minor -= minor
                if owed_minor < 0:
                    continue
            places -= 1
            if places >= 0 and minor <= free_minor:
                free_minor -= minor
                found.append(number)
        return found

    @rule(
        name=st.sampled_from(sorted(PEERS)),
        coins=st.lists(st.sampled_from([0, 5, 10, 10, 11, 24]), min_size=1, max_size=6),
    )
    def come(self, name: str, coins: list[int]) -> None:
        lines = [line(Money=each) for each in coins]
        expected = self.expected(name, coins)
        keys = quota_keys(0, name, PEERS[name])
        admitted = admit(
            self.of,
            self.city,
            self.places[name],
            decoded(*lines),
            guests=GUESTS,
            brought=Brought(*(self.quotas[key] for key in keys)),
            node_suffix="@ATLAS",
            now_s=self.now_s,
        )
        back = [each for number, each in enumerate(lines) if number not in expected]
        assert (admitted.entered, admitted.turned_back) == (len(expected), back)
        assert bool(admitted.reason) == bool(back)
        minor = sum(coins[number] for number in expected) * MINOR_PER_COIN
        self.booked[name].append((self.now_s, minor, len(expected)))
        advance(self.of, 1)

    @precondition(lambda self: self.city.town.roster.size[0])
    @rule(earned=st.sampled_from([0, 0, 0, 60]))
    def go(self, earned: int) -> None:
        """The last who came leaves, with what he has and some coins more."""
        roster = self.city.town.roster
        roster.size[0] -= 1
        at = int(roster.size[0])
        name = self.of.places[roster.rows.from_place[at]]
        minor = int(roster.rows.money_minor[at]) + earned * MINOR_PER_COIN
        self.city.ledger.issued_minor += earned * MINOR_PER_COIN
        self.city.ledger.left_minor += minor
        keys = quota_keys(0, name, PEERS[name])
        Brought(*(self.quotas[key] for key in keys)).book(self.now_s, -minor, -1)
        self.booked[name].append((self.now_s, -minor, -1))

    @rule(pauses=st.sampled_from([1, 29, 31]))
    def wait(self, pauses: int) -> None:
        self.now_s += pauses * PAUSE_S

    @invariant()
    def what_is_kept_is_what_happened(self) -> None:
        check_balance(self.of)
        for name, booked in self.booked.items():
            net_minor = sum(minor for _, minor, _ in booked)
            assert self.quotas[0, name.casefold()].net_minor == net_minor
            assert 0 <= sum(n for *_, n in booked) <= GUESTS.present


TestQuotas = Quotas.TestCase
TestQuotas.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)
