"""What torch learned is what a city runs; a training stops and goes on; files come out."""

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from city_node.cli import app
from city_node.errors import ConfigError
from city_node.laboratory import networks, train
from city_node.laboratory.merchant_lessons import KIND, Lessons
from city_node.settings.wishes import Wishes
from engine.learning.gradient import Weighing
from engine.learning.network import Network, Normaliser, policy_of
from engine.learning.ppo import Batch, Settings, by_torch, descent, new_learners
from engine.learning.saved import NotALearnerError, restore, saved
from engine.policy import Spaces, outputs
from merchants.mind import SPACES
from tools.evolution_trials import HELD_OUT

ROUNDING = 5e-6
"""Of float32 sums of some hundred numbers near one, in another order."""


@pytest.mark.parametrize("hidden", [(128, 128), (32, 48)])
def test_numpy_computes_what_torch_computes(hidden):
    torch.manual_seed(4)
    spaces = Spaces(15, (4, 3), 2)
    network = Network(spaces, hidden, "cpu")
    network.vector += 0.1 * torch.randn_like(network.vector)
    normaliser = Normaliser(15)
    seen = np.random.default_rng(0).normal(3.0, 2.0, (3_000, 15)).astype(np.float32)
    normaliser.see(seen)
    expected = network.forward(torch.as_tensor(normaliser.normalised(seen)))[0].numpy()
    found = outputs(policy_of(network, normaliser, spaces), seen)
    assert np.abs(found - expected).max() < ROUNDING


def test_three_layers_are_refused():
    network = Network(Spaces(3, (2,)), (8, 8, 8), "cpu")
    with pytest.raises(ValueError, match="hidden = 3 layers: must be 2"):
        policy_of(network, Normaliser(3), Spaces(3, (2,)))


def test_leaning_makes_first_options_likelier_by_the_logit():
    spaces = Spaces(3, (2, 4), 1)
    network = Network(spaces, (8, 8), "cpu")
    network.lean(1.5)
    assert network.parts.actor[-1].bias.tolist() == [1.5, 0.0, 1.5, 0.0, 0.0, 0.0, 0.0]


def test_network_begins_orthogonal_with_every_option_alike():
    parts = Network(Spaces(20, (4, 3), 1), (16, 12), "cpu").parts
    for layer in (*parts.actor[:2], *parts.critic[:2]):
        units = torch.eye(layer.weights.shape[1])
        assert torch.allclose(layer.weights.t() @ layer.weights, 2.0 * units, atol=1e-5)
    of_outputs = parts.actor[-1].weights
    assert torch.allclose(of_outputs.t() @ of_outputs, 1e-4 * torch.eye(8), atol=1e-8)
    assert float(parts.critic[-1].weights.norm()) == pytest.approx(1.0)
    assert not parts.actor[-1].bias.any()


ALL_KINDS_OF_OUTPUTS = [Spaces(5, (3, 2, 4), 2), Spaces(4, (2,)), Spaces(3, (), 2)]


@pytest.mark.parametrize("spaces", ALL_KINDS_OF_OUTPUTS)
@pytest.mark.parametrize("hidden", [(16, 8), (12,), (8, 16, 7)])
def test_the_gradient_is_that_of_the_loss_by_torchs_own_means(spaces, hidden):
    rows, settings = 3_001, Settings(hidden=hidden, entropy=0.05)
    learner = new_learners({"a": spaces}, settings, seed=1)["a"]
    network = learner.network
    network.vector += 0.2 * torch.randn_like(network.vector)
    seen, residuals = torch.randn(rows, spaces.observations), torch.randn(rows, spaces.residuals)
    none = torch.zeros((rows, 0), dtype=torch.int64)
    choices = [torch.randint(0, options, (rows, 1)) for options in spaces.choices]
    batch = Batch(seen, torch.cat([none, *choices], 1), residuals, *torch.randn(3, rows))

    vector = network.vector.clone().requires_grad_()
    parts = network.parts_of(vector)
    outputs, values = network.forward(seen, parts)
    *logits, means = outputs.split([*spaces.choices, spaces.residuals], 1)
    of_choices = [torch.distributions.Categorical(logits=of) for of in logits]
    of_residuals = torch.distributions.Normal(means, parts.log_sd.exp(), validate_args=False)
    chance = of_residuals.log_prob(residuals).sum(1)
    entropy = of_residuals.entropy().sum(1)
    for number, distribution in enumerate(of_choices):
        chance = chance + distribution.log_prob(batch.choices[:, number])
        entropy = entropy + distribution.entropy()
    batch = batch._replace(log_chance=chance.detach() + 0.3 * batch.log_chance)
    advantage = (batch.advantage - batch.advantage.mean()) / (batch.advantage.std() + 1e-8)
    ratio = (chance - batch.log_chance).exp()
    near = ratio.clamp(1.0 - settings.clip, 1.0 + settings.clip)
    error = 0.5 * (values - batch.target).square()
    gain = torch.minimum(ratio * advantage, near * advantage)
    loss = settings.critic * error - gain - settings.entropy * entropy
    expected = torch.autograd.grad(loss.mean(), vector)[0]
    sums = [entropy.sum().item(), (ratio != near).sum().item(), error.sum().item()]

    work = descent(learner, batch, torch.arange(rows), settings)
    assert len(work.pieces) == 4
    for piece in work.pieces:
        piece()
    assert (work.gradients.sum(0) - expected).abs().max() < 2e-6  # of some 0.3
    assert work.noted.sum(0).tolist() == pytest.approx(sums, rel=5e-5)

    weighing = Weighing(settings.clip, settings.entropy, settings.critic, 1.0 / rows)
    gradient, noted = by_torch(network, batch._replace(advantage=advantage), weighing)
    assert (gradient - expected).abs().max() < 2e-6
    assert noted.tolist() == pytest.approx(sums, rel=5e-5)


def test_a_learner_comes_back_as_it_was():
    spaces = {"a": Spaces(3, (2,), 1)}
    one, other = (new_learners(spaces, Settings(hidden=(8, 8)), seed=s)["a"] for s in (1, 2))
    one.normaliser.see(np.ones((5, 3)) * 7)
    assert restore(other, saved(one, 300), "cpu") == 300
    pairs = zip(one.policy, other.policy, strict=True)
    assert all((mine == theirs).all() for mine, theirs in pairs)
    wider = new_learners(spaces, Settings(hidden=(9, 8)), seed=1)["a"]
    for data in (saved(wider, 1), b"", b"nonsense"):
        with pytest.raises(NotALearnerError):
            restore(other, data, "cpu")


SMALL = {"steps": 1_000, "worlds": 2, "threads": 2, "device": "cpu"}


@pytest.fixture
def quick(monkeypatch):
    """Cities that need not settle for long."""
    monkeypatch.setitem(Lessons.__init__.__kwdefaults__, "settling_ticks", 500)


def asked(tmp_path, **changes):
    wishes = Wishes(cities=("Elm", "Oak"), seed=3, locals=15, merchants=10)
    return train.training(wishes, **{**SMALL, "save": tmp_path / "net.npz", **changes})


@pytest.mark.usefixtures("quick")
def test_equal_seeds_learn_equal_networks(tmp_path):
    once = [update.measures[KIND] for update in train.updates(asked(tmp_path))]
    again = [update.measures[KIND] for update in train.updates(asked(tmp_path))]
    assert once == again
    assert len(once) == 2
    assert all(np.isfinite(list(each.values())).all() for each in once)


@pytest.mark.usefixtures("quick")
def test_a_training_is_saved_and_goes_on(tmp_path):
    first = list(train.updates(asked(tmp_path)))
    data = (tmp_path / "net.npz").read_bytes()
    policy = networks.policy_in("network", data, SPACES)
    expected = first[-1].learners[KIND].policy
    assert all((a == b).all() for a, b in zip(policy, expected, strict=True))
    assert networks.about(data)["steps"] == 1_000
    more = list(train.updates(asked(tmp_path, steps=1_500, resume=True)))
    assert [update.step for update in more] == [1_500]


@pytest.mark.usefixtures("quick")
def test_the_verb_trains_and_writes_for_tensorboard(tmp_path):
    (tmp_path / "two.toml").write_text(
        "locals = 15\nevolution = false\n[merchants]\ncount = 10\n[cities.Elm]\n[cities.Oak]\n"
    )
    result = CliRunner().invoke(
        app,
        [
            *("train", "merchants", "--config", str(tmp_path / "two.toml"), "--steps", "500"),
            *("--worlds", "1", "--seed", "4", "--save", str(tmp_path / "net.npz")),
            *("--logs", str(tmp_path / "logs")),
        ],
    )
    assert result.exit_code == 0, result.output
    assert networks.about((tmp_path / "net.npz").read_bytes())["seed"] == 4
    events = list((tmp_path / "logs").glob("events.*"))
    assert len(events) == 1
    assert b"merchant/reward" in events[0].read_bytes()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 0}, "steps = 0: must be from 1"),
        ({"worlds": 5_000}, "worlds = 5000: must be from 1 to 4096"),
        ({"device": "abacus"}, "device = 'abacus'"),
        ({"resume": True}, "there is no checkpoint"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(tmp_path, changes, said):
    with pytest.raises(ConfigError) as caught:
        asked(tmp_path, **changes)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_merchants_and_agents_of_macro_cities_learn():
    result = CliRunner().invoke(app, ["train", "kings"])
    assert isinstance(result.exception, ConfigError | typer.Exit)
    assert "must be merchants or macro" in str(result.exception)


@pytest.mark.usefixtures("quick")
def test_seeds_of_lessons_are_not_those_of_trials(tmp_path):
    lessons = Lessons(asked(tmp_path).config, 2)
    lessons.reset(3)
    for lesson in lessons.lessons:
        assert lesson.settled.seed > 2 * HELD_OUT
