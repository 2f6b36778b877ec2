"""docs/reliability.md, written from the runs that are kept: simulated, and under `kill -9`.

Called by `tools.simulate` and `tools.chaos` where `--keep` is given; a run replaces the one kept
under the same name.
"""

from pathlib import Path

import msgspec

from tools.bench.machine import where
from tools.markdown import filled

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
KEPT = PAGE.parent / "reliability.json"

HEAD = """\
# Reliability

Written by `python -m tools.simulate … --keep` and `python -m tools.chaos … --keep`: do not edit,
run again. *Simulated* is the real node code, many times in one process, on streams and disks in
memory and a clock that leaps; everything that goes wrong follows from the seed, so a seed that
fails is replayed by one command. *Lost*, *duplicated* and *drift* are counted over the whole
network, from the ledgers of all nodes; *stuck* are migrations that are not over 30 simulated
minutes after the last fault. A run that was stopped holds fewer seeds than its command names.
*Killed* are real processes on one machine; at the end `city-node audit` adds up all their folders.
"""


class Kept(msgspec.Struct):
    """One run.

    Attributes:
        command: what was run.
        facts: what came of it, in the order of the page.
        where: machine, versions, date.
    """

    command: str
    facts: dict[str, str]
    where: dict[str, str] = {}


def keep(name: str, command: str, facts: dict[str, str]) -> Path:
    """Keep a run, and write the page; returns the page.

    Args:
        name: its heading.
    """
    kept = all_kept()
    kept[name] = Kept(command, facts, where())
    text = msgspec.json.format(msgspec.json.encode(dict(sorted(kept.items()))), indent=2)
    KEPT.write_bytes(text + b"\n")
    PAGE.write_text(page(all_kept()), "utf-8")
    return PAGE


def all_kept() -> dict[str, Kept]:
    """All runs that are kept, by name."""
    return msgspec.json.decode(KEPT.read_bytes(), type=dict[str, Kept]) if KEPT.exists() else {}


SUMMED = (
    "simulated hours", "faults", "migrations", "lost", "duplicated", "drift, minor units", "stuck",
    "seeds failed",
)  # fmt: skip
"""What adds up over runs."""


def sums(kept: dict[str, Kept]) -> str:
    """A line: what all simulated runs come to."""
    runs = [run.facts for name, run in kept.items() if name.startswith("Simulated")]
    totals = []
    for what in SUMMED:
        total = sum(float(facts.get(what, "0").replace(",", "")) for facts in runs)
        totals.append(f"{what} {total:,.1f}".removesuffix(".0"))
    return filled(f"**All simulated runs together:** {'; '.join(totals)}.") + "\n"


def page(kept: dict[str, Kept]) -> str:
    """The page."""
    parts = [HEAD, sums(kept)]
    for name, run in kept.items():
        ran = f"`{run.command}`, {run.where['date']}: {run.where['machine']}; "
        parts.append(f"## {name}\n")
        parts.append(filled(f"{ran}{run.where['versions']}. {run.where['load']}.") + "\n")
        parts.append("| | |\n|---|--:|")
        parts += [f"| {what} | {told} |" for what, told in run.facts.items()]
        parts.append("")
    return "\n".join(parts)
