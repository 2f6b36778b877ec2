"""The order book against plain Python: every fate, trade, balance and place in the line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from order_book_reference import PlainBook

from engine.markets.ladder import BUY, LAYER, SELL, rename
from engine.markets.order_book import depth, found_book, submit, top
from engine.markets.orders import (
    ALL_OR_NONE,
    CANCEL,
    CROSSING,
    DROPPED,
    FILLED,
    KILLED,
    LIMIT,
    MARKET,
    NOW,
    PASSIVE,
    REPLACE,
    RESTING,
    UNCOVERED,
    Batch,
)

ORDERS, OWNERS, TICK_MINOR = 40, 5, 10_000


def batch_of(rows) -> Batch:
    """Orders from tuples (kind, side, number, owner, tick, quantity)."""
    table = np.array(rows, np.int64).reshape(-1, 6).T
    kinds = (np.uint8, np.uint8, np.int32, np.int32, np.int64, np.int64)
    return Batch(*(column.astype(kind) for column, kind in zip(table, kinds, strict=True)))


def twins(money=10**12, units=10**6, levels=LAYER, orders=ORDERS, owners=OWNERS):
    """A book, its balances, and the same in plain Python."""
    book = found_book(levels, orders, TICK_MINOR)
    balances = np.tile(np.array([money, units]), owners)
    plain = PlainBook(
        levels,
        orders,
        TICK_MINOR,
        int(book.quantity_max[0]),
        [money] * owners,
        [units] * owners,
    )
    return book, balances, plain


def levels_of(plain: PlainBook, side: int) -> list[list[int]]:
    found: dict[int, list[int]] = {}
    for order in plain.sides[side]:
        level = found.setdefault(order.tick, [order.tick, 0, 0])
        level[1] += order.left
        level[2] += 1
    return list(found.values())


def lines_of(book, side: int) -> list[tuple[int, ...]]:
    """A side's orders in priority, walked along the links as they are."""
    ladder, levels, lines = book.ladder, len(book.ladder.resting), []
    for tick, *_ in depth(book, side, levels):
        node, before = ladder.links[tick, 0], tick
        while node != tick:
            assert ladder.links[node, 1] == before
            quantity, tag = (int(cell) for cell in ladder.rows[node - levels])
            assert (tag & 0xFFFFFFFF) == tick << 1 | side
            lines.append((int(node - levels), tag >> 32, side, int(tick), quantity))
            node, before = ladder.links[node, 0], node
    return lines


def check_same(book, balances, plain) -> None:
    assert balances[0::2].tolist() == plain.money
    assert balances[1::2].tolist() == plain.units
    assert tuple(book.escrow) == plain.escrow()
    for side in (BUY, SELL):
        assert depth(book, side, 10**4).tolist() == levels_of(plain, side)
        assert lines_of(book, side) == [
            (o.number, o.owner, o.side, o.tick, o.left) for o in plain.sides[side]
        ]
    resting = plain.resting()
    free = [n for n in range(plain.orders) if n not in resting]
    assert not book.ladder.rows[free, 0].any()


def run_both(book, balances, plain, rows):
    """The batch's statuses, having compared everything about it."""
    plain.trades.clear()
    expected = [plain.handle(entry, *row) for entry, row in enumerate(rows)]
    outcome, log = submit(book, balances, batch_of(rows))
    assert list(zip(outcome.status.tolist(), outcome.filled.tolist(), strict=True)) == expected
    columns = (log.entry, log.order, log.buyer, log.seller, log.tick, log.quantity)
    logged = zip(*(column[: log.size[0]].tolist() for column in columns), strict=True)
    assert list(logged) == plain.trades
    return outcome.status.tolist()


ticks = st.one_of(st.integers(95, 105), st.integers(-1, LAYER), st.sampled_from([1, LAYER - 1]))
numbers = st.one_of(st.integers(0, 7), st.integers(-1, ORDERS))
rows = st.tuples(
    st.one_of(st.sampled_from([LIMIT, LIMIT, CANCEL]), st.integers(0, 7)),
    st.one_of(st.integers(0, 1), st.integers(0, 2)),
    numbers,
    st.one_of(st.integers(0, OWNERS - 1), st.integers(-1, OWNERS)),
    ticks,
    st.one_of(st.integers(1, 9), st.sampled_from([0, -1, 2**30, 2**30 + 1, 2**62])),
)
flows = st.lists(st.lists(rows, max_size=25), max_size=6)


@settings(max_examples=400)
@given(flows, st.sampled_from([0, 10**7, 10**12]), st.sampled_from([0, 6, 10**6]))
def test_every_order_fares_as_in_plain_python(batches, money, units):
    book, balances, plain = twins(money, units)
    for batch in batches:
        run_both(book, balances, plain, batch)
        check_same(book, balances, plain)
        assert balances.min(initial=0) >= 0
        assert balances[0::2].sum() + book.escrow[0] == money * OWNERS
        assert balances[1::2].sum() + book.escrow[1] == units * OWNERS


def random_flow(random, count, orders, owners, levels, middle, spread):
    """Orders of every kind, most of them near the touch."""
    kinds = random.choice(
        [LIMIT, CANCEL, MARKET, NOW, ALL_OR_NONE, PASSIVE, REPLACE],
        count,
        p=[0.45, 0.25, 0.05, 0.05, 0.05, 0.05, 0.10],
    )
    ticks = np.clip(np.rint(random.normal(middle, spread, count)), 1, levels - 1)
    columns = (
        kinds,
        random.integers(0, 2, count),
        random.integers(0, orders, count),
        random.integers(0, owners, count),
        ticks,
        random.integers(1, 60, count),
    )
    table = np.stack([np.asarray(column, np.int64) for column in columns], axis=1)
    return [tuple(row) for row in table.tolist()]


def test_100_000_orders_end_with_the_same_book_to_the_unit():
    """Owners by number, so that cancels and replacements find their orders; wide levels."""
    random = np.random.default_rng(7)
    book, balances, plain = twins(10**14, 10**7, levels=64 * LAYER, orders=400)
    flow = random_flow(random, 100_000, 400, OWNERS, 64 * LAYER, 130_000, 900)
    flow = [(k, s, n, n % OWNERS, t, q) for k, s, n, _, t, q in flow]
    seen: set[int] = set()
    for start in range(0, len(flow), 5000):
        seen.update(run_both(book, balances, plain, flow[start : start + 5000]))
        check_same(book, balances, plain)
    assert {RESTING, FILLED, DROPPED, KILLED, CROSSING} <= seen


def test_cutting_a_flow_into_batches_changes_nothing():
    random = np.random.default_rng(11)
    flow = random_flow(random, 3000, ORDERS, OWNERS, LAYER, 2000, 20)
    whole, parts = twins(), twins()
    submit(whole[0], whole[1], batch_of(flow))
    start = 0
    while start < len(flow):
        size = int(random.integers(1, 300))
        submit(parts[0], parts[1], batch_of(flow[start : start + size]))
        start += size
    for a, b in zip(whole[0].ladder, parts[0].ladder, strict=True):
        assert (a == b).all()
    assert (whole[1] == parts[1]).all()


def test_first_come_first_served_at_one_price():
    book, balances, plain = twins()
    asks = [(LIMIT, SELL, n, n, 100, 2) for n in range(3)]
    run_both(book, balances, plain, [*asks, (LIMIT, BUY, 9, 4, 100, 5)])
    assert plain.trades == [(3, 0, 4, 0, 100, 2), (3, 1, 4, 1, 100, 2), (3, 2, 4, 2, 100, 1)]


def test_the_price_is_that_of_who_was_there():
    book, balances, _ = twins()
    submit(book, balances, batch_of([(LIMIT, SELL, 0, 0, 90, 1), (LIMIT, BUY, 1, 1, 100, 1)]))
    assert balances[2] == 10**12 - 90 * TICK_MINOR
    assert book.escrow.tolist() == [0, 0]


def test_nobody_trades_with_himself_the_order_that_was_there_is_cancelled():
    book, balances, plain = twins()
    flow = [(LIMIT, SELL, 0, 0, 90, 1), (LIMIT, SELL, 1, 1, 91, 1), (LIMIT, BUY, 2, 0, 95, 1)]
    assert run_both(book, balances, plain, flow) == [RESTING, RESTING, FILLED]
    assert plain.trades == [(2, 1, 0, 1, 91, 1)]
    assert balances[1] == 10**6 + 1, "his own unit is back, and one bought"


@pytest.mark.parametrize(
    ("kind", "quantity", "status"),
    [
        (NOW, 5, DROPPED),
        (ALL_OR_NONE, 5, KILLED),
        (ALL_OR_NONE, 4, FILLED),
        (PASSIVE, 1, CROSSING),
        (MARKET, 9, DROPPED),
        (LIMIT, 2**30, UNCOVERED),
    ],
)
def test_what_each_kind_promises(kind, quantity, status):
    book, balances, plain = twins()
    asks = [(LIMIT, SELL, 0, 0, 100, 2), (LIMIT, SELL, 1, 0, 101, 2)]
    run_both(book, balances, plain, asks)
    assert run_both(book, balances, plain, [(kind, BUY, 5, 1, 101, quantity)]) == [status]
    check_same(book, balances, plain)


def test_fewer_units_at_the_same_price_keep_their_turn_and_more_lose_it():
    for quantity, first in ((1, 0), (3, 1)):
        book, balances, plain = twins()
        flow = [
            (LIMIT, SELL, 0, 0, 100, 2),
            (LIMIT, SELL, 1, 1, 100, 2),
            (REPLACE, BUY, 0, 0, 100, quantity),
            (MARKET, BUY, 5, 4, 0, 1),
        ]
        run_both(book, balances, plain, flow)
        assert plain.trades[0][1] == first


def test_an_order_under_another_number_keeps_its_turn():
    for moved in range(3):
        book, balances, _ = twins()
        submit(book, balances, batch_of([(LIMIT, SELL, n, n, 100, 1) for n in range(3)]))
        rename(book.ladder, moved, 30)
        line = [order for order, *_ in lines_of(book, SELL)]
        assert line == [30 if number == moved else number for number in range(3)]
        assert book.ladder.rows[moved, 0] == 0


def test_the_top_and_the_depth_of_an_empty_and_of_a_wide_book():
    book, balances, _ = twins(levels=64 * LAYER * 2, orders=3000)
    assert top(book).tolist() == [[0, 0], [0, 0]]
    asks = [(LIMIT, SELL, n, 0, 200_000 + 97 * n, 1) for n in range(1500)]
    bids = [(LIMIT, BUY, 1500 + n, 0, 199_999 - 89 * n, 2) for n in range(1500)]
    submit(book, balances * 1000, batch_of(asks + bids))
    assert top(book).tolist() == [[199_999, 2], [200_000, 1]]
    assert depth(book, SELL, 2000)[:, 0].tolist() == [row[4] for row in asks]
    assert depth(book, BUY, 1000)[:, 0].tolist() == [row[4] for row in bids[:1000]]


@pytest.mark.parametrize(
    ("levels", "orders", "tick_minor", "message"),
    [
        (100, 1, 1, "levels = 100: must be a multiple of 4096"),
        (2**25, 1, 1, "levels = 33554432"),
        (4096, -1, 1, "orders = -1"),
        (4096, 1, 0, "tick_minor = 0"),
    ],
)
def test_books_that_cannot_be_are_refused(levels, orders, tick_minor, message):
    with pytest.raises(ValueError, match=message):
        found_book(levels, orders, tick_minor)


def test_the_dearest_order_of_the_widest_book_can_be_counted():
    book = found_book(2**24, 2, 10_000)
    assert (2**24 - 1) * 10_000 * int(book.quantity_max[0]) <= 2**62
