"""What becomes of a node that has said hello: whom of our cities it may deal with.

Called with what TLS has proved and hello has said, before welcome; reads and writes the user's
files of trust, so it is to be offloaded. Knows neither messages nor connections.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from city_node.identity.trust import Trusted, bind_cities, knock, succeed
from city_node.network.policy import Answer, Policy, admission


@dataclass(frozen=True)
class Visitor:
    """A node that has said hello.

    Attributes:
        id: proved by TLS.
        certificate: DER, as shown.
        address: where it comes from.
        cities: full names, NAME@NODE, as said in hello, of the length that names may have.
        former: ids under which it has been known, as it has proved.
    """

    id: str
    certificate: bytes
    address: str
    cities: Sequence[str]
    former: Sequence[str] = ()

    @property
    def node(self) -> str:
        """What it calls itself: the second half of its cities' names."""
        return self.cities[0].rpartition("@")[2] if self.cities else ""


def answers(
    home: Path,
    visitor: Visitor,
    policies: Mapping[str, Policy],
    trusted: Mapping[str, Trusted],
    now_s: float,
) -> dict[str, Answer]:
    """What each of our cities answers; a stranger whom one would hear is noted as pending.

    Args:
        policies: of our cities, by name.
        trusted: whom the user lets in now.
        now_s: Unix time.

    Raises:
        ChangedKeyError: one of its cities is known under another key: the link is to be closed.
        OSError: it cannot be written down.
    """
    if entry := succeed(home, visitor.former, visitor.id):
        trusted = {**trusted, visitor.id: entry}
    bind_cities(home, visitor.id, visitor.certificate, visitor.cities)
    said = {city: admission(policy, visitor.id, trusted) for city, policy in policies.items()}
    if "knock" in said.values():
        knock(home, visitor.id, visitor.node, visitor.address, visitor.certificate, now_s)
    return said
