"""Files of genomes: what `city-node evolve` saves and `[merchants] genome = "FILE"` reads.

JSON, {"genomes": [{trait: 0…1, …}, …]}, the best first; whatever else stands in it is for people. A
trait that is left out is neutral.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from merchants.genome import NAMES, genes_of

GENOMES_MAX = 10_000
"""In a file: a city deals them out in turn, and no laboratory's population is larger."""


class _File(msgspec.Struct):
    genomes: list[dict[str, float]]


def read(field: str, path: Path) -> tuple[tuple[float, ...], ...]:
    """Rows of `merchants.genome.TRAITS`, at least one.

    Args:
        field: what names the file, for errors.
        path: the file.

    Raises:
        ValueError: one line with field, value and limit.
    """
    shown = f"{field} = '{path}'"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File).genomes
    except OSError as error:
        raise ValueError(f"{shown}: cannot be read ({error.strerror})") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{shown}: not a file of genomes ({error})") from None
    if not 1 <= len(found) <= GENOMES_MAX:
        raise ValueError(f"{shown}: {len(found)} genomes, must be from 1 to {GENOMES_MAX}")
    for number, genome in enumerate(found):
        for name, gene in genome.items():
            if name not in NAMES:
                known = ", ".join(NAMES)
                raise ValueError(f"{shown}: genomes[{number}].{name}: must be one of {known}")
            if not 0.0 <= gene <= 1.0:
                raise ValueError(f"{shown}: genomes[{number}].{name} = {gene}: must be from 0 to 1")
    return tuple(tuple(float(gene) for gene in genes_of(genome)) for genome in found)


def write(path: Path, genomes: Iterable[Mapping[str, float]], **about: Any) -> None:
    """Save genomes, the best first, with whatever people may want to know of them.

    Raises:
        OSError: the file cannot be written.
    """
    rows = [{name: round(gene, 6) for name, gene in genome.items()} for genome in genomes]
    path.write_text(json.dumps({**about, "genomes": rows}, indent=1) + "\n", "utf-8")
