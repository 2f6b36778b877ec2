"""Prometheus metrics of a node: an adapter on the world. Needs the extra `metrics`.

The client library serves them from a thread of its own, on loopback; what it serves was measured
between two windows by `look`.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator
from typing import Any

from city_node.cities.report import city_summary
from city_node.cities.world import World
from city_node.errors import ConfigError
from city_node.network.network import Network
from city_node.pace import Pace
from engine.money import MINOR_PER_COIN

PERIOD_S = 1.0
"""Measured so often; Prometheus asks every 15 s by default."""

HOST = "127.0.0.1"

Sample = tuple[str, dict[str, str], float]


class Metrics:
    """What the next scrape gets."""

    def __init__(self, network: Network, pace: Pace) -> None:
        self._network, self._pace = network, pace
        self._samples: list[Sample] = []
        self._due_s = 0.0

    def look(self, world: World) -> None:
        """Measure the world between windows, if it is time."""
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + PERIOD_S
        samples: list[Sample] = [
            ("tick", {}, world.tick),
            ("ticks_per_second", {}, self._pace.achieved_ticks_per_s()),
        ]
        for city in world.cities:
            now = city_summary(world, city)
            here = {"city": city.name}
            samples += [
                ("locals", here, now["locals"]),
                ("merchants", here, now["merchants"]),
                ("money_coins", here, now["money"]["holdings"] / MINOR_PER_COIN),
                ("trades", here, now["trades"]),
            ]
            samples += [
                ("price_coins", here | {"good": good}, price)
                for good, price in now["prices"].items()
            ]
        for way in self._network.ways:
            pair = {"city": way.city.name, "peer": way.peer}
            samples += [
                ("merchants_arrived", pair, way.city.arrivals[way.peer]),
                ("merchants_departed", pair, way.city.departures[way.peer]),
                ("lines_refused", pair, self._network.refused[way.city.name, way.peer]),
            ]
        self._samples = samples

    def collect(self) -> Iterable[Any]:
        """What the client library calls at a scrape, in its own thread."""
        from prometheus_client.core import GaugeMetricFamily

        families: dict[str, GaugeMetricFamily] = {}
        for name, labels, value in self._samples:
            if name not in families:
                families[name] = GaugeMetricFamily(
                    f"city_node_{name}", name.replace("_", " "), labels=list(labels)
                )
            families[name].add_metric(list(labels.values()), value)
        return families.values()


@contextlib.contextmanager
def served(metrics: Metrics, port: int) -> Iterator[Metrics]:
    """Serve the metrics for as long as the context lasts.

    Raises:
        ConfigError: the port is in use.
    """
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    try:
        server, thread = start_http_server(port, HOST, registry)
    except OSError as error:
        raise ConfigError(f"metrics_port = {port}: {error.strerror}") from None
    try:
        yield metrics
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
