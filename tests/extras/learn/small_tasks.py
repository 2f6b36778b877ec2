"""Tasks whose answers are known: if one is not learned, the learner is at fault."""

import numpy as np

from engine.learning.environment import Outcome
from engine.policy import Actions, Spaces


class Bandit:
    """Arms that pay with known chances; an episode is one act."""

    def __init__(self, chances, agents=64):
        self.chances = np.array(chances)
        self.agents = agents
        self.spaces = {"player": Spaces(1, (len(chances),))}

    def reset(self, seed):
        self.random = np.random.default_rng(seed)
        return {"player": np.ones((self.agents, 1), np.float32)}

    def step(self, actions):
        arms = actions["player"].choices[:, 0]
        paid = (self.random.random(self.agents) < self.chances[arms]).astype(np.float32)
        return {"player": one_act(paid)}


class Target:
    """A residual earns most where it equals a known function of what is seen."""

    def __init__(self, agents=64):
        self.agents = agents
        self.spaces = {"player": Spaces(2, (), 1)}

    def reset(self, seed):
        self.random = np.random.default_rng(seed)
        self.seen = self.random.normal(3.0, 2.0, (self.agents, 2)).astype(np.float32)
        return {"player": self.seen}

    def step(self, actions):
        wanted = 0.5 * (self.seen[:, 0] - 3.0)
        missed = actions["player"].residuals[:, 0] - wanted
        self.seen = self.random.normal(3.0, 2.0, (self.agents, 2)).astype(np.float32)
        outcome = one_act(-(missed**2).astype(np.float32))
        return {"player": outcome._replace(observations=self.seen)}


class PrisonersDilemma:
    """Played once by pairs of two kinds: to defect is best whatever the other does."""

    PAYS = np.array([[3.0, 0.0], [5.0, 1.0]])

    def __init__(self, pairs=64):
        self.pairs = pairs
        self.spaces = {"row": Spaces(1, (2,)), "column": Spaces(1, (2,))}

    def reset(self, seed):
        del seed
        return {kind: np.ones((self.pairs, 1), np.float32) for kind in self.spaces}

    def step(self, actions: dict[str, Actions]):
        row, column = (actions[kind].choices[:, 0] for kind in ("row", "column"))
        return {
            "row": one_act(self.PAYS[row, column].astype(np.float32)),
            "column": one_act(self.PAYS[column, row].astype(np.float32)),
        }


def one_act(rewards):
    """The outcome of a task whose episodes are one act long."""
    agents = len(rewards)
    seen = np.ones((agents, 1), np.float32)
    return Outcome(seen, rewards, np.ones(agents, bool), np.zeros(agents, bool), seen)
