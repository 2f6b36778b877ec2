"""Time passes in a world, in windows which end at an event.

None is longer than the shortest road: so whoever sets out in a window arrives after it, and the
cities of one window may be advanced in any order, or at once.

    open_window -> a Job a city -> run_job each, anywhere -> close_window

`advance` does this in the calling thread; `city_node.node` hands the jobs to threads.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from city_node.cities.shocks import happen
from city_node.cities.world import City, World, merchants_minor
from merchants.roster import Roster, chosen, joined


class BalanceError(Exception):
    """A city's money does not add up: a fault of the program, and the end of the run."""


@dataclass(frozen=True)
class Job:
    """What one city is to do in a window."""

    city: City
    arrivals: Roster
    tick: int
    ticks: int


def window_ticks(world: World, ticks: int) -> int:
    """How many of the `ticks` wished for fit into the window that begins now."""
    ends = [ticks, world.look_ahead_ticks]
    ends += [event.tick - world.tick for event in world.events if event.tick > world.tick][:1]
    return max(1, min(ends))


def open_window(world: World, ticks: int) -> list[Job]:
    """Let the due events happen and hand out the arrivals of the next `ticks` ticks.

    Args:
        ticks: at most what `window_ticks` allows.
    """
    while world.events and world.events[0].tick <= world.tick:
        event = world.events.pop(0)
        what = f"{event.name.replace('_', ' ')} in {event.city}"
        try:
            happen(world, event)
        except ValueError as error:  # by now too much: nothing has changed
            what = f"{what} came to nothing: {error}"
        world.happened.append((world.tick, what))
    for city in world.cities:
        city.town.luggage = world.luggage
    rows = world.walking.rows
    due = np.flatnonzero(rows.tick[: world.walking.size[0]] < world.tick + ticks)
    order = np.lexsort((rows.from_place[due], rows.tick[due], rows.to_place[due]))
    arrivals = chosen(world.walking, due[order])
    if len(due):
        late = np.flatnonzero(rows.tick[: world.walking.size[0]] >= world.tick + ticks)
        world.walking = chosen(world.walking, late)
    ends = np.searchsorted(arrivals.rows.to_place, np.arange(len(world.cities) + 1))
    return [
        Job(city, chosen(arrivals, slice(ends[city.here], ends[city.here + 1])), world.tick, ticks)
        for city in world.cities
    ]


def run_job(job: Job) -> None:
    """Advance one city through a window; touches nothing but that city.

    Raises:
        BalanceError: its money does not add up any more.
    """
    city = job.city
    came = job.arrivals.rows
    city.ledger.entered_minor += int(came.money_minor.sum())
    city.state = city.economy.advance(city.state, city.town, job.arrivals, job.tick, job.ticks)
    left = city.town.departures.rows.money_minor[: city.town.departures.size[0]]
    city.ledger.left_minor += int(left.sum())
    holdings_minor = city.economy.holdings_minor(city.state) + merchants_minor(city.town)
    if holdings_minor != city.ledger.expected_minor():
        raise BalanceError(
            f"{city.name}: holds {holdings_minor} minor units at tick {job.tick + job.ticks}, "
            f"but should hold {city.ledger.expected_minor()}: {city.ledger}"
        )


def close_window(world: World, jobs: list[Job]) -> None:
    """Set the departed on their way and let the time have passed."""
    walking = [world.walking]
    for job in jobs:
        from_place = job.arrivals.rows.from_place
        elsewhere = from_place[from_place != job.city.here]  # who never got away has not arrived
        job.city.arrivals.update(world.places[place] for place in elsewhere)
        departures = job.city.town.departures
        to_place = departures.rows.to_place[: departures.size[0]]
        job.city.departures.update(world.places[place] for place in to_place)
        inside = to_place < len(world.cities)
        if inside.any():
            walking.append(chosen(departures, np.flatnonzero(inside)))
        if not inside.all():
            world.abroad.append((job.city, chosen(departures, np.flatnonzero(~inside))))
    if len(walking) > 1:
        world.walking = joined(walking)
    world.tick += jobs[0].ticks
    drop_luggage(world)


def drop_luggage(world: World) -> None:
    """Forget what the retired carried, once more is kept than there are merchants."""
    rosters = [world.walking, *(city.town.roster for city in world.cities)]
    rosters += [roster for _, roster in world.abroad]
    if len(world.luggage) <= sum(int(roster.size[0]) for roster in rosters):
        return
    alive = {
        (int(place), int(number))
        for roster in rosters
        for place, number in zip(
            roster.rows.birthplace[: roster.size[0]],
            roster.rows.number[: roster.size[0]],
            strict=True,
        )
    }
    world.luggage = {who: genes for who, genes in world.luggage.items() if who in alive}


def run_in_turn(jobs: list[Job]) -> None:
    """The jobs of a window in this thread."""
    for job in jobs:
        run_job(job)


def advance(
    world: World, ticks: int, run_jobs: Callable[[list[Job]], object] = run_in_turn
) -> None:
    """So many ticks; `run_jobs` runs the jobs of a window."""
    end = world.tick + ticks
    while world.tick < end:
        jobs = open_window(world, window_ticks(world, end - world.tick))
        run_jobs(jobs)
        close_window(world, jobs)
