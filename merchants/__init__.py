"""Merchants: who they are, what they do in a city, and the loops that fuse them with an economy.

params           every number of their rules
roster           their arrays: in a city, under way, leaving
step             what one merchant does in a tick: hear, choose, depart
genome           his nature: traits that shift the numbers of the rules
life             founding another, retiring
town             a city's merchants, roads and who left, as Python holds them
report           what may be plotted of them
mind             what a learned merchant sees, and how he chooses
lines            lines of the wire into columns, by a kernel
decimals         decimal text into doubles, for it
advance_bazaar   the loop of the bazaar and its merchants: one kernel call a window
advance_markets  the same for cities where some goods are not haggled over
advance_learned  the first again, for cities whose merchants a network drives;
                 advance_learned_markets is the second
advance_macro    the loop of a macro city and its merchants, month by month
advance_society  of a society and its merchants, pulse by pulse
views            what all of them see, for whoever chooses from outside

Knows `engine` and `protocol`; called by `city_node` and `tools`.
"""
