"""docs/performance.md, written from the results that are kept.

Called by the command line after every run. One part a benchmark, in the order of the catalogue;
each tells on what machine and when it was measured, for they need not have been run together.
"""

from collections.abc import Iterable
from pathlib import Path

from tools.bench.results import KEPT, Peer, Result, Row, figure, kept
from tools.markdown import filled

PAGE = KEPT.parent / "performance.md"

HEAD = """\
# Performance

Written by `python -m tools.bench [NAME ...]` from the results in `docs/performance/`: do not edit,
measure again. Absolute figures move from machine to machine; what counts are ratios. *Ours* is the
median of several repetitions with their lowest and highest; a ratio above 1 is in our favour, for
times as for rates. A peer's figure is measured beside ours in the same run, or it is quoted, and
then says from where. The *floor* must be reached, the *goal* is aimed at. Nothing here is a test.
"""


def write_page(names: Iterable[str]) -> Path:
    """Write the page from the results kept of these benchmarks, in order; returns the file."""
    parts = [HEAD]
    for name in names:
        result = kept(name)
        if result is not None:
            parts += section(name, result)
    PAGE.write_text("\n".join(parts), "utf-8")
    return PAGE


def section(name: str, result: Result) -> list[str]:
    """One benchmark's part of the page."""
    run = (
        f"`python -m tools.bench {name}`, {result.where['date']}: {result.where['machine']}; "
        f"{result.where['versions']}. {result.where['load']}."
    )
    notes = [f"- {row.what}: {row.note}." for row in result.rows if row.note]
    parts = [
        f"## {result.title}\n",
        filled(run) + "\n",
        filled("**Expected.** " + result.expected) + "\n",
        "| | ours | lowest … highest | peer | times the peer | goal | of it | floor | of it |",
        "|---|--:|--:|---|--:|--:|--:|--:|--:|",
        *("| " + " | ".join(line) + " |" for row in result.rows for line in cells(row)),
        "",
        *notes,
        *([""] if notes else []),
    ]
    if (KEPT / f"{name}.svg").exists():
        parts.append(f"![{result.title}](performance/{name}.svg)\n")
    return [*parts, filled("**Found.** " + result.found) + "\n"]


def cells(row: Row) -> list[list[str]]:
    """A row of the table, and one more for each further peer."""
    peers: tuple[Peer | None, ...] = row.peers or (None,)
    own = [row.what, f"{figure(row.ours)} {row.unit}", f"{figure(row.low)} … {figure(row.high)}"]
    bounds = [cell for bound in (row.goal, row.floor) for cell in against(row, bound)]
    found = []
    for number, peer in enumerate(peers):
        theirs = [f"{peer.name}, {peer.source}: {figure(peer.value)}" if peer else ""]
        theirs.append(times(row.ratio(peer.value)) if peer else "")
        found.append([*own, *theirs, *bounds] if number == 0 else ["", "", "", *theirs, *[""] * 4])
    return found


def told(row: Row) -> list[str]:
    """The same for a terminal: a line for ours, one for each figure it is held against."""
    found = [
        f"{row.what}: {figure(row.ours)} {row.unit} ({figure(row.low)} … {figure(row.high)})",
        *(
            f"    {x.name}, {x.source}: {figure(x.value)}, {times(row.ratio(x.value))}"
            for x in row.peers
        ),
    ]
    for words, bound in (("goal", row.goal), ("floor", row.floor)):
        if bound is not None:
            found.append(f"    {words} {figure(bound)}: {times(row.ratio(bound))}")
    return [*found, *([f"    {row.note}"] if row.note else [])]


def against(row: Row, bound: float | None) -> list[str]:
    """A bound and how ours stands to it, or two empty cells."""
    return ["", ""] if bound is None else [figure(bound), times(row.ratio(bound))]


def times(ratio: float) -> str:
    """A ratio: two digits that count."""
    return f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.2g} ×"
