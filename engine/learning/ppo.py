"""Proximal policy optimisation, from top to bottom (Schulman and others, 2017).

One network for each kind of agent learns from the pooled experience of all agents of that kind in
all worlds. An update: every agent acts `steps_per_update` times (or worlds that record what their
agents do run for so many steps of their own time); advantages are estimated (GAE,
Schulman and others, 2016); the batch is gone through `epochs` times in minibatches, each step
clipped to stay near the policy that acted.

Gradients are computed in pieces of some hundred rows, which a core's own cache holds, and summed in
their order, so that any number of threads may share them: the same seed gives the same history on
one machine and one set of versions.

`learn` is a generator: whoever calls it shows progress, saves and stops as he likes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from math import e, log, pi
from typing import Any, NamedTuple

import numpy as np

from engine.economy import Spread, one_by_one
from engine.learning.environment import Environment, Record, Recorder
from engine.learning.network import HIDDEN, Network, Normaliser, policy_of
from engine.policy import Actions, Policy, Spaces
from engine.tables import Array

PIECE_ROWS = 1_024
"""Of a piece at most, on a processor: layers of 64 keep of them what its cache holds, and more rows
would not make torch's calls cheaper. Other devices take all rows at once."""


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
    """Acts to learn from, as torch's arrays, a row an act."""

    seen: Any
    """float32[rows, observations], normalised."""
    choices: Any
    """int64[rows, choices]."""
    residuals: Any
    """float32[rows, residuals]."""
    log_chance: Any
    """float32[rows]: that the policy which acted gave the act."""
    advantage: Any
    """float32[rows]."""
    target: Any
    """float32[rows]: what the critic should have said."""


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
        _, outputs, values = learner.network.forward(inputs)
        log_chance, *_ = chances_of(learner, outputs, choices, residuals)
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

    _, outputs, values = learner.network.forward(torch.as_tensor(seen, device=device))
    spaces, log_sd = learner.spaces, learner.network.parts.log_sd
    choices = torch.zeros((len(seen), len(spaces.choices)), dtype=torch.int64, device=device)
    if spaces.choices:
        chances = learner.network.options(outputs).softmax(1).transpose(1, 2)
        drawn = torch.multinomial(chances.reshape(-1, chances.shape[2]), 1)
        choices = drawn.view(len(spaces.choices), len(seen)).t()
    means = outputs[sum(spaces.choices) :]
    residuals = (means + log_sd.exp() * torch.randn_like(means)).t()
    log_chance, *_ = chances_of(learner, outputs, choices, residuals)
    actions = Actions(choices.cpu().numpy(), residuals.cpu().numpy())
    return actions, seen, log_chance.cpu().numpy(), values.cpu().numpy()


def chances_of(learner: Learner, outputs: Any, choices: Any, residuals: Any) -> tuple[Any, ...]:
    """How likely acts are.

    Returns:
        float32[rows]: logarithm of an act's chance, or density;
        float32[choices, options, rows]: of every option's chance; None without choices;
        float32[residuals, rows]: how far from their means, in standard deviations; None likewise.
    """
    found, options, apart = 0.0, None, None
    if learner.spaces.choices:
        options = learner.network.options(outputs).log_softmax(1)
        found = options.gather(1, choices.t()[:, None]).sum((0, 1))
    if learner.spaces.residuals:
        log_sd = learner.network.parts.log_sd
        apart = (residuals.t() - outputs[sum(learner.spaces.choices) :]) / log_sd.exp()
        found = found - (0.5 * apart.square() + log_sd + 0.5 * log(2.0 * pi)).sum(0)
    return found, options, apart


def values_of(learner: Learner, seen: Array, device: str) -> Array:
    """float32[rows]: what the critic says."""
    import torch

    return learner.network.forward(torch.as_tensor(seen, device=device))[2].cpu().numpy()


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
        advantage,
        advantage + rollout.value,
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

    pieces: list[Callable[[], None]]
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
    slices = pieces_of(len(rows), settings.device)
    gradients = advantage.new_empty((len(slices), len(learner.network.vector)))
    noted = advantage.new_empty((len(slices), 3))

    def piece(number: int) -> None:
        part = slices[number]
        acts = Batch(*(column.index_select(0, rows[part]) for column in batch))
        acts = acts._replace(advantage=advantage[part])
        noted[number] = write_gradient(learner, acts, len(rows), settings, gradients[number])

    return Descent([partial(piece, number) for number in range(len(slices))], gradients, noted)


def write_gradient(
    learner: Learner, acts: Batch, size: int, settings: Settings, vector: Any
) -> Any:
    """The gradient of the loss, a mean over the minibatch of

        critic (V - target)^2 / 2 - min(r A, clip(r) A) - entropy H,

    r being how much likelier an act has become, A its advantage, H the entropy of all choices and
    residuals. By its logarithm l the derivative of r is r; with chances p, option j of a choice has
    dl / dlogit_j = [j was chosen] - p_j and dH / dlogit_j = -p_j (log p_j + H); a residual that is
    x standard deviations off has dl / dmean = x / sd, dl / dlog sd = x^2 - 1, dH / dlog sd = 1.

    Args:
        learner: not changed.
        acts: a piece of the minibatch.
        size: rows of the whole minibatch.
        settings: numbers of the method.
        vector: float32[parameters], written.

    Returns:
        float32[3]: as `Descent.noted`.
    """
    import torch

    network, into = learner.network, learner.network.parts_of(vector)
    hidden, outputs, values = network.forward(acts.seen)
    log_chance, options, apart = chances_of(learner, outputs, acts.choices, acts.residuals)
    ratio = (log_chance - acts.log_chance).exp()
    near = ratio.clamp(1.0 - settings.clip, 1.0 + settings.clip)
    gain = ratio * acts.advantage
    wanted = torch.where(gain > near * acts.advantage, 0.0, gain) / size  # of l, to climb

    entropy, of_outputs = values.new_zeros(()), []
    if options is not None:
        chances, chosen = options.softmax(1), acts.choices.t()[:, None]
        entropies = -(chances * options).sum(1, keepdim=True)
        of_options = chances * (wanted + settings.entropy / size * (options + entropies))
        of_options.scatter_add_(1, chosen, -wanted.expand(chosen.shape))
        of_outputs.append(network.logits(of_options))
        entropy = entropies.sum()
    if apart is not None:
        log_sd = network.parts.log_sd
        of_outputs.append(wanted * apart / -log_sd.exp())
        of_log_sd = wanted * (1.0 - apart.square()) - settings.entropy / size
        torch.sum(of_log_sd, 1, keepdim=True, out=into.log_sd)
        entropy = entropy + (log_sd + 0.5 * log(2.0 * pi * e)).sum() * len(values)
    error = values - acts.target
    of_values = settings.critic / size * error
    network.backward(acts.seen, hidden, torch.cat(of_outputs), of_values, into)
    return torch.stack([entropy, ratio.ne(near).sum(), 0.5 * error.square().sum()])


def take_step(learner: Learner, gradient: Any, settings: Settings) -> None:
    """Adam's, down a gradient that is cut to the norm allowed."""
    gradient *= (settings.gradient_max / (gradient.norm() + 1e-6)).clamp(max=1.0)
    learner.network.vector.grad = gradient
    learner.optimiser.step()
