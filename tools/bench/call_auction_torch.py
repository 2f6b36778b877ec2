"""The call auction's peers by torch: sorting, as one would first write it, and our own."""

from typing import Any

import numpy as np

from engine.markets import call_auction, call_auction_torch
from engine.tables import Array
from tools.bench.machine import core_seconds
from tools.bench.results import Peer


def beside(sides: tuple[Array, ...], size: int, ticks: int) -> tuple[Peer, ...]:
    """On one thread; nothing where there is no torch."""
    try:
        import torch
    except ImportError:
        return ()
    torch.set_num_threads(1)
    tensors = [torch.from_numpy(column) for column in sides]
    result, *_ = call_auction.clear(*sides, ticks=(0, ticks - 1))
    sorting, by_torch = [], []
    for _ in range(5 if size <= 10**6 else 2):
        began = core_seconds()
        volume = sorted_volume(torch, *tensors)
        sorting.append(size / (core_seconds() - began))
        if volume != result.volume:
            raise AssertionError(f"{volume} units by sorting, {result.volume} ours")
        began = core_seconds()
        call_auction_torch.clear(*tensors, ticks=(0, ticks - 1))
        by_torch.append(size / (core_seconds() - began))
    return (
        Peer("torch sort, price only", float(np.median(sorting)), "beside"),
        Peer("our auction by torch, CPU", float(np.median(by_torch)), "beside"),
    )


def sorted_volume(torch: Any, bid_ticks: Any, bids: Any, ask_ticks: Any, asks: Any) -> int:
    """Units traded at the best price, by sorting."""
    bid_ticks, by_bid = bid_ticks.sort(descending=True)
    ask_ticks, by_ask = ask_ticks.sort()
    demand, supply = bids[by_bid].long().cumsum(0), asks[by_ask].long().cumsum(0)
    ends = torch.searchsorted(ask_ticks, bid_ticks, right=True) - 1
    offered = torch.where(ends >= 0, supply[ends.clamp(min=0)], 0)
    at_bids = torch.minimum(demand, offered).max()
    begins = torch.searchsorted(-bid_ticks, -ask_ticks, right=True) - 1
    wanted = torch.where(begins >= 0, demand[begins.clamp(min=0)], 0)
    return int(torch.maximum(at_bids, torch.minimum(supply, wanted).max()))
