"""The last checkpoints and the best weights: which are kept, and that no bit depends on it."""

from typing import Any

import pytest
import safetensors.torch
import torch
from test_job import job, run
from test_trainer import OPTIONS, critic_that_begins_late, outcome, source, stop_after, two_players

from kdm.export import load_student
from kdm.objective import Objective
from kdm.training.errors import Interrupted
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice, Progress
from kdm.training.trainer import Trainer, TrainingResult
from storage.digest import unseal
from storage.errors import DamageError
from storage.folders import Folder

KEEPING = TrainingOptions(**{**OPTIONS.model_dump(), "log_every": 1, "keep_checkpoints": 3})
TRAINING = {
    "num_steps": 9,
    "batch_size": 16,
    "warmup_steps": 2,
    "checkpoint_every": 3,
    "log_every": 1,
}


def fit(folder: Folder, objective: Objective | None = None, **named: Any) -> TrainingResult:
    identity = named.pop("identity", {"seed": 5})
    options = KEEPING.model_copy(update=named.pop("options", {}))
    objective = objective or two_players()
    return Trainer(objective, source(), options, folder, identity=identity, **named).fit()


def best(folder: Folder) -> dict[str, Any]:
    return unseal(folder.read("best.json"), "best.json")


def means(result: TrainingResult) -> dict[int, float]:
    """By checkpoint, the mean total loss since the one before."""
    total = {each["step"]: each["losses"]["pupil/total"] for each in result.losses}
    return {
        last: sum(total[step] for step in range(first + 1, last + 1)) / (last - first)
        for first, last in ((0, 4), (4, 8), (8, 11))
    }


def test_the_best_weights_are_the_averages_of_the_checkpoint_with_the_lowest_mean_loss(
    home: Folder,
) -> None:
    found = means(fit(home))
    step = min(found, key=found.__getitem__)
    assert (best(home)["step"], best(home)["loss"]) == (step, pytest.approx(found[step]))
    kept = safetensors.torch.load(home.read("best.safetensors"))
    there = safetensors.torch.load(home.read(f"checkpoints/step-{step:08d}.safetensors"))
    assert torch.equal(kept["linear.weight"], there["ema/linear.weight"])


def test_totals_of_fewer_terms_are_compared_with_no_others(home: Folder) -> None:
    result = fit(home, critic_that_begins_late(), options={"checkpoint_every": 3})
    played = [each["losses"]["pupil/total"] for each in result.losses if each["step"] > 5]
    windows = {6: played[:1], 9: played[1:4], 11: played[4:]}
    found = {step: sum(losses) / len(losses) for step, losses in windows.items()}
    assert best(home)["loss"] == pytest.approx(min(found.values()))


@pytest.mark.parametrize("num_steps", [2, 4, 7, 10])
def test_a_run_that_was_stopped_keeps_the_same_best_weights(home: Folder, num_steps: int) -> None:
    fit(home / "whole")
    with pytest.raises(Interrupted):
        fit(home, should_stop=stop_after(num_steps))
    fit(home)
    for name in ("best.json", "best.safetensors"):
        assert home.read(name) == (home / "whole").read(name)


def test_what_is_kept_changes_no_bit_of_training(home: Folder) -> None:
    fit(home)
    fit(home / "less", options={"keep_checkpoints": 1, "keep_best": False})
    assert outcome(home) == outcome(home / "less")
    assert not (home / "less").exists("best.json")


def test_as_many_checkpoints_are_kept_as_asked_for(home: Folder) -> None:
    fit(home, options={"checkpoint_every": 2})
    steps = {name.split(".")[0] for name in (home / "checkpoints").names()}
    assert steps == {"step-00000008", "step-00000010", "step-00000011"}


def test_the_best_of_another_run_or_a_damaged_one_is_not_compared_with(home: Folder) -> None:
    fit(home)
    home.remove("checkpoints")
    document = home.read("best.json")
    fit(home, identity={"seed": 6})
    assert best(home)["identity"] == {"seed": 6}
    home.remove("checkpoints")
    home.replace("best.json", document[:-9])
    said: list[Progress | Notice] = []
    fit(home, report=said.append)
    assert home.read("best.json") == document
    assert "the search for the best weights starts again" in next(
        each.notice for each in said if isinstance(each, Notice)
    )


def test_a_student_is_loaded_with_its_best_weights_where_asked(home: Folder) -> None:
    run(job(home, training=TRAINING))
    kept = safetensors.torch.load((home / "student").read("best.safetensors"))
    with pytest.raises(ValueError, match="weights is 'newest'; choose last or best"):
        load_student(home / "student", weights="newest")
    state = load_student(home / "student", weights="best").state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in kept.items())
    (home / "student").replace("best.safetensors", b"other")
    with pytest.raises(DamageError, match=r"best\.safetensors is not what best\.json says"):
        load_student(home / "student", weights="best")


def test_where_no_best_weights_are_kept_there_are_none_to_load(home: Folder) -> None:
    run(job(home, training={**TRAINING, "keep_best": False}))
    with pytest.raises(ValueError, match="keep_best was false"):
        load_student(home / "student", weights="best")


def test_what_is_kept_is_in_no_identity(home: Folder) -> None:
    options = {"keep_best": False, "keep_checkpoints": 9}
    assert (
        job(home, training={**TRAINING, **options}).identity()
        == job(home, training=TRAINING).identity()
    )
    assert TrainingOptions().model_dump().keys().isdisjoint(options)
