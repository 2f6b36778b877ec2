"""What a command of an observer does. Called between windows, so that it is an input of the next.

A command that cannot be carried out is a ValueError of one line, and nothing has changed.
"""

import trio

from city_node.cities.inputs import Scheduled, take
from city_node.cities.shocks import events_of
from city_node.cities.world import World, city_named
from city_node.network.link import Links
from city_node.network.meeting import keep_told
from city_node.network.network import Network, Travelway
from city_node.pace import Pace
from city_node.settings.config import speed_of
from city_node.settings.network import dialling
from protocol import observe


class Control:
    """Carries out commands on one node.

    Args:
        nursery: where connections that are asked for live.
        links: with nodes of ours.
    """

    def __init__(
        self, network: Network, pace: Pace, nursery: trio.Nursery, links: Links | None = None
    ) -> None:
        self._network, self._pace, self._nursery, self._links = network, pace, nursery, links

    def act(self, world: World, command: observe.Command) -> None:
        """Carry out one command.

        Raises:
            ValueError: field, value and limit in one line.
        """
        match command:
            case observe.Pause():
                self._pace.pause()
            case observe.Resume():
                self._pace.resume()
            case observe.SetSpeed(ticks_per_s=speed):
                self._pace.speed_ticks_per_s = speed_of(
                    speed if speed == "max" else round(float(speed))
                )
            case observe.Step(ticks=ticks):
                self._pace.step(ticks)
            case observe.Stop():
                self._pace.stop()
            case observe.Connect(address=address, city=city):
                self._connect(world, address, city)
            case observe.Disconnect(peer=peer):
                self._disconnect(peer)
            case observe.ScheduleEvent():
                self._schedule(world, command)

    def _connect(self, world: World, address: str, city: str) -> None:
        names = tuple(city.name for city in world.cities)
        told = dialling(f"{city}={address}" if city else address, names)
        if self._links is None:
            raise ValueError(f"connect = {address!r}: a world of the past speaks with nobody")
        self._links.parted.clear()
        self._nursery.start_soon(keep_told, self._network, self._links, world, told)

    def _disconnect(self, peer: str) -> None:
        wanted = peer.casefold()
        ways = [
            way
            for way in self._network.ways
            if wanted
            in (way.peer.casefold(), way.peer.casefold().partition("@")[2], way.address.casefold())
        ]
        if not ways:
            open_to = sorted({way.peer for way in self._network.ways})
            raise ValueError(f"peer = {peer!r}: must be one of {', '.join(open_to) or 'none open'}")
        for way in ways:
            if isinstance(way, Travelway) and way.redial:
                way.redial.cancel()
            way.close("disconnected by command")

    def _schedule(self, world: World, command: observe.ScheduleEvent) -> None:
        if command.city:
            cities = [city_named(world, command.city)]
        else:
            cities = [city for city in world.cities if command.event in events_of(city)]
            cities = cities or world.cities[:1]  # whose refusal names the events that there are
        for city in cities:
            tick = max(command.tick, world.tick)
            take(world, Scheduled(tick, city.name, command.event, dict(command.arguments)))
