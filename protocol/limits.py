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

MONEY_MINOR_MAX: Final = MONEY_COINS_MAX * MINOR_PER_COIN
"""The same where money is counted: between nodes."""

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

# --- between nodes -------------------------------------------------------------------------

NODE_VERSIONS: Final = (2,)
"""Versions of the conversation between nodes that we speak."""

HELLO_BYTES_MAX: Final = 4_096
"""One line of a peer not welcomed yet: whoever has no leave to be here gets no memory either. A
hello holds some twenty cities with their charters, or sixty without."""

RECORD_BYTES_MAX: Final = LINE_BYTES_MAX - 1_024
"""One merchant between nodes: what an offer of him alone needs beside him (two full names with
every character escaped, numbers) fits into 1,024 bytes."""

XID_MAX: Final = 2**53 - 1
"""A number of a migration: whole in a double too, for peers whose JSON knows nothing else. At
100,000 a second it lasts 2,800 years."""

OFFERS_IN_FLIGHT_FIRST: Final = 64
"""Offers a peer may have unanswered before any of its merchants has settled here."""

OFFERS_IN_FLIGHT_MAX: Final = 4_096
"""The same once as many have: 2.5 MB of merchants held, and 40 ms of a journal of 100,000
transitions a second, so that neither a round trip nor a group commit leaves the road empty."""

RANGES_MAX: Final = OFFERS_IN_FLIGHT_MAX
"""Ranges of numbers in one message: no more can be in flight, however scattered."""

RANGES_IN_LINE_MAX: Final = 2_048
"""Numbers we name in one line: every one a range of its own at worst, of 24 bytes."""

UNSETTLED_WINDOWS: Final = 4
"""How far credit runs ahead of what the sending side says is settled, as a multiple of what may be
in flight: whoever never settles would have every refusal remembered for ever. A stranger of whom
nobody has entered is so remembered by 256 numbers a pair, 18 KB."""

FORGET_EVERY: Final = 16
"""The sending side says that so many more have settled; below a quarter of the first credit, or
both could wait for the other."""

NODE_CITIES_MAX: Final = 64
"""Cities of one node; a merchant cannot know more either."""

PAIRS_MAX: Final = 256
"""Ordered pairs of cities whose states one welcome tells: as many as surely fit into a line."""

TEXT_CHARS_MAX: Final = 512
"""A charter, a key, a signature or the detail of an error."""

ROTATIONS_MAX: Final = 4
"""Changes of its key that a node shows in a hello, the newest: each takes the place of a city and a
half. Whoever has missed more of them has to be told the new id by its user."""

GIVE_UP_S: Final = 60.0
"""A merchant whose offer nobody has answered for this long comes home. Longer than a dead link
takes to be noticed, so that a short cut does not send everybody back."""

PING_S: Final = 15.0
"""Whoever has written nothing for this long says ping."""

DEAD_S: Final = 45.0
"""A peer silent for this long is gone: three pings lost."""

HELLO_S_MAX: Final = 10.0
"""A connection without a hello by then is closed; it holds a place others need."""

LINE_S_MAX: Final = 15.0
"""A line begun is ended within this, or its writer keeps a place without using it."""

NEWS_S: Final = 1.0
"""News of one city are heard once in so long; what comes between is thrown away."""

UNKNOWN_MESSAGES_PER_S: Final = 200.0
"""Lines a second of a peer not welcomed; beyond it is read more slowly."""

UNKNOWN_MESSAGES_BURST: Final = 400.0
"""How many of them at once."""

UNKNOWN_BYTES_PER_S: Final = 262_144.0
"""Bytes a second of a peer not welcomed, and at once."""
