"""Proximal policy optimisation, from top to bottom (Schulman and others, 2017).

One network for each kind of agent learns from the pooled experience of all agents of that kind in
all worlds. An update: every agent acts `steps_per_update` times (or worlds that record what their
agents do run for so many steps of their own time); advantages are estimated (GAE,
Schulman and others, 2016); the batch is gone through `epochs` times in minibatches, each step
clipped to stay near the policy that acted.

`learn` is a generator: whoever calls it shows progress, saves and stops as he likes. The same seed
gives the same history on one machine and one set of versions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.learning.environment import Environment, Outcome, Record, Recorder
from engine.learning.network import HIDDEN, Normaliser, actor_critic, lean, policy_of
from engine.policy import Actions, Policy, Spaces
from engine.tables import Array


@dataclass(frozen=True)
class Settings:
    """The numbers of the method.

    Attributes:
        discount: worth of a reward one step later.
        trace: lambda of GAE: 0 trusts the critic alone, 1 the rewards alone.
        clip: how far the probability of an action may move in an update, as a share.
        entropy: weight of the entropy in the loss, which keeps chances open.
        critic: weight of the critic's error in the loss.
        epochs: how often an update goes through its batch.
        minibatches: into how many parts.
        rows_max: acts of an update at most, drawn by chance, that are gone through: kinds of many
            agents have more than they need.
        steps_per_update: acts of every agent in an update; of a Recorder: steps of its time.
        learning_rate: of Adam; falls to nothing, linearly, over the training.
        gradient_max: norm to which gradients are cut.
        hidden: units of the hidden layers.
        device: of torch.
        first_option: logit added at the start to the first option of every choice, for worlds in
            which that is the sober one: agents begin near the rule, not mad.
    """

    discount: float = 0.99
    trace: float = 0.95
    clip: float = 0.2
    entropy: float = 0.01
    critic: float = 0.5
    epochs: int = 10
    minibatches: int = 4
    rows_max: int = 1_000_000
    steps_per_update: int = 128
    learning_rate: float = 3e-4
    gradient_max: float = 0.5
    hidden: tuple[int, ...] = HIDDEN
    device: str = "cpu"
    first_option: float = 0.0


@dataclass
class Learner:
    """One kind of agent: its network, what it has learned to expect, and how it learns."""

    spaces: Spaces
    network: Any
    optimiser: Any
    normaliser: Normaliser

    @property
    def policy(self) -> Policy:
        """What a city can run."""
        return policy_of(self.network, self.normaliser, self.spaces)


@dataclass(frozen=True)
class Update:
    """How far a training is, after an update.

    Attributes:
        step: acts of every agent so far.
        learners: by kind; they go on learning when the generator is resumed.
        measures: by kind: reward (mean an act), entropy, clipped (share), critic_error.
    """

    step: int
    learners: Mapping[str, Learner]
    measures: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Rollout:
    """What the agents of one kind saw, did and got in an update; all [steps, agents, ...]."""

    seen: Array
    choices: Array
    residuals: Array
    log_chance: Array
    value: Array
    reward: Array
    terminated: Array
    ended: Array
    value_beyond: Array
    """float32[steps, agents]: what the critic says of the state that followed an act."""
    valid: Array
    """bool[steps, agents]: False where an agent has not acted so often."""


def new_learners(
    spaces: Mapping[str, Spaces], settings: Settings, *, seed: int
) -> dict[str, Learner]:
    """Networks that know nothing yet; the seed is of all that torch draws from now on."""
    import torch

    torch.manual_seed(seed)
    learners = {}
    for kind, space in spaces.items():
        network = actor_critic(space, settings.hidden, settings.device)
        lean(network, space, settings.first_option)
        optimiser = torch.optim.Adam(network.parameters(), settings.learning_rate, eps=1e-5)
        learners[kind] = Learner(space, network, optimiser, Normaliser(space.observations))
    return learners


def learn(
    environment: Environment | Recorder,
    settings: Settings,
    learners: dict[str, Learner],
    *,
    seed: int,
    steps: int,
    step: int = 0,
) -> Iterator[Update]:
    """Train until every agent has acted `steps` times in all; yields after each update.

    Args:
        environment: the worlds.
        settings: numbers of the method.
        learners: by kind, changed in place; a kind that is missing is not to be asked for.
        seed: of the worlds.
        steps: acts of every agent in the whole training, those before `step` included.
        step: where the training goes on, when it was saved and resumed.
    """
    began = environment.reset(seed)
    observations = dict(began or {})
    while step < steps:
        for learner in learners.values():
            for group in learner.optimiser.param_groups:
                group["lr"] = settings.learning_rate * (1.0 - step / steps)
        if isinstance(environment, Recorder):
            rollouts = recorded(environment, learners, settings)
        else:
            rollouts, observations = act(environment, learners, observations, settings)
        measures = {kind: improve(learners[kind], rollouts[kind], settings) for kind in learners}
        step += settings.steps_per_update
        yield Update(step, learners, measures)


def act(
    environment: Environment,
    learners: Mapping[str, Learner],
    observations: dict[str, Array],
    settings: Settings,
) -> tuple[dict[str, Rollout], dict[str, Array]]:
    """Let all agents act, and note what came of it."""
    import torch

    notes: dict[str, list[tuple[Any, ...]]] = {kind: [] for kind in learners}
    with torch.no_grad():
        for _ in range(settings.steps_per_update):
            actions, chances = {}, {}
            for kind, learner in learners.items():
                learner.normaliser.see(observations[kind])
                seen = learner.normaliser.normalised(observations[kind])
                actions[kind], *chances[kind] = sample(learner, seen, settings.device)
            outcomes = environment.step(actions)
            for kind, learner in learners.items():
                outcome = outcomes[kind]
                beyond = _value_beyond(learner, outcome, settings.device)
                ended = outcome.terminated | outcome.truncated
                seen, log_chance, value = chances[kind]
                notes[kind].append(
                    (
                        seen,
                        *actions[kind],
                        log_chance,
                        value,
                        outcome.rewards,
                        outcome.terminated,
                        ended,
                        beyond,
                        np.ones_like(ended),
                    )
                )
                observations[kind] = outcome.observations
    rollouts = {
        kind: Rollout(*(np.stack(column) for column in zip(*rows, strict=True)))
        for kind, rows in notes.items()
    }
    return rollouts, observations


def recorded(
    environment: Recorder, learners: Mapping[str, Learner], settings: Settings
) -> dict[str, Rollout]:
    """Let the worlds run, and see in their records what came of it."""
    policies = {kind: learner.policy for kind, learner in learners.items()}
    records = environment.record(policies, settings.steps_per_update)
    return {kind: seen_in(records[kind], learners[kind], settings) for kind in learners}


def seen_in(record: Record, learner: Learner, settings: Settings) -> Rollout:
    """A record with what the network that acted thought of it; the normaliser learns from it."""
    import torch

    depth, agents = record.rewards.shape
    row = np.arange(depth)[:, None]
    seen = learner.normaliser.normalised(record.seen)
    flat = torch.as_tensor(seen.reshape(depth * agents, -1), device=settings.device)
    taken = [part.reshape(depth * agents, -1) for part in record.actions]
    choices, residuals = (torch.as_tensor(part, device=settings.device) for part in taken)
    with torch.no_grad():
        log_chance = _log_chance(*distributions(learner, flat), choices, residuals)
        value = learner.network.critic(flat).reshape(depth, agents).cpu().numpy()
    learner.normaliser.see(record.seen[row < record.decisions])
    return Rollout(
        seen,
        *record.actions,
        log_chance.reshape(depth, agents).cpu().numpy(),
        value,
        record.rewards,
        np.zeros((depth, agents), bool),
        row == record.decisions - 2,
        np.concatenate([value[1:], value[-1:]]),
        row < record.decisions - 1,
    )


def sample(learner: Learner, seen: Array, device: str) -> tuple[Actions, Array, Array, Array]:
    """What agents do now: the actions, what they saw, their log chance, the critic's value."""
    import torch

    inputs = torch.as_tensor(seen, device=device)
    options, normal = distributions(learner, inputs)
    chosen = [torch.multinomial(chances.exp().t().contiguous(), 1) for chances in options]
    none = torch.zeros((len(seen), 0), dtype=torch.int64, device=device)
    choices, residuals = torch.cat([none, *chosen], 1), normal.sample()
    log_chance = _log_chance(options, normal, choices, residuals)
    actions = Actions(choices.cpu().numpy(), residuals.cpu().numpy())
    value = learner.network.critic(inputs).squeeze(1)
    return actions, seen, log_chance.cpu().numpy(), value.cpu().numpy()


def distributions(learner: Learner, inputs: Any) -> tuple[list[Any], Any]:
    """Of every choice the logarithms of its options' chances, [options, rows]; of residuals the
    normal distribution.

    Rows lie side by side, for torch is quick along what is long.
    """
    from torch.distributions import Normal

    outputs = learner.network.actor(inputs)
    *logits, means = outputs.split([*learner.spaces.choices, learner.spaces.residuals], 1)
    options = [of.t().contiguous().log_softmax(0) for of in logits]
    return options, Normal(means, learner.network.log_sd.exp(), validate_args=False)


def _log_chance(options: list[Any], normal: Any, choices: Any, residuals: Any) -> Any:
    chances = [of.gather(0, choices[:, number][None])[0] for number, of in enumerate(options)]
    return sum(chances) + normal.log_prob(residuals).sum(1)


def _value_beyond(learner: Learner, outcome: Outcome, device: str) -> Array:
    """What the critic says of where an act led, across the end of an episode that was cut off."""
    import torch

    ended = (outcome.terminated | outcome.truncated)[:, None]
    led_to = np.where(ended, outcome.last_observations, outcome.observations)
    inputs = torch.as_tensor(learner.normaliser.normalised(led_to), device=device)
    return learner.network.critic(inputs).squeeze(1).cpu().numpy()


def advantages(rollout: Rollout, settings: Settings) -> Array:
    """float32[steps, agents]: generalised advantage estimates.

    delta_t = r_t + discount V(s_{t+1}) - V(s_t), with no value beyond a termination;
    A_t = delta_t + discount trace A_{t+1}, which does not reach over the end of an episode.
    """
    found = np.zeros_like(rollout.reward, np.float32)
    beyond = rollout.value_beyond * ~rollout.terminated
    delta = rollout.reward + settings.discount * beyond - rollout.value
    carried = np.zeros(rollout.reward.shape[1], np.float32)
    for step in range(len(found) - 1, -1, -1):
        carried = delta[step] + settings.discount * settings.trace * carried * ~rollout.ended[step]
        found[step] = carried
    return found


def improve(learner: Learner, rollout: Rollout, settings: Settings) -> dict[str, float]:
    """Go through the batch and take the steps; returns measures of the last epoch."""
    import torch

    advantage = advantages(rollout, settings)
    target = advantage + rollout.value
    rows = np.flatnonzero(rollout.valid)
    if len(rows) > settings.rows_max:
        rows = rows[torch.randperm(len(rows)).numpy()[: settings.rows_max]]
    size = len(rows)
    columns = [
        torch.as_tensor(
            column.reshape(rollout.valid.size, *column.shape[2:])[rows], device=settings.device
        )
        for column in (
            rollout.seen,
            rollout.choices,
            rollout.residuals,
            rollout.log_chance,
            advantage,
            target.astype(np.float32),
        )
    ]
    each = max(1, -(-size // settings.minibatches))
    noted: list[tuple[float, float, float]] = []
    for _ in range(settings.epochs):
        noted.clear()
        order = torch.randperm(size, device=settings.device)
        for first in range(0, size, each):
            batch = order[first : first + each]
            noted.append(descend(learner, [column[batch] for column in columns], settings))
    entropy, clipped, error = np.mean(noted, axis=0)
    return {
        "reward": float(rollout.reward[rollout.valid].mean()),
        "entropy": float(entropy),
        "clipped": float(clipped),
        "critic_error": float(error),
    }


def descend(learner: Learner, batch: list[Any], settings: Settings) -> tuple[float, float, float]:
    """One step down the loss of a minibatch; returns entropy, share clipped, the critic's error."""
    import torch

    seen, choices, residuals, log_chance_before, advantage, target = batch
    if len(advantage) > 1:
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    options, normal = distributions(learner, seen)
    log_chance = _log_chance(options, normal, choices, residuals)
    ratio = (log_chance - log_chance_before).exp()
    near = ratio.clamp(1.0 - settings.clip, 1.0 + settings.clip)
    gain = torch.minimum(ratio * advantage, near * advantage).mean()
    entropy = normal.entropy().sum(1) - sum((of.exp() * of).sum(0) for of in options)
    error = 0.5 * (learner.network.critic(seen).squeeze(1) - target).square().mean()
    loss = settings.critic * error - gain - settings.entropy * entropy.mean()
    learner.optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(learner.network.parameters(), settings.gradient_max)
    learner.optimiser.step()
    clipped = (ratio - near).abs().gt(1e-6).float().mean()
    return float(entropy.mean().detach()), float(clipped), float(error.detach())
