"""Steps that give no number: left out as if they had never been tried, counted, never repaired."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from test_trainer import IDENTITY, OPTIONS, outcome, source, stop_after, two_players

from kdm.batch import Batch
from kdm.objective import Losses, Objective, Player
from kdm.training.errors import Interrupted, NonFiniteError
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice, Progress
from kdm.training.trainer import Trainer, TrainingResult
from storage.folders import Folder
from storage.reading.order import Order

EVERY_STEP = {"checkpoint_every": 1, "keep_checkpoints": 100, "log_every": 1}
SKIP = TrainingOptions(**{**OPTIONS.model_dump(), **EVERY_STEP, "on_non_finite": "skip"})
WRONG = 13  # the sample that spoils its batch


def wrong_steps() -> list[int]:
    """The steps whose batch holds it, by the order of the source alone."""
    index = [row for epoch in range(5) for row in Order(OPTIONS.seed, 20).epoch(epoch)]
    size = OPTIONS.batch_size
    batches = [index[size * step : size * (step + 1)] for step in range(OPTIONS.num_steps)]
    return [step for step, batch in enumerate(batches) if WRONG in batch]


def spoiled(player_name: str = "pupil", *, by: str = "loss") -> Objective:
    """Two players, of whom one gets NaN from every batch that holds the wrong sample."""
    objective = two_players()

    def loss(player: Player, batch: Batch) -> Losses:
        losses = player.loss(batch)
        if player.name != player_name or WRONG not in batch.index:
            return losses
        if by == "loss":
            return losses._replace(total=losses.total * float("nan"))
        zero = sum(each.sum() for each in player.module.parameters()) * 0
        return losses._replace(total=losses.total + zero.sqrt())  # 0, of infinite slope

    players = (
        replace(each, loss=lambda batch, each=each: loss(each, batch)) for each in objective.players
    )
    return replace(objective, players=tuple(players))


def fit(
    folder: Folder, objective: Objective, options: TrainingOptions = SKIP, **named: Any
) -> TrainingResult:
    return Trainer(objective, source(), options, folder, identity=IDENTITY, **named).fit()


def tensors(folder: Folder, step: int) -> bytes:
    """Weights, averages, buffers and optimisers of both players."""
    return folder.read(f"checkpoints/step-{step:08d}.safetensors")


@pytest.mark.parametrize("player", ["critic", "pupil"])
@pytest.mark.parametrize("by", ["loss", "gradient"])
def test_a_skipped_step_leaves_every_bit_of_all_players_as_it_was(
    home: Folder, player: str, by: str
) -> None:
    fit(home, spoiled(player, by=by))
    steps = range(1, SKIP.num_steps)
    unchanged = [step for step in steps if tensors(home, step) == tensors(home, step + 1)]
    assert unchanged == [step for step in wrong_steps() if step]
    assert len(unchanged) >= 3


def test_skipped_steps_are_counted_in_the_history_and_the_result(home: Folder) -> None:
    result, wrong = fit(home, spoiled()), wrong_steps()
    assert result.counts == {"skipped_steps": len(wrong)}
    logged = {entry["step"]: entry["skipped_steps"] for entry in result.losses}
    assert logged.keys() == set(range(1, 12)) - {step + 1 for step in wrong}
    assert all(count == sum(step < after for step in wrong) for after, count in logged.items())


def test_the_first_skipped_step_is_told_with_its_loss_and_all_of_them_by_number(
    home: Folder,
) -> None:
    said: list[Progress | Notice] = []
    fit(home, spoiled(), report=said.append)
    first, last = (each.notice for each in said if isinstance(each, Notice))
    assert (
        f"loss 'total' of 'pupil' is nan at step {wrong_steps()[0]}: the step was skipped" in first
    )
    assert last == f"{len(wrong_steps())} steps were skipped in all"


def test_a_gradient_that_is_no_number_is_told_by_its_parameter(home: Folder) -> None:
    said: list[Progress | Notice] = []
    fit(home, spoiled(by="gradient"), report=said.append)
    first = next(each.notice for each in said if isinstance(each, Notice))
    assert "the gradient of 'linear.weight' of 'pupil' has norm nan" in first


@pytest.mark.parametrize("num_steps", [3, 5, 8])
def test_a_run_that_skips_and_was_stopped_ends_with_the_same_bits_and_count(
    home: Folder, num_steps: int
) -> None:
    whole = fit(home / "whole", spoiled())
    with pytest.raises(Interrupted):
        fit(home, spoiled(), should_stop=stop_after(num_steps))
    assert fit(home, spoiled()).counts == whole.counts
    assert outcome(home) == outcome(home / "whole")


def test_without_a_wrong_step_skipping_gives_the_bits_of_stopping(home: Folder) -> None:
    fit(home, two_players())
    fit(home / "stop", two_players(), OPTIONS)
    assert outcome(home)[0] == outcome(home / "stop")[0]


@pytest.mark.parametrize("by", ["loss", "gradient"])
def test_a_run_that_stops_never_writes_what_is_no_number(home: Folder, by: str) -> None:
    stop = SKIP.model_copy(update={"on_non_finite": "stop"})
    with pytest.raises(NonFiniteError, match="Try a lower learning rate"):
        fit(home, spoiled(by=by), stop)
    newest = sorted(name for name in (home / "checkpoints").names() if name.endswith(".json"))[-1:]
    assert newest == [f"step-{step:08d}.json" for step in wrong_steps()[:1] if step]


def test_a_hundred_wrong_steps_in_a_row_end_the_run(home: Folder) -> None:
    def nothing(batch: Batch) -> Losses:
        return Losses(model(batch.noise()).mean() * float("inf"), {})

    model = torch.nn.Linear(2, 2)
    endless = SKIP.model_copy(update={"num_steps": 300, "checkpoint_every": 60})
    objective = Objective(model, (Player("model", model, nothing),))
    with pytest.raises(NonFiniteError, match="at step 100, and the 100 steps before it failed too"):
        fit(home, objective, endless)
    with pytest.raises(NonFiniteError, match="at step 100, and the 100"):
        fit(home, objective, endless)  # the count goes on from the checkpoint after 60
