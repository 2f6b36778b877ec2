"""A learner as bytes, to go on with another day; and which device torch can use.

Called by `city_node.laboratory.train`, whose the files are.
"""

import io
import pickle
from typing import Any

from engine.learning.ppo import Learner


class NotALearnerError(ValueError):
    """Bytes that are not of such a learner."""


def use(device: str) -> None:
    """Make sure that torch can use a device; a call of it keeps to one thread: pieces have several.

    Raises:
        ImportError: torch is not installed.
        ValueError: it cannot; one line.
    """
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        line = str(error).splitlines()[0]
        raise ValueError(f"device = {device!r}: torch cannot use it ({line})") from None
    torch.set_num_threads(1)


def saved(learner: Learner, step: int) -> bytes:
    """Weights, optimiser, normaliser and torch's own state of chance, after so many steps."""
    import torch

    state: dict[str, Any] = {
        "shapes": learner.network.shapes,
        "network": learner.network.vector,
        "optimiser": learner.optimiser.state_dict(),
        "count": learner.normaliser.count,
        "mean": torch.from_numpy(learner.normaliser.mean),
        "variance": torch.from_numpy(learner.normaliser.variance),
        "step": step,
        "random": torch.get_rng_state(),
    }
    into = io.BytesIO()
    torch.save(state, into)
    return into.getvalue()


def restore(learner: Learner, data: bytes, device: str) -> int:
    """Put a learner back. Returns: the step.

    Raises:
        NotALearnerError: the bytes are of another kind of learner, or of none.
    """
    import torch

    try:
        state = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
        if state["shapes"] != learner.network.shapes:
            raise ValueError("layers of other sizes")
        learner.network.vector.copy_(state["network"])
        learner.optimiser.load_state_dict(state["optimiser"])
        learner.normaliser.count = float(state["count"])
        learner.normaliser.mean = state["mean"].cpu().numpy()
        learner.normaliser.variance = state["variance"].cpu().numpy()
        torch.set_rng_state(state["random"].cpu())
        return int(state["step"])
    except (RuntimeError, KeyError, TypeError, ValueError, EOFError, pickle.PickleError) as error:
        raise NotALearnerError(f"not one of this kind: {type(error).__name__}") from None
