"""Nodes in sight, and which of them this one dials: those with a higher id.

What is seen are hints (`discovery`): where a node says it listens is where it is dialled, and TLS
then proves who it is. Called by `meeting`.
"""

from functools import partial

import trio

from city_node.network.discovery import Sighting
from city_node.network.link import REDIAL_S_MIN, Links, Place

NODES_IN_SIGHT_MAX = 256
"""Announcements are hints, and anybody's: those beyond are passed over."""


class NodesInSight:
    """Keeps a link with every node in sight whose id is higher than ours.

    Args:
        nursery: where diallers run.
    """

    def __init__(self, links: Links, nursery: trio.Nursery) -> None:
        self._links = links
        self._nursery = nursery
        self._in_sight: dict[str, Sighting] = {}
        self._news: dict[str, trio.Event] = {}

    def see(self, sighting: Sighting) -> None:
        """Take note of a node, or that it is gone. A link that is up is not touched."""
        if sighting.gone:
            self._in_sight.pop(sighting.instance, None)
        said = sighting.links
        if said is None or said.id <= self._links.identity.id:
            return
        if sighting.instance not in self._in_sight and len(self._in_sight) >= NODES_IN_SIGHT_MAX:
            return
        self._in_sight[sighting.instance] = sighting
        if said.id in self._news:
            self._news[said.id].set()
        elif len(self._news) < NODES_IN_SIGHT_MAX:  # one instance may name ever other ids
            self._news[said.id] = trio.Event()
            self._nursery.start_soon(self._keep, said.id)

    async def _keep(self, node_id: str) -> None:
        await self._links.keep(
            partial(self._where, node_id), expected=node_id, pause=partial(self._pause, node_id)
        )
        del self._news[node_id]

    def _where(self, node_id: str) -> Place | None:
        for sighting in self._in_sight.values():
            if sighting.links and sighting.links.id == node_id:
                return sighting.addresses, sighting.links.port
        return None

    async def _pause(self, node_id: str, seconds: float) -> None:
        """News of a node end a long pause, but never make more of a second's dials than one:
        announcements are anybody's, and may name anybody's address."""
        await trio.sleep(min(seconds, REDIAL_S_MIN))
        self._news[node_id] = trio.Event()
        with trio.move_on_after(max(0.0, seconds - REDIAL_S_MIN)):
            await self._news[node_id].wait()
