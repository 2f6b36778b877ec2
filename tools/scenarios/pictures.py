"""One picture a scenario: the prices of one run, its shocks marked, the towns beside each other.

Called by the command line; knows charts and films, no scenario.
"""

import numpy as np

from tools.scenarios.claims import Scenario
from tools.scenarios.film import Film
from tools.svg import Line, Panel, line_chart


def picture(scenario: Scenario, film: Film) -> str:
    """The text of an SVG file: a panel a good, a line a town; of a lone one its beliefs too."""
    cities = [city.name for city in film.world.cities]
    ticks = np.array(film.ticks, np.float64)
    panels = []
    for good in scenario.panels:
        lines = []
        for city in cities:
            prices = film.price_line(city, good)
            if len(cities) > 1:
                lines.append(Line(city, city, ticks, prices))
            else:
                low, high = film.range_line(city, good).T
                lines.append(Line("mean", good, ticks, prices, low, high))
        panels.append(Panel(f"{good}, coins", lines))
    notes = [(float(tick), words) for tick, words in film.notes]
    x_title = (
        "ticks" if len(cities) > 1 else "ticks (the band: from the lowest to the highest belief)"
    )
    return line_chart(scenario.title, panels, x_title, notes)
