"""Files of trained networks: what `city-node train` saves and `network = "FILE"` in a file of
settings reads, of merchants or of a kind of a macro city's agents.

An .npz of numpy: the arrays of an `engine.policy.Policy` by name, and `about`, JSON for people: how
it was trained. A world keeps the bytes of the file it was founded with.
"""

import functools
import io
import json
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from engine.policy import Policy, Spaces
from engine.tables import columns

NETWORK_BYTES_MAX = 4_000_000
"""Two layers of 512 units are 1.2 MB."""

UNITS_MAX = 1_024


def data_of(field: str, path: Path | None, kind: str = "merchant") -> bytes:
    """The bytes of a file; where there is no path, of the one in the package for that kind of
    agent, trained by `city-node train` with its defaults and measured by docs/learning.md.

    Raises:
        ValueError: one line with field, value and limit.
    """
    if path is None:
        return files("city_node").joinpath("trained", f"{kind}.npz").read_bytes()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{field} = '{path}': cannot be read ({error.strerror})") from None
    if len(data) > NETWORK_BYTES_MAX:
        raise ValueError(
            f"{field} = '{path}': {len(data)} bytes, must be at most {NETWORK_BYTES_MAX}"
        )
    return data


@functools.lru_cache(maxsize=8)
def policy_in(field: str, data: bytes, spaces: Spaces) -> Policy:
    """The network of a file.

    Args:
        field: what names the file, for errors.
        data: of the file.
        spaces: what it must see and choose.

    Raises:
        ValueError: one line with field, value and limit.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in Policy._fields}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{field}: not a file of a network ({error})") from None
    sizes = {
        "observations": spaces.observations,
        "choices": len(spaces.choices),
        "residuals": spaces.residuals,
        "outputs": spaces.outputs,
        "units_1": _units(field, arrays["bias_1"]),
        "units_2": _units(field, arrays["bias_2"]),
    }
    for name, column in columns(Policy).items():
        array, shape = arrays[name], column.shape(sizes)
        if array.dtype != np.dtype(column.dtype) or array.shape != shape:
            raise ValueError(
                f"{field}: {name} is {array.dtype} {array.shape}, must be {column.dtype} {shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{field}: {name} is not finite")
    if tuple(arrays["options"]) != spaces.choices:
        raise ValueError(
            f"{field}: options = {tuple(map(int, arrays['options']))}: must be {spaces.choices}"
        )
    return Policy(**{name: np.ascontiguousarray(arrays[name]) for name in Policy._fields})


def _units(field: str, bias: Any) -> int:
    if not 1 <= bias.size <= UNITS_MAX:
        raise ValueError(f"{field}: {bias.size} units in a layer, must be from 1 to {UNITS_MAX}")
    return int(bias.size)


def write(path: Path, policy: Policy, about: Mapping[str, Any]) -> None:
    """Save a network, with whatever people may want to know of it.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), **policy._asdict())


def about(data: bytes) -> dict[str, Any]:
    """How a network was trained, as its file says."""
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return json.loads(str(stored["about"]))
