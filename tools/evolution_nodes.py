"""Two node processes over TCP: does what wins in one reach the other?

Called by `tools.evolution`.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from city_node.laboratory import genomes
from city_node.laboratory.picture import Band, Panel, draw
from engine.tables import Array
from tools.node_process import HOST, free_ports, own_home
from tools.node_process import node as started

GIFT = {
    "risk": 0.15,
    "patience": 0.71,
    "curiosity": 0.93,
    "gossip": 0.68,
    "margin": 0.92,
    "loyalty": 0.77,
    "asking_price": 0.35,
    "fullness": 0.68,
    "eagerness": 0.15,
}
"""Caution: who seldom stakes his money seldom falls below what a merchant retires with."""

TRAIT = "margin"
"""By which the gifted are counted."""

NODES = {"atlas": ("Riverwood", "Seaside"), "boreas": ("Portsville", "Winterhold")}
TICKS = 300_000
SPEED = 20_000
LOOK = 10_000
"""Ticks over which shares are averaged: at a moment a city may have a handful of merchants."""

SETTINGS = """locals = 100
[merchants]
count = 40
genome = "{genome}"
founding_money = 1100.0
ruin_money = 800.0
retires_after_acts = 100
mutation_probability = 0.0
upkeep = 0.0
tax_free_money = 1000.0
"""
"""Quicker lives under the tutorial's tax, and nothing new but what is there."""

SEEDS = (100, 200, 300)

ROADS = (("no road", False), ("road", True))

Rows = list[dict[str, str]]


def two_nodes(*, road: bool, seed: int, folder: Path) -> dict[str, Rows]:
    """The histories of two node processes; every second merchant of atlas is gifted.

    Args:
        road: whether the nodes are connected.
        seed: of both worlds.
        folder: an empty one.

    Raises:
        RuntimeError: a node failed.
    """
    genomes.write(folder / "atlas.json", [GIFT, {}])
    genomes.write(folder / "boreas.json", [{}])
    port = free_ports(2 * len(NODES))
    with own_home() as home, ExitStack() as stack:
        running = {}
        for number, (name, cities) in enumerate(NODES.items()):
            settings = folder / f"{name}.toml"
            settings.write_text(SETTINGS.format(genome=f"{name}.json"), "utf-8")
            asked = [*cities, "--config", str(settings), "--node-name", name, "--threads", "1"]
            asked += ["--seed", str(seed + number), "--port", str(port + 2 * number)]
            asked += ["--speed", str(SPEED), "--ticks", str(TICKS), "--no-discovery"]
            if road and number:
                asked += ["--connect", f"{HOST}:{port}"]
            running[name] = stack.enter_context(started(*asked, home=home))
        for each in running.values():
            each.end()
        return {name: each.history() for name, each in running.items()}


def shares(rows: Rows) -> Array:
    """How common the gifted are, by the mean of one trait, weighed by merchants; a look each."""
    looks = TICKS // LOOK
    weight, sums = np.zeros(looks + 1), np.zeros(looks + 1)
    for row in rows:
        merchants = int(row["merchants"])
        if merchants:
            weight[int(row["tick"]) // LOOK] += merchants
            mean = float(row[f"trait_{TRAIT}_mean"])
            sums[int(row["tick"]) // LOOK] += merchants * (mean - 0.5) / (GIFT[TRAIT] - 0.5)
    return (sums / np.maximum(weight, 1))[:looks]


def spread_shown(picture: Path | None, console: Console) -> list[str]:
    """Lines of Markdown, and a picture: how common the gifted are, with and without the road.

    Args:
        picture: where it is drawn; None: nowhere.
        console: for the progress.
    """
    runs = [(name, road, seed) for name, road in ROADS for seed in SEEDS]
    courses: dict[tuple[str, bool], list[Array]] = {}
    lives: dict[tuple[str, bool, str], list[float]] = {}
    for _, road, seed in track(runs, "two nodes", console=console):
        with tempfile.TemporaryDirectory() as folder:
            histories = two_nodes(road=road, seed=seed, folder=Path(folder))
        for node, rows in histories.items():
            course = shares(rows)
            courses.setdefault((node, road), []).append(course)
            for what in ("founded", "retired"):
                last = {row["city"]: float(row[f"merchants_{what}"]) for row in rows}
                lives.setdefault((node, road, what), []).append(sum(last.values()))
    found = {which: np.mean(several, axis=0) for which, several in courses.items()}
    lines = [
        f"{len(SEEDS)} seeds, {TICKS:,} ticks; in the end: the last {3 * LOOK:,} ticks.",
        "",
        "| node | road | gifted at the start | in the end | each run | founded | retired |",
        "|---|---|---|---|---|---|---|",
    ]
    for node, cities in NODES.items():
        for name, road in ROADS:
            ends = [100 * abs(course[-3:].mean()) for course in courses[node, road]]
            founded, retired = (np.mean(lives[node, road, w]) for w in ("founded", "retired"))
            lines.append(
                f"| {node}: {', '.join(cities)} | {name} | {100 * abs(found[node, road][0]):.0f} % "
                f"| {np.mean(ends):.0f} % | {', '.join(f'{end:.0f} %' for end in ends)} "
                f"| {founded:.0f} | {retired:.0f} |"
            )
    if picture:
        none = np.empty(0)
        panels = [
            Panel(
                ", ".join(cities),
                "share",
                [Band(name, found[node, road], none, none) for name, road in ROADS],
                low=0.0,
                high=1.0,
                x_end=TICKS,
                x_unit="tick",
            )
            for node, cities in NODES.items()
        ]
        draw(picture, panels, "Two nodes: a gift crosses the road with its bearers")
    return lines
