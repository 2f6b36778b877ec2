"""The roads between the cities of a process, as `[[roads]]` says, or from each to each.

Called by `config`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from city_node.settings.fields import check_fields, table_in, whole_number
from engine.goods import check

TRAVEL_TICKS_MAX = 1_000_000

ROAD_FIELDS = ("travel_ticks", "moving_cost")


@dataclass(frozen=True)
class RoadConfig:
    """A road between two cities of the process, by their numbers, one way."""

    start: int
    to: int
    travel_ticks: int
    cost: float


def roads_in(shared: Mapping[str, Any], names: tuple[str, ...]) -> tuple[RoadConfig, ...]:
    """All roads, each way by itself.

    Args:
        shared: file over defaults.
        names: of the node's cities, in their order.

    Raises:
        ValueError: one line with field, value and limit.
    """
    number = {name.casefold(): here for here, name in enumerate(names)}
    ticks, cost = shared["travel_ticks"], shared["moving_cost"]
    _road_numbers("", ticks, cost)
    if "roads" not in shared:
        pairs = [(a, b) for a in range(len(names)) for b in range(len(names)) if a != b]
        return tuple(RoadConfig(a, b, ticks, float(cost)) for a, b in pairs)
    if not isinstance(shared["roads"], list):
        raise ValueError(f"roads = {shared['roads']!r}: must be a list of tables, [[roads]]")
    roads: dict[tuple[int, int], RoadConfig] = {}
    for index, road in enumerate(shared["roads"]):
        where = f"roads[{index}]."
        check_fields(where, table_in(where[:-1], road), ("from", "to", "one_way", *ROAD_FIELDS))
        ends = []
        for end in ("from", "to"):
            name = road.get(end)
            if not isinstance(name, str) or name.casefold() not in number:
                raise ValueError(f"{where}{end} = {name!r}: must be one of {', '.join(names)}")
            ends.append(number[name.casefold()])
        if ends[0] == ends[1]:
            raise ValueError(f"{where}to = {road['to']!r}: must be another city")
        if not isinstance(road.get("one_way", False), bool):
            raise ValueError(f"{where}one_way = {road['one_way']!r}: must be true or false")
        own_ticks, own_cost = road.get("travel_ticks", ticks), road.get("moving_cost", cost)
        _road_numbers(where, own_ticks, own_cost)
        for a, b in [ends] if road.get("one_way") else [ends, ends[::-1]]:
            if (a, b) in roads:
                raise ValueError(f"{where}to = {road['to']!r}: there is such a road already")
            roads[a, b] = RoadConfig(a, b, own_ticks, float(own_cost))
    return tuple(roads.values())


def _road_numbers(where: str, ticks: Any, cost: Any) -> None:
    whole_number(where + "travel_ticks", ticks, TRAVEL_TICKS_MAX, least=1)
    if isinstance(cost, bool) or not isinstance(cost, int | float):
        raise ValueError(f"{where}moving_cost = {cost!r}: must be a number")
    check(where, "moving_cost", cost, 0.0, 1e9)
