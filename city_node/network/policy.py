"""What a city's border asks of those who come: its policy, and the answer it gives a node.

Parsed by `config` from `[border]` and `[cities.NAME.border]`. Admission is asked at hello, once for
each city of ours; the rest whenever merchants come. Pure: knows neither files nor connections.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from city_node.settings.fields import check_fields, converted, whole_number, yes_or_no
from engine.goods import check
from engine.money import BASIS_POINTS, MINOR_PER_COIN
from protocol.limits import OFFERS_IN_FLIGHT_FIRST, OFFERS_IN_FLIGHT_MAX

Admission = Literal["closed", "known", "knock", "open"]

ADMISSIONS: tuple[Admission, ...] = ("closed", "known", "knock", "open")
"""From the strictest."""

SHARE_MAX = 100.0
COINS_MAX = 10**9


@dataclass(frozen=True)
class Guests:
    """What programs of anybody's may bring to a city over legacy roads, where nobody proves who he
    is. Peers of one address together may bring as much as `border.ADDRESS_PEERS` of them.

    Attributes:
        present: merchants of one peer in the city at a time: a crowd of strangers must not become
            its trade.
        coins: that one of them may bring: twice what a merchant is founded with.
        capacity: units that one of them may carry: as much as a merchant of the tutorial.
        net_coins: that one peer's may bring in an hour beyond what they took out: the initial money
            of a city of 20.
    """

    present: int = 64
    coins: int = 2_000
    capacity: int = 20
    net_coins: int = 20_000

    def __post_init__(self) -> None:
        for field, value in vars(self).items():
            check("", field, value, 0, COINS_MAX)


@dataclass(frozen=True)
class Policy:
    """A city's rules for those who come over the network.

    Attributes:
        admission: whom of nodes of ours it lets in. closed: trusted ids, and where all cities of a
            node are closed a stranger does not even get through TLS. known: trusted ids; a stranger
            is told so. knock: trusted ids; a stranger is noted, for the user to decide. open:
            anybody.
        credit_share, credit_coins: how much more the merchants of one node may bring than they took
            away, over its life: a share of the city's initial money, or coins. A node can forge
            money; this is all that the city can lose to it.
        max_held: merchants of one city who are held at a time, admitted and not yet arrived: what a
            node that never commits can make this one remember.
        tariff_bp: basis points of the money that a merchant brings over the network, guest or not,
            which go to the residents; he pays before the arrival tax.
        guests: what guests may bring; None: they are all sent back.
        legacy_emigration: whether our merchants use legacy roads, on which nobody acknowledges
            them: who is lost there is lost.
    """

    admission: Admission = "knock"
    credit_share: float = 1.0
    credit_coins: float | None = None
    max_held: int = 256
    tariff_bp: int = 0
    guests: Guests | None = Guests()
    legacy_emigration: bool = True

    def credit_minor(self, initial_minor: int) -> int:
        """The credit of one node in a city of so much initial money, minor units."""
        if self.credit_coins is not None:
            return int(self.credit_coins * MINOR_PER_COIN)
        return int(initial_minor * self.credit_share)


def policy_in(where: str, table: Mapping[str, Any]) -> Policy:
    """The policy a file describes; `where` precedes a field's name in an error.

    Raises:
        ValueError: one line with field, value and limit.
    """
    fields = ("admission", "credit_limit", "max_held", "tariff_bp", "guests", "legacy_emigration")
    check_fields(where, table, fields)
    if table["admission"] not in ADMISSIONS:
        raise ValueError(
            f"{where}admission = {table['admission']!r}: must be one of {', '.join(ADMISSIONS)}"
        )
    share, coins = _credit(f"{where}credit_limit", table["credit_limit"])
    held = where + "max_held", table["max_held"]
    emigration = yes_or_no(where + "legacy_emigration", None, table["legacy_emigration"])
    return Policy(
        table["admission"],
        share,
        coins,
        whole_number(*held, OFFERS_IN_FLIGHT_MAX, least=OFFERS_IN_FLIGHT_FIRST),
        whole_number(where + "tariff_bp", table["tariff_bp"], BASIS_POINTS),
        _guests(f"{where}guests", table["guests"]),
        emigration,
    )


def _credit(field: str, value: Any) -> tuple[float, float | None]:
    """Share and coins of a limit that is written as "50 %", or as coins."""
    try:
        if isinstance(value, str) and value.endswith("%"):
            share = float(value[:-1]) / 100
            check("", field, share, 0.0, SHARE_MAX)
            return share, None
        if isinstance(value, int | float) and not isinstance(value, bool):
            check("", field, value, 0, COINS_MAX)
            return 0.0, float(value)
    except ValueError:
        pass
    raise ValueError(
        f'{field} = {value!r}: must be a share of the city\'s initial money, as "50 %", at most '
        f"{SHARE_MAX * 100:,.0f} %, or coins, at most {COINS_MAX:,}"
    )


def _guests(field: str, value: Any) -> Guests | None:
    if value is True or value is False:
        return Guests() if value else None
    if not isinstance(value, dict):
        raise ValueError(f"{field} = {value!r}: must be true, false, or a table of limits")
    guests: Guests = converted(f"{field}.", Guests, value)
    return guests


Answer = Literal["let in", "knock", "closed", "unknown"]
"""The last two are codes of a refusal; "knock" is one too, after the stranger has been noted."""


def admission(policy: Policy, peer_id: str, trusted: Collection[str]) -> Answer:
    """What a city answers a node that asks to be let in.

    Args:
        peer_id: proved by TLS.
        trusted: ids.
    """
    if policy.admission == "open" or peer_id in trusted:
        return "let in"
    if policy.admission == "knock":
        return "knock"
    return "closed" if policy.admission == "closed" else "unknown"


def most_open(policies: Iterable[Policy]) -> Admission:
    """The admission of the most open city of a node: what the node says of itself."""
    return max((policy.admission for policy in policies), key=ADMISSIONS.index)
