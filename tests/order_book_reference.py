"""The order book as plain Python: lists of orders, dictionaries of balances, no arrays.

The oracle of engine.markets.order_book: rules from its docstring, nothing shared but constants.
"""

from dataclasses import dataclass, field

from engine.markets.orders import (
    ALL_OR_NONE,
    CANCEL,
    CANCELLED,
    CROSSING,
    DROPPED,
    FILLED,
    IN_USE,
    INVALID,
    KILLED,
    LIMIT,
    MARKET,
    NOW,
    PASSIVE,
    REPLACE,
    RESTING,
    UNCOVERED,
    UNKNOWN,
)

BUY, SELL = 0, 1


@dataclass
class Order:
    number: int
    owner: int
    side: int
    tick: int
    left: int


@dataclass
class PlainBook:
    """Money and units by owner; resting orders by side, in priority."""

    levels: int
    orders: int
    tick_minor: int
    quantity_max: int
    money: list[int]
    units: list[int]
    sides: tuple[list[Order], list[Order]] = field(default_factory=lambda: ([], []))
    trades: list[tuple[int, ...]] = field(default_factory=list)

    def resting(self) -> dict[int, Order]:
        return {order.number: order for side in self.sides for order in side}

    def purse(self, side: int) -> list[int]:
        return self.money if side == BUY else self.units

    def held(self, side: int, tick: int, quantity: int) -> int:
        return quantity * tick * self.tick_minor if side == BUY else quantity

    def escrow(self) -> tuple[int, int]:
        money, units = (
            sum(self.held(order.side, order.tick, order.left) for order in side)
            for side in self.sides
        )
        return money, units

    def better(self, side: int, tick: int, than: int) -> bool:
        return tick > than if side == BUY else tick < than

    def rest(self, order: Order) -> None:
        self.purse(order.side)[order.owner] -= self.held(order.side, order.tick, order.left)
        line = self.sides[order.side]
        behind = [i for i, o in enumerate(line) if self.better(order.side, order.tick, o.tick)]
        line.insert(behind[0] if behind else len(line), order)

    def withdraw(self, order: Order) -> None:
        self.sides[order.side].remove(order)
        self.purse(order.side)[order.owner] += self.held(order.side, order.tick, order.left)

    def crosses(self, side: int, tick: int, resting: Order) -> bool:
        return resting.tick <= tick if side == BUY else resting.tick >= tick

    def match(self, entry: int, side: int, owner: int, tick: int, quantity: int) -> int:
        line = self.sides[1 - side]
        while quantity and line and self.crosses(side, tick, line[0]):
            there = line[0]
            if there.owner == owner:
                self.withdraw(there)
                continue
            price = there.tick * self.tick_minor
            units = min(quantity, there.left)
            if side == BUY:
                units = min(units, self.money[owner] // price)
            if units == 0:
                break
            buyer, seller = (owner, there.owner) if side == BUY else (there.owner, owner)
            if side == BUY:
                self.money[buyer] -= units * price
                self.money[seller] += units * price
                self.units[buyer] += units
            else:
                self.units[seller] -= units
                self.units[buyer] += units
                self.money[seller] += units * price
            self.trades.append((entry, there.number, buyer, seller, there.tick, units))
            there.left -= units
            quantity -= units
            if there.left == 0:
                line.pop(0)
        return quantity

    def handle(self, entry, kind, side, number, owner, tick, quantity) -> tuple[int, int]:
        """(status, units filled)"""
        if not (0 <= number < self.orders and 0 <= owner < len(self.money)):
            return INVALID, 0
        old = self.resting().get(number)
        if kind in (CANCEL, REPLACE) or kind > REPLACE:
            if old is None or old.owner != owner:
                return UNKNOWN, 0
            if kind == CANCEL:
                self.withdraw(old)
                return CANCELLED, 0
            side = old.side
        elif old is not None:
            return IN_USE, 0
        if kind == MARKET:
            tick = self.levels - 1 if side == BUY else 1
        if kind > REPLACE or side > SELL or not 1 <= tick < self.levels:
            return INVALID, 0
        if not 1 <= quantity <= self.quantity_max:
            return INVALID, 0
        funds = self.purse(side)[owner] + (self.held(side, old.tick, old.left) if old else 0)
        bounded = kind != MARKET or side == SELL
        if bounded and self.held(side, tick, quantity) > funds:
            return UNCOVERED, 0
        if old is not None:
            if tick == old.tick and quantity <= old.left:
                self.purse(side)[owner] += self.held(side, tick, old.left - quantity)
                old.left = quantity
                return RESTING, 0
            self.withdraw(old)
        facing = [o for o in self.sides[1 - side] if self.crosses(side, tick, o)]
        if kind == ALL_OR_NONE and sum(o.left for o in facing if o.owner != owner) < quantity:
            return KILLED, 0
        if kind == PASSIVE and facing:
            return CROSSING, 0
        left = self.match(entry, side, owner, tick, quantity)
        if left == 0:
            return FILLED, quantity
        if kind in (MARKET, NOW, ALL_OR_NONE):
            return DROPPED, quantity - left
        assert kind in (LIMIT, PASSIVE, REPLACE)
        self.rest(Order(number, owner, side, tick, left))
        return RESTING, quantity - left
