"""What an observer sees of a running node, and what it may ask of it: the messages as data.

A node (`city_node/observing/observer.py`) fills them, observers (`viewer`, the verbs, anybody's
program) read them; `protocol/observe_lines.py` turns them into bytes and back. Nothing here may
know sockets, clocks or any economy: an economy is seen only as named series and as charts it
declares as data.

The conversation, one JSON object a line, the tag in `t`:

    node      hello, then any number of compiling / snapshot, each replacing the one before; hello
              again, with all it knows by then, once it has compiled
    observer  hello with the token (only where one is demanded, then it is the first line)
    observer  pause resume speed step stop connect disconnect schedule_event
    node      accepted or refused for each of them, with the `id` the observer gave

A snapshot is whole: an observer that missed ten needs only the last. The first line that is not a
command is answered by one `refused` line and closes the connection before anything after it is
acted on, so a web page that posts to the port steers nothing. Fields a reader does not know are
ignored; fields a writer left out have the defaults below. A number that is not known (and NaN,
which JSON lacks) is null.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

VERSION: Final = 1
# A command is typed by a person or a script: 4 KiB holds any, and bounds what a stranger can park.
COMMAND_BYTES_MAX: Final = 4_096
# Twenty cities of our own with six goods and full samples take about 90 kB; 40 times that is a bug.
MESSAGE_BYTES_MAX: Final = 4 * 1_024 * 1_024
SAMPLES_MAX: Final = 150  # residents in a scatter: more dots hide each other
WALKERS_MAX: Final = 40  # merchants drawn on one road and direction
LOG_LINES_MAX: Final = 50  # the newest lines a snapshot carries, so that few are lost between two
EMPTY_HANDED: Final = ""  # stands for a good where a merchant carries nothing

CHART_KINDS: Final = ("line", "band", "scatter", "path", "matrix", "table", "lorenz", "ridge")
CHART_SLOTS: Final = ("market", "panels", "distributions")

Number: TypeAlias = float | None
# Control characters pass a JSON decoder, and would rewrite the terminal a name is printed on.
_NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*\Z"
Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=256, pattern=_NO_CONTROL)]
Word: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=_NO_CONTROL)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Steps: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Speed: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=1e9)] | Literal["max"]  # ticks/s
Scalar: TypeAlias = bool | Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | float | Text


# What a node says.


class Chart(msgspec.Struct, frozen=True, omit_defaults=True):
    """One picture an economy declares; `keys` name series (or, for distributions, samples).

    line      one key: a line a city. More: a line a key, from `Snapshot.series` where it has them,
              else from the focused (or first) city
    band      mean, low, high: a line with a band, a city each
    scatter   x, y of samples paired by position: a panel a city
    path      x, y of series: the recent way of each city
    matrix    a bar a city and key, on one common scale
    table     a figure and its recent course a city and key
    lorenz    one sample: share held by the poorest
    ridge     one sample: its density, a row a city
    """

    kind: str  # one of CHART_KINDS; a viewer skips a kind it does not know
    slot: str  # the layout it belongs to, one of CHART_SLOTS
    title: str
    unit: str = ""  # shown behind the title; one that begins with % marks the axis
    keys: list[str] = []
    names: list[str] = []  # what people call the keys, when not their own names
    view: str = ""  # title of the tab; by default the economy's name
    # Logarithmic axis of the values (of x for scatter and ridge, where null lets the viewer see).
    log: bool | None = None
    zero: bool = False  # the range includes 0: shares and counts
    steps: bool = False  # the value holds until it is set anew: a staircase
    reference: Number = None  # a level worth a dashed line, a target
    summary: str = ""  # the figure at the right of the title: "", spread, total, mean, reference
    decimals: int | None = None


class City(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A city as it stands at `Snapshot.tick`; of a remote one, its prices at most."""

    name: str
    full_name: str  # NAME@NODE, what roads and commands call it
    node: str
    own: bool = False  # it runs on the node that speaks
    economy: str = ""  # key into Snapshot.economies
    locals: int = 0  # residents; 0 where not known
    merchants: int = 0  # merchants in the city now, not those on its roads
    money_minor: int = 0  # minor units held by all in the city (10⁻⁸ coins)
    trades: int = 0  # trades so far
    prices: dict[str, Number] = {}  # {good: coins}, the mean belief of residents
    bands: dict[str, tuple[Number, Number]] = {}  # {good: [lowest, highest] belief in coins}
    stock: dict[str, Number] = {}  # {good: units held by residents}
    cargo: dict[str, int] = {}  # {good or "": merchants here who carry it}
    series: dict[str, Number] = {}
    # At most SAMPLES_MAX residents, the same ones in the same order under every name. One named
    # `wealth` or `money` also says how bright the residents' dots are on the map.
    samples: dict[str, list[Number]] = {}


class Road(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One direction of travel between two cities; the way back is a road of its own."""

    origin: str  # full names
    destination: str
    network: bool = False  # a travel-way to another node, not a road inside this one
    open: bool = True
    why_closed: str = ""
    retry_s: Number = None  # seconds until a closed travel-way is tried again
    travel_ticks: int = 0  # the walk; 0 where not known
    latency_ms: Number = None
    cost_coins: Number = 0.0  # what a merchant subtracts when he weighs this road
    count: dict[str, int] = {}  # {good or "": merchants on the road who carry it}
    # {good or "": how far along each is, 0…1}, at most WALKERS_MAX in all, evenly chosen
    walkers: dict[str, list[float]] = {}


class Node(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A node in sight, or one that is kept apart."""

    name: str
    address: str = ""
    latency_ms: Number = None
    up: bool = True
    why_apart: str = ""  # not up: it knocks, we have knocked there, it is quarantined


class Peer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One travel-way of a city of this node, as `city-node peers` lists it."""

    city: str  # ours
    name: str  # the other end's full name, or what a program calls itself
    address: str = ""
    dialled: bool = False  # by us
    open: bool = True
    why_closed: str = ""
    arrived: int = 0  # merchants, since the node started
    departed: int = 0
    refused: int = 0  # lines and merchants
    waiting: int = 0  # merchants who have left and are not yet on the wire, or have not arrived
    tariff_minor: int = 0  # paid at the border, minor units
    # Of cities of nodes of ours, with which there are accounts: minor units that have come from
    # there beyond those that went, and what all cities of that node may bring so; null of others.
    balance_minor: int | None = None
    credit_minor: int | None = None
    credit_used_minor: int | None = None


class Event(msgspec.Struct, omit_defaults=True):
    """Something that befell the world, drawn as a dotted line across time."""

    tick: int
    label: str


class LogLine(msgspec.Struct, omit_defaults=True):
    """A line of the node's log; `number` grows by one, so that an observer sees which are new."""

    number: int
    tick: int
    text: str


class Snapshot(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="t", tag="snapshot"):
    """The whole world as one node sees it at a tick."""

    version: int = VERSION
    node: str
    address: str = ""  # where peers reach the node, HOST:PORT
    time_ms: int = 0  # the node's clock, Unix milliseconds
    seed: int = 0
    tick: int
    speed: float | Literal["max"] = "max"  # ticks/s asked for
    ticks_per_s: Number = None  # achieved
    paused: bool = False
    goods: list[str] = []  # in the order people see them
    economies: dict[str, list[Chart]] = {}  # {economy: its charts}, once for all its cities
    cities: list[City] = []  # own ones first
    roads: list[Road] = []
    nodes: list[Node] = []
    peers: list[Peer] = []
    series: dict[str, Number] = {}  # of the world as a whole
    events: list[Event] = []  # the newest few
    log: list[LogLine] = []  # the newest LOG_LINES_MAX


class Compiling(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="t", tag="compiling"):
    """The node is busy before its first window: step `step` of `steps` has begun."""

    step: int
    steps: int
    what: str = ""
    hint: str = ""  # how long it takes, and why


class Hello(msgspec.Struct, omit_defaults=True, tag_field="t", tag="hello"):
    """The first line of either side; the observer may leave its own out where no token is asked."""

    version: int = VERSION
    node: Text = ""
    token: Text | None = None
    cities: list[Text] = []  # names, so that a viewer has something to show while kernels compile
    goods: list[Text] = []


class Accepted(msgspec.Struct, omit_defaults=True, tag_field="t", tag="accepted"):
    """The command `id` is an input of the window that begins at `tick`."""

    id: int = 0
    tick: int = 0


class Refused(msgspec.Struct, omit_defaults=True, tag_field="t", tag="refused"):
    """The command `id` was not acted on, and why; `closing` when the connection ends with it."""

    why: str
    id: int = 0
    closing: bool = False


Message: TypeAlias = Hello | Compiling | Snapshot | Accepted | Refused


# What an observer asks. `id` comes back with the answer; 0 asks for no particular one.


class Pause(msgspec.Struct, omit_defaults=True, tag_field="t", tag="pause"):
    id: Count = 0


class Resume(msgspec.Struct, omit_defaults=True, tag_field="t", tag="resume"):
    id: Count = 0


class SetSpeed(msgspec.Struct, omit_defaults=True, tag_field="t", tag="speed"):
    ticks_per_s: Speed
    id: Count = 0


class Step(msgspec.Struct, omit_defaults=True, tag_field="t", tag="step"):
    """Advance a paused node by some ticks, after which it is paused again."""

    ticks: Steps = 1
    id: Count = 0


class Stop(msgspec.Struct, omit_defaults=True, tag_field="t", tag="stop"):
    """End the node cleanly: checkpoint, farewell, exit."""

    id: Count = 0


class Connect(msgspec.Struct, omit_defaults=True, tag_field="t", tag="connect"):
    """Seek the node or city at HOST:PORT; `city` limits the travel-way to that city of ours."""

    address: Word
    city: Text = ""
    id: Count = 0


class Disconnect(msgspec.Struct, omit_defaults=True, tag_field="t", tag="disconnect"):
    """Close the travel-ways to a node, city or address, as `peers` lists them."""

    peer: Word
    id: Count = 0


class ScheduleEvent(msgspec.Struct, omit_defaults=True, tag_field="t", tag="schedule_event"):
    """A named event of a city's economy, or of its roads, with arguments only they understand."""

    event: Word
    city: Text = ""  # every city that knows the event, when empty
    tick: Count = 0  # the next window, when already past
    arguments: dict[Word, Scalar] = {}
    id: Count = 0


Command: TypeAlias = Pause | Resume | SetSpeed | Step | Stop | Connect | Disconnect | ScheduleEvent


def short(value: float, digits: int = 4) -> Number:
    """The value with few significant digits, null where not finite: for a picture, a third of the
    bytes."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def shorts(values: Iterable[float], digits: int = 4) -> list[Number]:
    """`short` of each."""
    return [short(value, digits) for value in values]


def evenly(count: int, count_max: int) -> list[int]:
    """At most `count_max` positions out of `count`, evenly spread, always the same ones."""
    if count <= count_max:
        return list(range(count))
    return [(2 * k + 1) * count // (2 * count_max) for k in range(count_max)]
