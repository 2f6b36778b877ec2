"""What goes into an order book and what comes out: orders, their fates and the log, as arrays."""

from typing import Annotated, NamedTuple

from engine.tables import Array, Column

LIMIT, MARKET, NOW, ALL_OR_NONE, PASSIVE, CANCEL, REPLACE = range(7)
"""Kinds of orders. What a limit order cannot trade rests; of a market order and of an
immediate-or-cancel (NOW) it is dropped; fill-or-kill (ALL_OR_NONE) trades whole or not at all;
post-only (PASSIVE) is refused where it would trade. A market buy takes what its owner's money buys.
Replacing takes the new price and quantity; fewer units at the same price keep their turn."""

RESTING, FILLED, DROPPED, CANCELLED = range(4)
KILLED, CROSSING, UNCOVERED, IN_USE, UNKNOWN, INVALID = range(4, 10)
"""What became of an order; from KILLED on nothing has happened. DROPPED: what was left has ended.
UNCOVERED: the owner has not got what it may cost; IN_USE: the number is a resting order's; UNKNOWN:
no resting order of this owner has that number; INVALID: a column is out of its range."""


class Batch(NamedTuple):
    """Orders in the order in which they come; columns that a kind does not need mean nothing."""

    kind: Annotated[Array, Column("u1", "batch", "LIMIT ... REPLACE")]
    side: Annotated[Array, Column("u1", "batch", "BUY or SELL")]
    order: Annotated[Array, Column("i4", "batch", "its number")]
    owner: Annotated[Array, Column("i4", "batch", "whose it is")]
    tick: Annotated[Array, Column("i8", "batch", "limit price, ticks, from 1")]
    quantity: Annotated[Array, Column("i8", "batch", "units, from 1")]


class Outcome(NamedTuple):
    """What became of each order of a batch."""

    status: Annotated[Array, Column("u1", "batch", "RESTING ... INVALID")]
    filled: Annotated[Array, Column("i8", "batch", "units it traded as it came")]


class Trades(NamedTuple):
    """The log of a batch: the first `size` rows, in the order in which they happened."""

    size: Annotated[Array, Column("i8", "1", "trades")]
    entry: Annotated[Array, Column("i4", "trades", "the place in the batch of who came")]
    order: Annotated[Array, Column("i4", "trades", "the number of the order that was there")]
    buyer: Annotated[Array, Column("i4", "trades", "owner")]
    seller: Annotated[Array, Column("i4", "trades", "owner")]
    tick: Annotated[Array, Column("i8", "trades", "price, ticks")]
    quantity: Annotated[Array, Column("i8", "trades", "units")]
