"""`city-node train macro`: it learns, stops, goes on, and what it saves is what a city runs."""

from functools import partial

import numpy as np
import pytest
import torch
from small_tasks import Target
from typer.testing import CliRunner

from city_node.cli import app
from city_node.errors import ConfigError
from city_node.laboratory import networks, train_macro
from city_node.settings.wishes import Wishes
from engine.learning.network import Network, Normaliser, policy_of
from engine.learning.ppo import Settings, learn, new_learners
from engine.macro.environment import KINDS, MacroCities
from engine.macro.learned import SPACES, as_seen, means

ALL = ",".join(KINDS)


def asked(tmp_path, **changes):
    wishes = Wishes(cities=("Elm", "Oak"), seed=3, locals=120)
    options = {"agents": ALL, "steps": 64, "worlds": 3, "threads": 2, "device": "cpu"}
    return train_macro.training(wishes, **{**options, "save": tmp_path, **changes})


@pytest.fixture
def quick(monkeypatch):
    """Cities that need not settle for long, and no score."""
    monkeypatch.setitem(MacroCities.__init__.__kwdefaults__, "settling_months", 3)
    monkeypatch.setattr(train_macro, "score", lambda policies: float(len(policies)))


def weights(update):
    return {kind: learner.policy for kind, learner in update.learners.items()}


def is_same(one, other):
    return all((a == b).all() for kind in one for a, b in zip(one[kind], other[kind], strict=True))


@pytest.mark.usefixtures("quick")
def test_equal_seeds_learn_equal_networks_of_all_kinds(tmp_path):
    once, again = (list(train_macro.updates(asked(tmp_path / name))) for name in "ab")
    assert [update.step for update in once] == [32, 64]
    assert is_same(weights(once[-1]), weights(again[-1]))
    for update in once:
        assert set(update.measures) == set(KINDS)
        assert all(np.isfinite(list(of.values())).all() for of in update.measures.values())


@pytest.mark.usefixtures("quick")
def test_a_training_is_saved_and_goes_on(tmp_path):
    first = list(train_macro.updates(asked(tmp_path)))[-1]
    for kind in KINDS:
        data = (tmp_path / f"{kind}.npz").read_bytes()
        assert networks.about(data)["steps"] == 64
        read = networks.policy_in("network", data, SPACES[kind])
        assert is_same({kind: read}, {kind: first.learners[kind].policy})
    more = list(train_macro.updates(asked(tmp_path, steps=96, resume=True)))
    assert [update.step for update in more] == [96]
    (tmp_path / "bank.checkpoint.pt").write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match=r"resume: .*bank.checkpoint.pt"):
        list(train_macro.updates(asked(tmp_path, steps=96, resume=True)))


@pytest.mark.usefixtures("quick")
def test_the_verb_trains_and_writes_for_tensorboard(tmp_path):
    result = CliRunner().invoke(
        app,
        [
            *("train", "macro", "--agents", "bank, central_bank", "--steps", "32"),
            *("--worlds", "1", "--seed", "4", "--save", str(tmp_path / "nets")),
            *("--logs", str(tmp_path / "logs")),
        ],
    )
    assert result.exit_code == 0, result.output
    assert 'policy = "learned"' in result.output
    assert {path.name for path in (tmp_path / "nets").glob("*.npz")} == {
        "bank.npz",
        "central_bank.npz",
    }
    events = next((tmp_path / "logs").glob("events.*")).read_bytes()
    for name in (b"bank/reward", b"central_bank/reward", b"all/reality_score"):
        assert name in events


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"agents": "firm,king"}, "agents = 'firm,king': must be some of firm, household"),
        ({"agents": "firm,firm"}, "agents = 'firm,firm'"),
        ({"steps": 0}, "steps = 0: must be from 1"),
        ({"worlds": 0}, "worlds = 0: must be from 1"),
        ({"device": "abacus"}, "device = 'abacus'"),
        ({"resume": True}, "there is no checkpoint"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(tmp_path, changes, said):
    with pytest.raises(ConfigError) as caught:
        asked(tmp_path, **changes)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_economies_are_refused(tmp_path):
    (tmp_path / "bazaar.toml").write_text("[cities.Elm]\n")
    with pytest.raises(ConfigError, match=r"cities\.Elm\.economy = 'bazaar': must be macro"):
        train_macro.training(
            Wishes(config=tmp_path / "bazaar.toml"), agents="firm", steps=1, worlds=1, threads=1,
            device="cpu", save=tmp_path,
        )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_city_does_what_torch_would(kind):
    torch.manual_seed(4)
    network = Network(SPACES[kind], (64, 64), "cpu")
    network.vector += 0.1 * torch.randn_like(network.vector)
    normaliser = Normaliser(SPACES[kind].observations)
    seen = np.random.default_rng(0).normal(1.0, 60.0, (700, SPACES[kind].observations))
    normaliser.see(as_seen(seen))
    inputs = torch.as_tensor(normaliser.normalised(as_seen(seen)))
    expected = network.forward(inputs)[0].clamp(-1.0, 1.0).numpy()
    found = means(policy_of(network, normaliser, SPACES[kind]), seen)
    assert np.abs(found - expected).max() < 5e-6


def test_an_update_of_a_few_rows_still_learns():
    settings = Settings(steps_per_update=16, epochs=4, learning_rate=3e-3, hidden=(32, 32))
    learned = partial(learn, Target(), seed=1, steps=480)
    rewards = []
    for rows_max in (10**6, 256):
        learners = new_learners(Target().spaces, settings, seed=1)
        few = Settings(**{**vars(settings), "rows_max": rows_max})
        updates = list(learned(few, learners))
        rewards.append(updates[-1].measures["player"]["reward"])
        assert rewards[-1] > updates[0].measures["player"]["reward"] + 0.5
    assert rewards[0] != rewards[1]
