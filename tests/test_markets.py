"""Haggling: places in a row stay right, everyone in it is found, and the order is fair."""

from collections import Counter

import bazaar_reference as plain
import numpy as np
import pytest
import wrapped
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.markets.haggle import PROBES_MAX, STRIDE_MAX, Rows
from engine.tables import allocate

GOODS, SELLERS = 3, 12
ANYBODY = 2**31


def rows_of(*asks: float, sellers: int | None = None) -> Rows:
    """One good's row of sellers 0, 1, ... asking so much."""
    rows = allocate(Rows, goods=1, sellers=sellers or len(asks))
    rows.size[0] = len(asks)
    rows.ask[0, : len(asks)] = asks
    rows.seller[0, : len(asks)] = np.arange(len(asks))
    return rows


class StandAndStepOut(RuleBasedStateMachine):
    """Rows under any coming and going, beside a dictionary of who asks what."""

    def __init__(self):
        super().__init__()
        self.rows = allocate(Rows, goods=GOODS, sellers=SELLERS)
        self.places = np.full((SELLERS, GOODS), -1)
        self.asks: dict[tuple[int, int], float] = {}

    @rule(
        good=st.integers(0, GOODS - 1),
        seller=st.integers(0, SELLERS - 1),
        ask=st.floats(0.0, 100.0),
    )
    def stand(self, good, seller, ask):
        place = self.places[seller, good]
        self.places[seller, good] = wrapped.stand(self.rows, good, place, seller, ask)
        self.asks[good, seller] = ask

    @precondition(lambda self: self.asks)
    @rule(data=st.data())
    def step_out(self, data):
        good, seller = data.draw(st.sampled_from(sorted(self.asks)))
        place = self.places[seller, good]
        moved = wrapped.step_out(self.rows, good, place)
        if moved >= 0:
            assert moved != seller
            self.places[moved, good] = place
        self.places[seller, good] = -1
        del self.asks[good, seller]

    @invariant()
    def everybody_stands_where_he_thinks(self):
        for good in range(GOODS):
            size = self.rows.size[good]
            standing = {seller: ask for (where, seller), ask in self.asks.items() if where == good}
            row = zip(self.rows.seller[good, :size], self.rows.ask[good, :size], strict=True)
            assert dict(row) == standing
            assert size == len(standing)
            for seller in standing:
                assert self.rows.seller[good, self.places[seller, good]] == seller
            absent = set(range(SELLERS)) - set(standing)
            assert (self.places[list(absent), good] == -1).all()


TestStandAndStepOut = StandAndStepOut.TestCase
TestStandAndStepOut.settings = settings(max_examples=60, stateful_step_count=40)


bits = st.integers(0, 2**64 - 1)
asks = st.sampled_from([0.0, 1.0, 2.0, 3.0, np.inf])


@settings(max_examples=300)
@given(st.lists(asks, max_size=300), bits, st.sampled_from([-1.0, 0.0, 1.5, 2.0]), st.data())
def test_the_first_who_asks_little_enough_is_the_one_that_plain_lists_find(row, random, most, data):
    buyer = data.draw(st.integers(-1, len(row)))
    sellers_end = data.draw(st.one_of(st.just(ANYBODY), st.integers(0, len(row) + 1)))
    people = list(range(len(row)))
    offers = [plain.Offer(seller, ask) for seller, ask in zip(people, row, strict=True)]
    city = plain.City(0, 0, [], [], None, None, [], [], [], [offers])
    expected = city.ask_around(0, random, most, buyer, lambda seller: seller < sellers_end)
    rows = rows_of(*row, sellers=max(1, len(row)))
    place = wrapped.ask_around(rows, 0, np.uint64(random), most, buyer, sellers_end)
    assert (None if place < 0 else place) == (expected and expected.seller)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 31, 32, 33, 64, 65, 100, 127, 128])
def test_in_a_row_of_up_to_128_everyone_is_reachable(size):
    """Whoever is the only one to ask little enough is found, wherever he stands."""
    random = np.random.default_rng(size)
    for target in range(size):
        row = np.full(size, 9.0)
        row[target] = 1.0
        rows = rows_of(*row)
        for start in random.integers(0, 2**64, 5, np.uint64):
            assert wrapped.ask_around(rows, 0, start, 1.0, -1, ANYBODY) == target


@pytest.mark.parametrize("size", [129, 200, 256, 1000])
def test_in_a_longer_row_128_are_asked_at_most_and_anybody_may_be(size):
    found: set[int] = set()
    random = np.random.default_rng(size)
    for start in random.integers(0, 2**64, 40, np.uint64):
        by_this_walk = 0
        for target in range(size):
            row = np.full(size, 9.0)
            row[target] = 1.0
            if wrapped.ask_around(rows_of(*row), 0, start, 1.0, -1, ANYBODY) == target:
                by_this_walk += 1
                found.add(target)
        assert 1 <= by_this_walk <= PROBES_MAX
        if size > 256:
            break
    if size <= 256:
        assert len(found) == size


def test_nobody_buys_from_himself():
    rows = rows_of(5.0, 1.0, 5.0)
    for start in range(0, 2**64, 2**59 + 12345):
        assert wrapped.ask_around(rows, 0, np.uint64(start), 2.0, 1, ANYBODY) == -1
        assert wrapped.ask_around(rows, 0, np.uint64(start), 2.0, 0, ANYBODY) == 1


def test_sellers_from_a_number_on_are_passed_over():
    rows = rows_of(1.0, 1.0, 1.0, 1.0)
    for start in range(0, 2**64, 2**59 + 12345):
        assert 0 <= wrapped.ask_around(rows, 0, np.uint64(start), 2.0, -1, 2) < 2
        assert wrapped.ask_around(rows, 0, np.uint64(start), 2.0, -1, 0) == -1


def test_an_empty_row_and_what_lies_beyond_the_end_sell_nothing():
    rows = rows_of(1.0, 1.0, 1.0)
    rows.size[0] = 0
    assert wrapped.ask_around(rows, 0, np.uint64(7), 2.0, -1, ANYBODY) == -1
    rows.size[0] = 2
    rows.ask[0, :2] = 9.0
    for start in range(0, 2**64, 2**59 + 12345):
        assert wrapped.ask_around(rows, 0, np.uint64(start), 2.0, -1, ANYBODY) == -1


@pytest.mark.parametrize("size", [2, 3, 5, 33, 65, 129, 300])
def test_everyone_is_as_likely_to_be_asked_first_as_anyone_else(size):
    """All starts and strides once each: every seller comes first, and second, equally often.

    Also just above a power of two, where the walk meets as many empty places as sellers.
    """
    first, second = Counter(), Counter()
    rows = rows_of(*[1.0] * size)
    for start in range(size):
        for stride in range(1, STRIDE_MAX, 2):
            random = np.uint64((((start << 32) + size - 1) // size << 32) + stride)
            place = wrapped.ask_around(rows, 0, random, 1.0, -1, ANYBODY)
            assert place == start
            first[place] += 1
            rows.ask[0, place] = 9.0
            second[wrapped.ask_around(rows, 0, random, 1.0, -1, ANYBODY)] += 1
            rows.ask[0, place] = 1.0
    strides = STRIDE_MAX // 2
    assert set(first.values()) == {strides}
    second.pop(-1, None)
    assert max(second.values()) <= strides
    if size <= PROBES_MAX:
        assert len(second) == size
        assert min(second.values()) == strides
