"""Train merchants with somebody else's library: PPO of Stable-Baselines3 on our vector environment.

    pip install -e '.[learn]' 'stable-baselines3>=2.7'
    python examples/merchants_sb3.py --decisions 60000

A row of `Vector` is one merchant; all of them share one network, as in `city-node train merchants`.
Stable-Baselines3 has an interface of its own for vectors, older than Gymnasium's: `Rows` below puts
ours into it. What is printed is the mean reward of a decision in each rollout: at first merchants
choose at random and lose money, then they learn to lose less, and to gain.
"""

import argparse
from typing import Any

import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from city_node.environments import Vector, merchants


class Rows(VecEnv):
    """A Gymnasium vector with autoreset in the same step, as Stable-Baselines3 wants it."""

    def __init__(self, vector: Vector) -> None:
        self.vector, self.actions = vector, None
        spaces = vector.single_observation_space, vector.single_action_space
        super().__init__(vector.num_envs, *spaces)

    def reset(self) -> np.ndarray:
        seen, _ = self.vector.reset(seed=self._seeds[0])
        self._reset_seeds()
        return seen

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        seen, rewards, terminated, truncated, infos = self.vector.step(self.actions)
        of_rows: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for row in np.flatnonzero(terminated | truncated):
            of_rows[row]["terminal_observation"] = infos["final_obs"][row]
            of_rows[row]["TimeLimit.truncated"] = bool(truncated[row] and not terminated[row])
        return seen, rewards, terminated | truncated, of_rows

    def close(self) -> None:
        self.vector.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.vector, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError("rows are not environments of their own")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> Any:
        raise NotImplementedError("rows are not environments of their own")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:  # noqa: ARG002
        return [False] * len(list(self._get_indices(indices)))


class Said(BaseCallback):
    """Prints and keeps the mean reward of every rollout."""

    def __init__(self) -> None:
        super().__init__()
        self.rewards: list[float] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.rewards.append(float(self.locals["rollout_buffer"].rewards.mean()))
        print(f"{self.num_timesteps:9,} decisions: {self.rewards[-1]:+.4f} a decision", flush=True)


def train(decisions: int, **options: Any) -> list[float]:
    """Learn; returns the mean reward of each rollout. Options: those of `merchants`."""
    rows = Rows(Vector(merchants(seed=1, **options)))
    model = PPO(
        "MlpPolicy",
        rows,
        n_steps=32,
        batch_size=rows.num_envs * 8,
        n_epochs=4,
        learning_rate=1e-3,
        gamma=0.99,
        ent_coef=0.003,
        policy_kwargs={"net_arch": [64, 64]},
        seed=1,
        device="cpu",
    )
    said = Said()
    model.learn(decisions, callback=said)
    return said.rewards


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Merchants learn by Stable-Baselines3's PPO.")
    parser.add_argument("--decisions", type=int, default=60_000)
    parser.add_argument("--worlds", type=int, default=2)
    asked = parser.parse_args()
    train(asked.decisions, worlds=asked.worlds, share=0.5)
