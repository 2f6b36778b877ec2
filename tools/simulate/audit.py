"""The books of a whole simulated network: is every coin accounted for, and every merchant?"""

from collections.abc import Sequence
from dataclasses import dataclass

from city_node.world import World, merchants_minor
from tools.simulate.nodes import Node


class ViolationError(Exception):
    """What must never happen has happened."""


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
    """Add up the books of all lives of all nodes.

    Raises:
        ViolationError: a city's money does not add up, or more has arrived than ever left.
    """
    count = Count()
    for node in nodes:
        for world in [*node.before, *([node.world] if node.world else [])]:
            _count_world(node, world, count)
    if count.outside_minor < 0 or count.outside < 0:
        raise ViolationError(
            f"more has arrived than left: {-count.outside:,} merchants, "
            f"{-count.outside_minor:,} minor units"
        )
    return count


def _count_world(node: Node, world: World, count: Count) -> None:
    own = set(world.places[: len(world.cities)])
    for city in world.cities:
        held_minor = city.economy.holdings_minor(city.state) + merchants_minor(city.town)
        if held_minor != city.ledger.expected_minor():
            raise ViolationError(
                f"{node.name}: {city.name} holds {held_minor:,} minor units, but should hold "
                f"{city.ledger.expected_minor():,}"
            )
        came = sum(many for place, many in city.arrivals.items() if place not in own)
        left = sum(many for place, many in city.departures.items() if place not in own)
        count.migrations += came
        count.outside += left - came
        count.outside_minor += city.ledger.left_minor - city.ledger.entered_minor
    waiting = [world.walking, *(roster for _, roster in world.abroad)]
    for roster in waiting:
        count.outside_minor -= int(roster.rows.money_minor[: roster.size[0]].sum())
