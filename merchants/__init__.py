"""Merchants: who they are, what they do in a city, and the loops that fuse them with an economy.

params           every number of their rules
roster           their arrays: in a city, under way, leaving
step             what one merchant does in a tick: hear, choose, depart
genome           his nature: traits that shift the numbers of the rules
life             founding another, retiring
town             a city's merchants, roads and who left, as Python holds them
report           what may be plotted of them
lines            lines of the wire into columns, by a kernel
decimals         decimal text into doubles, for it
advance_bazaar   the loop of the bazaar and its merchants: one kernel call a window
advance_markets  the same for cities where some goods are not haggled over

Knows `engine` and `protocol`; called by `city_node` and `tools`.
"""
