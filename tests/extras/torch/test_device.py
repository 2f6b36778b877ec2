"""A city whose auctions torch clears has the very history of one on the processor alone."""

from dataclasses import replace

import pytest
import torch

from city_node.cities.advance import advance
from city_node.cities.report import report, state_hash
from city_node.errors import ConfigError
from city_node.settings.config import resolve
from city_node.settings.wishes import Wishes
from engine.markets import call_auction_torch
from merchants import advance_bazaar, advance_markets_torch
from tests import worlds


def market_world():
    goods = worlds.default_city().goods
    called = {
        name: good if good.leisure else replace(good, market="book" if name == "wood" else "call")
        for name, good in goods.items()
    }
    pair = [worlds.city(name, goods=called, locals=60) for name in ("Ash", "Elm")]
    return worlds.world(pair, worlds.all_roads(2), seed=5)


@pytest.mark.parametrize("orders_min", [0, 9, 10**9])
def test_histories_are_equal(monkeypatch, orders_min):
    monkeypatch.setattr(advance_markets_torch, "ORDERS_MIN", orders_min)
    plain, other = market_world(), market_world()
    asked = []
    price = advance_markets_torch.price
    monkeypatch.setattr(
        advance_markets_torch, "price", lambda *sides: asked.append(1) or price(*sides)
    )
    by_market = advance_bazaar._by_market
    for world, device in ((plain, "cpu"), (other, "torch")):
        loop = advance_markets_torch.loop_on("cpu") if device == "torch" else by_market("cpu")
        monkeypatch.setattr(advance_bazaar, "_by_market", lambda _, loop=loop: loop)
        for ticks in (1, 7, 400):
            advance(world, ticks)
    for one, two in zip(plain.cities, other.cities, strict=True):
        assert one.economy.trades(one.state) > 100
        assert state_hash(plain, one) == state_hash(other, two)
    assert bool(asked) == (orders_min < 10**9)


def test_a_device_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    said = r"^device = 'cuda': torch finds none on this machine; cpu is always there$"
    with pytest.raises(ConfigError, match=said):
        resolve(Wishes(cities=("Ash",), device="cuda"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve(Wishes(cities=("Ash",), device="cuda")).device == "cuda"
    assert call_auction_torch.missing("cuda") == ""


def test_the_report_says_which():
    world = market_world()
    assert report(world, "atlas", 0.0)["device"] == "cpu"
