"""The auction by torch against that by numba: price and every fill, on every device there is."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.markets import call_auction, call_auction_torch
from engine.markets.call_auction import PRO_RATA, TIME
from engine.markets.uniform_price import TICK_MAX

DEVICES = [
    "cpu",
    *(["cuda"] if torch.cuda.is_available() else []),
    *(["mps"] if torch.backends.mps.is_available() else []),
]


def check(bids, asks, device, ticks, **rules) -> None:
    result, *filled = call_auction.clear(*bids, *asks, ticks=ticks, **rules)
    tensors = [torch.from_numpy(column).to(device) for column in (*bids, *asks)]
    other, *other_filled = call_auction_torch.clear(*tensors, ticks=ticks, **rules)
    assert other.volume == result.volume
    assert other.tick == result.tick
    if result.volume:
        assert other == result
    for ours, theirs in zip(filled, other_filled, strict=True):
        assert ours.tolist() == theirs.cpu().tolist()


orders = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)), max_size=14)


@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=200)
@given(orders, orders, st.integers(0, 4), st.integers(0, 30), st.sampled_from([TIME, PRO_RATA]))
def test_small_auctions(device, bids, asks, tie, reference, ration):
    sides = [np.array(side, np.int32).reshape(-1, 2).T.copy() for side in (bids, asks)]
    check(*sides, device, (0, 30), tie=tie, reference=reference, ration=ration)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("ration", [TIME, PRO_RATA])
@pytest.mark.parametrize(("spread", "most"), [(50, 9), (1000, 2**31 - 1), (10**8, 99)])
def test_large_auctions(device, ration, spread, most):
    random = np.random.default_rng(spread)
    sides = [
        (
            random.integers(0, spread, 20_000, dtype=np.int32),
            random.integers(1, most, 20_000, dtype=np.int32),
        )
        for _ in range(2)
    ]
    check(*sides, device, (0, spread - 1), ration=ration)
    check(*sides, device, (0, TICK_MAX), ration=ration)
