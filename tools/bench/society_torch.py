"""The society's peer: the same rules in plain torch, everybody shuffled, on one thread."""

from typing import Any

from engine.society import pulse_torch
from engine.society.layout import Now
from engine.society.state import Society
from tools.bench.machine import core_seconds


def started(state: Society) -> Any:
    """The citizens as tensors of the CPU; None where there is no torch."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    return pulse_torch.to_device(state, "cpu")


def seconds(columns: Any, now: Now, species: int, seed: int) -> float:
    """Seconds of a core that one pulse takes; the tensors stay where they are."""
    began = core_seconds()
    pulse_torch.pass_columns(columns, now, species, seed)
    return core_seconds() - began
