"""What a run shows of itself: observers and a window, status lines, the history file, metrics.

Called by `node` at its start, which lets every view look at the world between windows.
"""

import contextlib
from typing import Protocol

import trio

from city_node.cities.gauges import Gauges
from city_node.cities.world import World
from city_node.machine import Bound
from city_node.network.network import Network
from city_node.observing import websocket
from city_node.observing.history import history_file
from city_node.observing.metrics import Metrics, served
from city_node.observing.observer import Observers, observed
from city_node.observing.status import Status
from city_node.observing.window import Window
from city_node.pace import Pace
from city_node.settings.config import Config
from city_node.settings.wishes import Run


class View(Protocol):
    """Whoever is shown the world between windows: observers, status lines, the history file."""

    def look(self, world: World) -> None:
        """Look, if it is time to."""


async def shown(
    nursery: trio.Nursery,
    beside: contextlib.ExitStack,
    world: World,
    config: Config,
    asked: Run,
    network: Network,
    pace: Pace,
    listeners: list[Bound],
    seen_by: Window | None,
) -> tuple[Observers, list[View]]:
    """Open what was asked for, for as long as `nursery` and `beside` last.

    Args:
        seen_by: the window, if there is one: it opens now, if it has not.

    Returns:
        The observers, and all views, they among them.
    """
    gauges = Gauges(network.log)
    observers = await observed(nursery, beside, config, network, pace, gauges, listeners, seen_by)
    history = beside.enter_context(history_file(asked.history, gauges))
    if asked.websocket_port is not None:
        await nursery.start(websocket.serve, observers, asked.websocket_port)
    status = beside.enter_context(Status(world, pace, as_json=asked.log_json))
    views: list[View] = [gauges, observers, history, status]
    if asked.metrics_port is not None:
        metrics = served(Metrics(network, pace), asked.metrics_port)
        views.append(beside.enter_context(metrics))
    return observers, views
