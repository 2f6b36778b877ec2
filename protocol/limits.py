"""Every bound of the wire in one place, each with its reason.

Read by every module of this package and by whoever sizes a queue around it. Knows nothing else.
"""

from typing import Final

# --- money ---------------------------------------------------------------------------------

MINOR_PER_COIN: Final = 100_000_000
"""Money is counted in units of 1e-8 coin; one coin is this many."""

MONEY_COINS_MAX: Final = 1_000_000
"""Richest merchant on the wire. 1e14 minor units have 15 digits, and every decimal of up to 15
digits survives the way through a double, so money crosses the wire without losing a unit."""

# --- a merchant ----------------------------------------------------------------------------

CAPACITY_UNITS_MAX: Final = 2**31 - 1
"""What a 32-bit array of the host holds; a city's border sets its own, much lower bound."""

PRICE_COINS_MAX: Final = 1_000_000_000.0
"""An expected price lies within plus or minus this: far above any price seen, far below where
sums of prices lose their cents."""

CITIES_MAX: Final = 64
"""Cities in the expected prices of one merchant, and price columns in one batch: a table of
goods × cities is kept for every merchant, so strangers must not choose its width."""

GOODS_MAX: Final = 64
"""Goods in the expected prices of one merchant, and goods remembered of one peer."""

TRAITS_MAX: Final = 64
"""Entries of a genome; it is carried along for cities that understand it, so it must be small."""

# --- names and lines -----------------------------------------------------------------------

NAME_BYTES_MAX: Final = 64
"""A city, node, good or trait; `NAME@NODE` may have this much on either side of the `@`."""

FULL_NAME_BYTES_MAX: Final = 2 * NAME_BYTES_MAX + 1
"""`NAME@NODE`. A greeting that goes on longer has no end we would wait for."""

LINE_BYTES_MAX: Final = 65_536
"""One line with its newline. A merchant with four goods in 64 cities needs about 8,000 bytes;
larger receives than this halve the throughput. Also the most a connection ever keeps."""

REASON_VALUE_CHARS_MAX: Final = 40
"""How much of a stranger's value is repeated in a reason, since reasons end up in logs."""

# --- time ----------------------------------------------------------------------------------

QUIET_S: Final = 0.050
"""Silence after both names are out: a peer of chapter 7 takes its first read whole as our name,
so whatever is coalesced with it is lost."""

NAME_QUIET_S: Final = 0.250
"""A name without a newline has ended when nothing followed it for this long. Longer than the
pauses between segments of one write, short enough that nobody notices."""

DIALLER_SILENCE_S: Final = 1.5
"""A dialler greets first after this much silence: legacy listeners speak within milliseconds,
so who is silent this long waits for us."""

LISTENER_SILENCE_S: Final = 3.0
"""A listener gives its raw name after this much silence, for clients that read first. The
distance from 1.5 s lets two nodes of ours meet whatever the round trip."""

GREETING_S_MAX: Final = 10.0
"""A connection without a whole greeting by then is closed; it holds a place others need."""

# --- patience ------------------------------------------------------------------------------

REFUSALS_MAX: Final = 20
"""So many lines refused within REFUSALS_WINDOW_S close the connection: every one costs a log
line and the slow decoder, and a peer this wrong does not get better."""

REFUSALS_WINDOW_S: Final = 60.0
