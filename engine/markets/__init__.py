"""Market mechanisms: how a good changes hands. Plain kernels over arrays, called by economies.

haggle        sellers stand in rows, buyers ask around
call_auction  all orders meet at once, at one uniform_price; call_auction_torch: the same on a GPU
order_book    price-time priority, with escrow; on a ladder of prices; orders: kinds and fates
listing       all resting orders in their priority
"""
