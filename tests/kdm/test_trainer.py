"""A run that was stopped anywhere ends with the bits of one that never was."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.data import Source, pairs_source
from kdm.objective import Losses, Objective, Player, weighted
from kdm.randomness.step_seeds import seed_initial_weights
from kdm.training.errors import Interrupted, NonFiniteError
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice, Progress
from kdm.training.trainer import Trainer, TrainingResult
from storage.digest import VOLATILE, unseal
from storage.errors import MismatchError
from storage.folders import Folder
from storage.records import LoadedPairs, PairBatch

OPTIONS = TrainingOptions(
    num_steps=11, batch_size=7, warmup_steps=3, checkpoint_every=4, log_every=2, seed=5
)
IDENTITY = {"model": {"width": 3}, "seed": 5}


class Pupil(nn.Module):
    """x_T to x_0 with noise, and a buffer that moves."""

    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x_T: Tensor) -> Tensor:
        self.seen += 1
        return self.linear(x_T + 0.1 * torch.randn_like(x_T))


def two_players(explode_at: int = -1) -> Objective:
    """A critic that steps first, and a pupil that it judges."""
    seed_initial_weights(5)
    pupil, critic, num_calls = Pupil(), nn.Linear(2, 1), iter(range(100))

    def judge(batch: Batch) -> Losses:
        real, made = critic(batch.x_0), critic(pupil(batch.noise()).detach())
        return weighted({"real": (real - 1).square().mean(), "made": made.square().mean()}, {})

    def learn(batch: Batch) -> Losses:
        x_0 = pupil(batch.noise())
        terms = {"pred": (x_0 - batch.x_0).square().mean(), "adv": -critic(x_0).mean()}
        if next(num_calls) == explode_at:
            terms["adv"] = terms["adv"] * float("nan")
        return weighted(terms, {"adv": 0.1})

    return Objective(pupil, (Player("critic", critic, judge), Player("pupil", pupil, learn)))


def critic_that_begins_late() -> Objective:
    """Before two fifths are done the pupil learns by itself."""
    objective = two_players()
    pupil = objective.model

    def alone(batch: Batch) -> Losses:
        return weighted({"pred": (pupil(batch.noise()) - batch.x_0).square().mean()}, {})

    return replace(objective, opening=(Player("pupil", pupil, alone),), opening_share=0.4)


def source() -> Source:
    index = np.arange(20)
    x_T = np.random.RandomState(0).standard_normal((20, 2)).astype(np.float32)
    loaded = LoadedPairs(PairBatch(index, x_T, np.tanh(x_T)), index)
    return pairs_source(loaded, seed=OPTIONS.seed, batch_size=OPTIONS.batch_size)


def stop_after(num_steps: int) -> Callable[[], bool]:
    asked = iter([False] * num_steps + [True] * 100)
    return lambda: next(asked)


def fit(folder: Folder, objective: Objective | None = None, **changes: Any) -> TrainingResult:
    named = {"identity": IDENTITY, **changes}
    return Trainer(objective or two_players(), source(), OPTIONS, folder, **named).fit()


def outcome(folder: Folder, step: int = OPTIONS.num_steps) -> tuple[bytes, dict[str, Any]]:
    """Every tensor of a run (weights, average, optimisers) and its record without times."""
    name = f"checkpoints/step-{step:08d}"
    record = unseal(folder.read(f"{name}.json"), name)
    lasting = {key: value for key, value in record.items() if key not in VOLATILE}
    return folder.read(f"{name}.safetensors"), lasting


@pytest.fixture
def never_stopped(home: Folder) -> tuple[bytes, dict[str, Any]]:
    fit(home / "whole")
    return outcome(home / "whole")


@pytest.mark.parametrize("num_steps", range(OPTIONS.num_steps))
def test_a_run_stopped_after_any_step_ends_with_the_same_bits(
    home: Folder, never_stopped: tuple[bytes, dict[str, Any]], num_steps: int
) -> None:
    with pytest.raises(Interrupted, match=f"after step {num_steps} of 11"):
        fit(home, should_stop=stop_after(num_steps))
    fit(home)
    assert outcome(home) == never_stopped


def test_a_run_stopped_after_every_step_ends_with_the_same_bits(
    home: Folder, never_stopped: tuple[bytes, dict[str, Any]]
) -> None:
    for _ in range(OPTIONS.num_steps - 1):
        with pytest.raises(Interrupted):
            fit(home, should_stop=stop_after(1))
    fit(home)
    assert outcome(home) == never_stopped


def test_a_player_rests_until_its_share_of_the_run_is_done(home: Folder) -> None:
    losses = fit(home, critic_that_begins_late()).losses
    assert ["critic/total" in each["losses"] for each in losses] == [False] * 2 + [True] * 4
    assert all("pupil/pred" in each["losses"] for each in losses)
    tensors = safetensors.torch.load(outcome(home)[0])
    assert tensors["optimisers/critic/weight/step"] == 6
    assert tensors["optimisers/pupil/linear.weight/step"] == 11


@pytest.mark.parametrize("num_steps", [3, 5, 6, 8])
def test_a_run_stopped_before_or_after_a_player_begins_ends_with_the_same_bits(
    home: Folder, num_steps: int
) -> None:
    fit(home / "whole", critic_that_begins_late())
    with pytest.raises(Interrupted):
        fit(home, critic_that_begins_late(), should_stop=stop_after(num_steps))
    fit(home, critic_that_begins_late())
    assert outcome(home) == outcome(home / "whole")


@pytest.mark.parametrize("suffix", ["json", "safetensors"])
def test_a_damaged_checkpoint_is_passed_over_with_a_notice(
    home: Folder, never_stopped: tuple[bytes, dict[str, Any]], suffix: str
) -> None:
    with pytest.raises(Interrupted):
        fit(home, should_stop=stop_after(9))
    newest = f"checkpoints/step-00000009.{suffix}"
    data = bytearray(home.read(newest))
    data[len(data) // 2] ^= 1
    home.replace(newest, bytes(data))
    said: list[Progress | Notice] = []
    fit(home, report=said.append)
    assert "step-00000009" in next(each.notice for each in said if isinstance(each, Notice))
    assert outcome(home) == never_stopped


def test_a_checkpoint_without_its_tensors_is_passed_over(
    home: Folder, never_stopped: tuple[bytes, dict[str, Any]]
) -> None:
    with pytest.raises(Interrupted):
        fit(home, should_stop=stop_after(9))
    home.remove("checkpoints/step-00000009.safetensors")
    fit(home)
    assert outcome(home) == never_stopped


def test_tensors_without_their_record_are_no_checkpoint(home: Folder) -> None:
    home.replace("checkpoints/step-00000009.safetensors", b"cut")
    fit(home)
    assert "step-00000009.safetensors" not in (home / "checkpoints").names()


def test_a_checkpoint_of_another_run_is_refused_by_the_field_that_differs(home: Folder) -> None:
    fit(home)
    with pytest.raises(MismatchError, match=r"differs in identity\.model\.width"):
        fit(home, identity={"model": {"width": 4}, "seed": 5})


def test_the_last_two_checkpoints_are_kept(home: Folder) -> None:
    fit(home)
    steps = {name.split(".")[0] for name in (home / "checkpoints").names()}
    assert steps == {"step-00000008", "step-00000011"}


def test_a_loss_that_is_no_number_stops_at_its_step_and_by_its_name(home: Folder) -> None:
    with pytest.raises(NonFiniteError, match="loss 'adv' of 'pupil' is nan at step 9"):
        fit(home, two_players(explode_at=9))
    assert "step-00000008.json" in (home / "checkpoints").names()
    assert "step-00000009.json" not in (home / "checkpoints").names()


def test_weights_that_are_no_numbers_never_reach_a_checkpoint(home: Folder) -> None:
    objective = two_players()
    with torch.no_grad():
        objective.players[0].module.bias.fill_(float("inf"))
    with pytest.raises(NonFiniteError, match="no checkpoint was written"):
        fit(home, objective, should_stop=lambda: True)
    assert (home / "checkpoints").names() == []


def test_losses_are_logged_by_player_and_term_at_their_steps(home: Folder) -> None:
    losses = fit(home).losses
    assert [entry["step"] for entry in losses] == [2, 4, 6, 8, 10, 11]
    names = {"critic/real", "critic/made", "critic/total", "pupil/pred", "pupil/adv", "pupil/total"}
    assert losses[0]["losses"].keys() == names


def test_the_result_holds_averages_and_the_newest_buffers(home: Folder) -> None:
    objective = two_players()
    state = fit(home, objective).state
    assert state.keys() == objective.model.state_dict().keys()
    assert not torch.equal(state["linear.weight"], objective.model.linear.weight)
    assert state["seen"] == 2 * OPTIONS.num_steps


def test_the_last_report_is_of_the_last_step(home: Folder) -> None:
    said: list[Progress | Notice] = []
    fit(home, report=said.append)
    assert isinstance(said[-1], Progress)
    assert (said[-1].step, said[-1].num_steps, said[-1].eta_seconds) == (11, 11, 0)
