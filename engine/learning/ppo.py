"""Proximal policy optimisation, from top to bottom (Schulman and others, 2017).

One network for each kind of agent learns from the pooled experience of all agents of that kind in
all worlds. An update: every agent acts `steps_per_update` times (or worlds that record what their
agents do run for so many steps of their own time); advantages are estimated (GAE,
Schulman and others, 2016); the batch is gone through `epochs` times in minibatches, each step
clipped to stay near the policy that acted.

Gradients are computed in pieces of some hundred rows (on a processor by `gradient`, elsewhere by
torch) and summed in their order, so that any number of threads may share them: the same seed gives
the same history on one machine and one set of versions.

`learn` is a generator: whoever calls it shows progress, saves and stops as he likes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from math import e, log, pi
from typing import Any, NamedTuple

import numpy as np

from engine.economy import Spread, one_by_one
from engine.learning.environment import Environment, Record, Recorder
from engine.learning.gradient import Acts, Weighing, scratch_for, write_gradient
from engine.learning.network import HIDDEN, Network, Normaliser, Parts, policy_of
from engine.policy import Actions, Policy, Spaces
from engine.tables import Array

PIECE_ROWS = 1_024
"""Of a piece at most, on a processor: a millisecond of a core. Other devices take all rows at
once."""


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
        gradient_max: norm to which gradients are cut, actor's and critic's together: where rewards
            make values much larger than one, the critic's leave the actor's no room.
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
    network: Network
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


class Batch(NamedTuple):
    """Acts to learn from, as torch's arrays, a row an act; `gradient.Acts` and their advantage."""

    seen: Any
    """float32[rows, observations], normalised."""
    choices: Any
    """int64[rows, choices]."""
    residuals: Any
    """float32[rows, residuals]."""
    log_chance: Any
    """float32[rows]: that the policy which acted gave the act."""
    target: Any
    """float32[rows]: what the critic should have said."""
    advantage: Any
    """float32[rows]."""


def new_learners(
    spaces: Mapping[str, Spaces], settings: Settings, *, seed: int
) -> dict[str, Learner]:
    """Networks that know nothing yet; the seed is of all that torch draws from now on."""
    import torch

    torch.manual_seed(seed)
    learners = {}
    for kind, space in spaces.items():
        network = Network(space, settings.hidden, settings.device)
        network.lean(settings.first_option)
        optimiser = torch.optim.Adam([network.vector], settings.learning_rate, eps=1e-5, fused=True)
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
    spread: Spread = one_by_one,
) -> Iterator[Update]:
    """Train until every agent has acted `steps` times in all; yields after each update.

    Args:
        environment: the worlds.
        settings: numbers of the method.
        learners: by kind, changed in place; a kind that is missing is not to be asked for.
        seed: of the worlds.
        steps: acts of every agent in the whole training, those before `step` included.
        step: where the training goes on, when it was saved and resumed.
        spread: what computes pieces; the same comes out whatever it is.
    """
    began = environment.reset(seed)
    observations = dict(began or {})
    while step < steps:
        for learner in learners.values():
            for group in learner.optimiser.param_groups:
                group["lr"] = settings.learning_rate * (1.0 - step / steps)
        if isinstance(environment, Recorder):
            rollouts = recorded(environment, learners, settings, spread)
        else:
            rollouts, observations = act(environment, learners, observations, settings)
        measures = improve(learners, rollouts, settings, spread)
        step += settings.steps_per_update
        yield Update(step, learners, measures)


def act(
    environment: Environment,
    learners: Mapping[str, Learner],
    observations: dict[str, Array],
    settings: Settings,
) -> tuple[dict[str, Rollout], dict[str, Array]]:
    """Let all agents act, and note what came of it."""
    notes: dict[str, list[tuple[Any, ...]]] = {kind: [] for kind in learners}
    for _ in range(settings.steps_per_update):
        actions, thoughts = {}, {}
        for kind, learner in learners.items():
            learner.normaliser.see(observations[kind])
            seen = learner.normaliser.normalised(observations[kind])
            actions[kind], *thoughts[kind] = sample(learner, seen, settings.device)
        outcomes = environment.step(actions)
        for kind, learner in learners.items():
            outcome = outcomes[kind]
            ended = outcome.terminated | outcome.truncated
            beyond = np.zeros(len(ended), np.float32)
            if ended.any():
                last = learner.normaliser.normalised(outcome.last_observations[ended])
                beyond[ended] = values_of(learner, last, settings.device)
            seen, log_chance, value = thoughts[kind]
            results = outcome.rewards, outcome.terminated, ended, beyond, np.ones_like(ended)
            notes[kind].append((seen, *actions[kind], log_chance, value, *results))
            observations[kind] = outcome.observations
    rollouts = {}
    for kind, learner in learners.items():
        rollout = Rollout(*(np.stack(column) for column in zip(*notes[kind], strict=True)))
        seen = learner.normaliser.normalised(observations[kind])
        led_to = np.append(rollout.value[1:], values_of(learner, seen, settings.device)[None], 0)
        beyond = np.where(rollout.ended, rollout.value_beyond, led_to)
        rollouts[kind] = replace(rollout, value_beyond=beyond)
    return rollouts, observations


def recorded(
    environment: Recorder, learners: Mapping[str, Learner], settings: Settings, spread: Spread
) -> dict[str, Rollout]:
    """Let the worlds run, and see in their records what came of it."""
    policies = {kind: learner.policy for kind, learner in learners.items()}
    records = environment.record(policies, settings.steps_per_update)
    return {kind: seen_in(records[kind], learners[kind], settings, spread) for kind in learners}


def seen_in(record: Record, learner: Learner, settings: Settings, spread: Spread) -> Rollout:
    """A record with what the network that acted thought of it; the normaliser learns from it."""
    import torch

    row = np.arange(len(record.rewards))[:, None]
    acted = row < record.decisions
    before = record.seen[acted]
    seen = np.zeros_like(record.seen)
    seen[acted] = learner.normaliser.normalised(before)
    columns = [
        torch.as_tensor(column[acted], device=settings.device)
        for column in (seen, record.actions.choices, record.actions.residuals)
    ]
    found = np.empty((2, len(before)), np.float32)

    def piece(rows: slice) -> None:
        inputs, choices, residuals = (column[rows] for column in columns)
        outputs, values = learner.network.forward(inputs)
        log_chance, _ = chances_of(learner.network, outputs, choices, residuals)
        found[0, rows], found[1, rows] = log_chance.cpu().numpy(), values.cpu().numpy()

    spread([partial(piece, rows) for rows in pieces_of(len(before), settings.device)])
    log_chance, value = np.zeros((2, *record.rewards.shape), np.float32)
    log_chance[acted], value[acted] = found
    learner.normaliser.see(before)
    return Rollout(
        seen,
        *record.actions,
        log_chance,
        value,
        record.rewards,
        np.zeros_like(acted),
        row == record.decisions - 2,
        np.concatenate([value[1:], value[-1:]]),
        row < record.decisions - 1,
    )


def pieces_of(rows: int, device: str) -> list[slice]:
    """Equal pieces of so many rows, as many as a power of two: two, four, eight threads share them
    evenly."""
    count = 1 << (max(0, rows - 1) // PIECE_ROWS).bit_length() if device == "cpu" else 1
    return [slice(rows * n // count, rows * (n + 1) // count) for n in range(count)]


def sample(learner: Learner, seen: Array, device: str) -> tuple[Actions, Array, Array, Array]:
    """What agents do now: the actions, what they saw, their log chance, the critic's value."""
    import torch

    outputs, values = learner.network.forward(torch.as_tensor(seen, device=device))
    spaces, log_sd = learner.spaces, learner.network.parts.log_sd
    choices = torch.zeros((len(seen), len(spaces.choices)), dtype=torch.int64, device=device)
    if spaces.choices:
        chances = learner.network.options(outputs).softmax(2)
        choices = torch.multinomial(chances.flatten(0, 1), 1).view(choices.shape)
    means = outputs[:, sum(spaces.choices) :]
    residuals = means + log_sd.exp() * torch.randn_like(means)
    log_chance, _ = chances_of(learner.network, outputs, choices, residuals)
    actions = Actions(choices.cpu().numpy(), residuals.cpu().numpy())
    return actions, seen, log_chance.cpu().numpy(), values.cpu().numpy()


def chances_of(
    network: Network, outputs: Any, choices: Any, residuals: Any, parts: Parts | None = None
) -> tuple[Any, Any]:
    """Of acts, float32[rows]: the logarithm of its chance, or density; the entropy of all that
    might have been done instead."""
    log_sd = (parts or network.parts).log_sd
    found = entropy = outputs.new_zeros(len(outputs))
    if network.spaces.choices:
        options = network.options(outputs).log_softmax(2)
        found = options.gather(2, choices[:, :, None]).sum((1, 2))
        entropy = -(options.exp() * options).sum((1, 2))
    if network.spaces.residuals:
        apart = (residuals - outputs[:, sum(network.spaces.choices) :]) / log_sd.exp()
        found = found - (0.5 * apart.square() + log_sd + 0.5 * log(2.0 * pi)).sum(1)
        entropy = entropy + (log_sd + 0.5 * log(2.0 * pi * e)).sum()
    return found, entropy


def values_of(learner: Learner, seen: Array, device: str) -> Array:
    """float32[rows]: what the critic says."""
    import torch

    return learner.network.forward(torch.as_tensor(seen, device=device))[1].cpu().numpy()


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


def improve(
    learners: Mapping[str, Learner],
    rollouts: Mapping[str, Rollout],
    settings: Settings,
    spread: Spread = one_by_one,
) -> dict[str, dict[str, float]]:
    """Go through the batches and take the steps; returns measures of the last epoch by kind.

    All kinds step side by side, so that threads which have done the pieces of one help another.
    """
    import torch

    batches = {kind: batch_of(rollouts[kind], settings) for kind in learners}
    noted: dict[str, list[Any]] = {}
    for _ in range(settings.epochs):
        noted = {kind: [] for kind in learners}
        minibatches = []
        for batch in batches.values():
            size = len(batch.target)
            order = torch.randperm(size, device=settings.device)
            minibatches.append(order.split(max(1, -(-size // settings.minibatches))))
        for rows_of_kinds in zip_longest(*minibatches):
            descents = {
                kind: descent(learners[kind], batches[kind], rows, settings)
                for kind, rows in zip(batches, rows_of_kinds, strict=True)
                if rows is not None
            }
            spread([piece for each in descents.values() for piece in each.pieces])
            for kind, each in descents.items():
                take_step(learners[kind], each.gradients.sum(0), settings)
                noted[kind].append(each.noted)
    measures = {}
    for kind, rollout in rollouts.items():
        entropy, clipped, error = torch.cat(noted[kind]).sum(0) / len(batches[kind].target)
        measures[kind] = {
            "reward": float(rollout.reward[rollout.valid].mean()),
            "entropy": float(entropy),
            "clipped": float(clipped),
            "critic_error": float(error),
        }
    return measures


def batch_of(rollout: Rollout, settings: Settings) -> Batch:
    """What was done in an update, or as much of it as is gone through."""
    import torch

    advantage = advantages(rollout, settings)
    rows = np.flatnonzero(rollout.valid)
    if len(rows) > settings.rows_max:
        rows = rows[torch.randperm(len(rows)).numpy()[: settings.rows_max]]
    columns = (
        rollout.seen,
        rollout.choices,
        rollout.residuals,
        rollout.log_chance,
        advantage + rollout.value,
        advantage,
    )
    return Batch(
        *(
            torch.as_tensor(
                column.reshape(rollout.valid.size, *column.shape[2:])[rows], device=settings.device
            )
            for column in columns
        )
    )


class Descent(NamedTuple):
    """A step that is being computed."""

    pieces: Sequence[Callable[[], None]]
    """What is to be called, each once, anywhere."""
    gradients: Any
    """float32[pieces, parameters]: the loss's is their sum."""
    noted: Any
    """float32[pieces, 3]: sums of entropy, acts clipped, half squares of the critic's error."""


def descent(learner: Learner, batch: Batch, rows: Any, settings: Settings) -> Descent:
    """The work of a step down the loss of a minibatch.

    Args:
        learner: not changed before all pieces are done.
        batch: of which the minibatch is drawn.
        rows: int64[minibatch]: which.
        settings: numbers of the method.
    """
    advantage = batch.advantage[rows]
    if len(rows) > 1:
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    parts = pieces_of(len(rows), settings.device)
    gradients = advantage.new_empty((len(parts), len(learner.network.vector)))
    noted = advantage.new_empty((len(parts), 3))
    weighing = Weighing(settings.clip, settings.entropy, settings.critic, 1.0 / len(rows))

    def piece(number: int) -> None:
        mine, into = (rows[parts[number]], advantage[parts[number]]), gradients[number]
        if settings.device == "cpu":
            by_kernel(learner.network, batch, *mine, weighing, into, noted[number])
        else:
            acts = Batch(*(column[mine[0]] for column in batch))._replace(advantage=mine[1])
            into[:], noted[number] = by_torch(learner.network, acts, weighing)

    return Descent([partial(piece, number) for number in range(len(parts))], gradients, noted)


def by_kernel(
    network: Network,
    batch: Batch,
    rows: Any,
    advantage: Any,
    weighing: Weighing,
    gradient: Any,
    noted: Any,
) -> None:
    """The gradient of the loss of some rows, by `gradient.write_gradient`.

    Args:
        network: on the processor, not changed.
        batch: of which they are rows.
        rows: int64[rows], which; advantage: float32[rows], theirs in their minibatch.
        weighing: the loss's numbers.
        gradient: float32[parameters], written.
        noted: float32[3], written: their part of `Descent.noted`.
    """
    acts = Acts(*(column.numpy() for column in batch[:-1]))
    write_gradient(
        network.vector.numpy(),
        np.array(network.actor_sizes),
        np.array(network.critic_sizes),
        np.array(network.spaces.choices, np.int64),
        acts,
        rows.numpy(),
        advantage.numpy(),
        weighing,
        scratch_for(acts, network.actor_sizes, len(network.vector)),
        gradient.numpy(),
        noted.numpy(),
    )


def by_torch(network: Network, acts: Batch, weighing: Weighing) -> tuple[Any, Any]:
    """The same of some acts on any device: float32[parameters] and float32[3]."""
    import torch

    vector = network.vector.clone().requires_grad_()
    loss, noted = loss_of(network, network.parts_of(vector), acts, weighing)
    return torch.autograd.grad(loss, vector)[0], noted


def loss_of(network: Network, parts: Parts, acts: Batch, weighing: Weighing) -> tuple[Any, Any]:
    """The sum over some acts, each with its share in the minibatch's mean, of

        critic (V - target)^2 / 2 - min(r A, clip(r) A) - entropy H,

    r being how much likelier an act has become, A its advantage, H the entropy of all choices and
    residuals. Returns: it, float32; as `Descent.noted`, float32[3].
    """
    import torch

    outputs, values = network.forward(acts.seen, parts)
    log_chance, entropy = chances_of(network, outputs, acts.choices, acts.residuals, parts)
    ratio = (log_chance - acts.log_chance).exp()
    near = ratio.clamp(1.0 - weighing.clip, 1.0 + weighing.clip)
    gain = torch.minimum(ratio * acts.advantage, near * acts.advantage)
    error = 0.5 * (values - acts.target).square()
    loss = weighing.critic * error - gain - weighing.entropy * entropy
    noted = torch.stack([entropy.sum(), ratio.ne(near).sum(), error.sum()])
    return loss.sum() * weighing.share, noted.detach()


def take_step(learner: Learner, gradient: Any, settings: Settings) -> None:
    """Adam's, down a gradient that is cut to the norm allowed."""
    gradient *= (settings.gradient_max / (gradient.norm() + 1e-6)).clamp(max=1.0)
    learner.network.vector.grad = gradient
    learner.optimiser.step()
