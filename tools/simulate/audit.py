"""The books of a whole simulated network: is every coin accounted for, and every merchant?"""

from collections.abc import Sequence
from dataclasses import dataclass

from city_node.audit import added_up
from tools.simulate.nodes import Node, ViolationError


@dataclass
class Count:
    """What the books of a network say.

    Attributes:
        migrations: merchants who came to a city from another node's.
        outside: who has left a node and not come to one, or was lost on a legacy road.
        outside_minor: their money.
    """

    migrations: int = 0
    outside: int = 0
    outside_minor: int = 0


def count_all(nodes: Sequence[Node]) -> Count:
    """Add up the books of all nodes.

    Raises:
        ViolationError: they do not balance, or more has arrived somewhere than ever left for there.
    """
    reads = [read for node in nodes if (read := node.books())]
    found = added_up(reads)
    if not found["balanced"]:
        raise ViolationError(f"the books do not balance: {found}")
    accounts = [account for read in reads for account in read.accounts.values()]
    entered, left = sum(a.entered for a in accounts), sum(a.left for a in accounts)
    if left < entered:
        raise ViolationError(f"{entered - left:,} merchants more have arrived than left")
    return Count(entered, left - entered, found["in_transit"])
