"""The society's peer: the same rules in plain torch, everybody shuffled, on as many threads."""

import time
from typing import Any

from engine.society import pulse_torch
from engine.society.state import Society
from engine.society.tiles import Now


def started(state: Society, threads: int) -> Any:
    """The citizens as tensors of the CPU; None where there is no torch."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(threads)
    return pulse_torch.to_device(state, "cpu")


def seconds(columns: Any, now: Now, species: int, seed: int) -> float:
    """What one pulse takes, wall time; the tensors stay where they are."""
    began = time.perf_counter()
    pulse_torch.pass_columns(columns, now, species, seed)
    return time.perf_counter() - began
