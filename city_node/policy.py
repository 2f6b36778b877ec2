"""What a city's border asks of a node that comes: the policy, and the answer it gives.

Parsed by `config` from `[border]` and `[cities.NAME.border]`; asked at hello, once for each city of
ours. Pure: knows neither files nor connections.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from city_node.fields import check_fields

Admission = Literal["closed", "known", "knock", "open"]

ADMISSIONS: tuple[Admission, ...] = ("closed", "known", "knock", "open")
"""From the strictest."""


@dataclass(frozen=True)
class Policy:
    """A city's rules for nodes of ours.

    Attributes:
        admission: whom it lets in. closed: trusted ids, and where all cities of a node are closed
            a stranger does not even get through TLS. known: trusted ids; a stranger is told so.
            knock: trusted ids; a stranger is noted, for the user to decide. open: anybody.
    """

    admission: Admission


def policy_in(where: str, table: Mapping[str, Any]) -> Policy:
    """The policy a file describes; `where` precedes a field's name in an error.

    Raises:
        ValueError: one line with field, value and limit.
    """
    check_fields(where, table, ("admission",))
    for admission in ADMISSIONS:
        if table["admission"] == admission:
            return Policy(admission)
    raise ValueError(
        f"{where}admission = {table['admission']!r}: must be one of {', '.join(ADMISSIONS)}"
    )


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
