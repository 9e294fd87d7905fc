"""Mirrored pairs, gradients of bounded length, and several averages: what they do, and that they resume."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
import safetensors.torch
import torch
from shared_steps import COUNT, job
from torch import nn

from kdm.batch import Batch
from kdm.data import batch_of
from kdm.randomness.step_seeds import seed_step
from kdm.students.student import Student
from kdm.training.clip import clip_
from kdm.training.ema import Ema, averaged
from kdm.training.errors import Interrupted
from kdm.training.inputs import PairsInput
from kdm.training.job import TrainingJob
from kdm.training.mirrored import mirrored
from kdm.training.options import EmaOptions, Span, TrainingOptions
from kdm.training.progress import Notice
from kdm.training.run_job import run_job
from storage.digest import unseal
from storage.folders import Folder, folder_at
from storage.options import parse

PLACE = torch.arange(400)
RELATIVISTIC = {"kind": "relativistic", "num_halvings": 2, "width": 4}
ALL = {
    "num_steps": 12,
    "mirror": True,
    "clip": 0.5,
    "ema": {
        "decay": 0.9,
        "warmup": None,
        "others": [{"decay": 0.5}, {"decay": 0.0}],
        "choose_on": 10,
    },
}


def pictures(n: int = 400) -> Batch:
    x = torch.arange(n * 6, dtype=torch.float32).reshape(n, 1, 2, 3)
    return Batch(torch.arange(n), x, x + 0.5, label=torch.arange(n))


def test_a_mirrored_pair_is_mirrored_at_both_ends_and_keeps_its_label() -> None:
    batch = pictures()
    batch = replace(batch, states=torch.stack([batch.x_0 + 0.1, batch.x_0 + 0.3], 1))
    made = mirrored(batch, PLACE, seed=3, step=7)
    is_turned = (made.x_0 != batch.x_0).flatten(1).any(1)
    assert 160 < is_turned.sum() < 240  # 200 ± 4 standard deviations
    assert torch.equal(made.x_0[is_turned], batch.x_0[is_turned].flip(3))
    assert torch.equal(made.x_0[~is_turned], batch.x_0[~is_turned])
    assert made.x_T is not None
    assert torch.equal(made.x_T, made.x_0 + 0.5)
    assert torch.equal(made.between(), torch.stack([made.x_0 + 0.1, made.x_0 + 0.3], 1))
    assert torch.equal(made.label, batch.label)
    assert torch.equal(made.index, batch.index)


def test_a_sample_is_mirrored_alike_in_any_part_of_its_step_and_otherwise_at_the_next() -> None:
    batch = pictures()
    whole = mirrored(batch, PLACE, seed=3, step=7).x_0
    for part in range(4):
        rows = slice(part, None, 4)
        own = Batch(batch.index[rows], batch.x_0[rows])
        assert torch.equal(mirrored(own, PLACE[rows], seed=3, step=7).x_0, whole[rows])
    assert not torch.equal(mirrored(batch, PLACE, seed=3, step=8).x_0, whole)
    assert not torch.equal(mirrored(batch, PLACE, seed=4, step=7).x_0, whole)


def test_points_have_no_mirror_image() -> None:
    TrainingOptions(mirror=True).require_shape((3, 8, 8))
    TrainingOptions().require_shape((2,))
    with pytest.raises(ValueError, match=r"mirror is for pictures.*not \(2,\); set it to false"):
        TrainingOptions(mirror=True).require_shape((2,))


def test_a_long_gradient_is_shortened_and_a_short_one_stays() -> None:
    for length, left in ((10.0, 1.0), (0.5, 0.5)):
        given = [
            nn.Parameter(torch.zeros(2)),
            nn.Parameter(torch.zeros(1)),
            nn.Parameter(torch.zeros(1)),
        ]
        given[0].grad = torch.tensor([0.6, 0.0]) * length
        given[1].grad = torch.tensor([0.8]) * length
        clip_(given, 1.0)
        assert given[0].grad.tolist() == pytest.approx([0.6 * left, 0.0])
        assert given[1].grad.tolist() == pytest.approx([0.8 * left])
        assert given[2].grad is None


def test_a_gradient_that_is_not_finite_stays_for_the_policy_to_see() -> None:
    given = [nn.Parameter(torch.zeros(2))]
    given[0].grad = torch.tensor([torch.inf, 1.0])
    clip_(given, 1.0)
    assert given[0].grad.tolist() == [torch.inf, 1.0]


def checked(home: Folder, folder: str, **training: Any) -> TrainingJob:
    described = job(home, folder, **training)
    described["model"] |= {"adversary": RELATIVISTIC}
    return parse(TrainingJob, described, "job")


def result(home: Folder, folder: str, **training: Any) -> tuple[bytes, dict[str, Any]]:
    run_job(checked(home, folder, **training), report=lambda _: None)
    config = unseal((home / folder).read("config.json"), "config")
    return (home / folder).read("model.safetensors"), config


class Whole(NamedTuple):
    """A run with all of them that was never stopped."""

    home: Folder
    result: tuple[bytes, dict[str, Any]]
    said: list[Any]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    home, said = folder_at(str(tmp_path_factory.mktemp("unbroken"))), list[Any]()
    run_job(checked(home, "student", **ALL), report=said.append)
    return Whole(home, result(home, "student", **ALL), said)


def test_a_run_with_all_of_them_stopped_anywhere_ends_with_the_same_bytes(
    home: Folder, unbroken: Whole
) -> None:
    whole = unbroken.result
    for after in (1, 7):
        asked, folder = iter([False] * after + [True]), f"stopped-{after}"
        with pytest.raises(Interrupted):
            run_job(
                checked(home, folder, **ALL),
                report=lambda _: None,
                should_stop=lambda asked=asked: next(asked),
            )
        assert result(home, folder, **ALL) == whole
    halves = safetensors.torch.load(result(home, "halves", micro_batch=8, **ALL)[0])
    for name, tensor in safetensors.torch.load(whole[0]).items():
        assert (tensor - halves[name]).abs().max() < 1e-3, name


def test_the_average_with_the_lowest_loss_on_pairs_kept_apart_is_the_result(
    unbroken: Whole,
) -> None:
    home, (_, config), said = unbroken
    found = config["averages"]
    losses = [each["loss"] for each in found["of"]]
    assert found["num_pairs"] == 10
    assert len(losses) == len(set(losses)) == 3
    assert found["chosen"] == int(np.argmin(losses))
    notices = [each.notice for each in said if isinstance(each, Notice)]
    assert any(f"number {found['chosen'] + 1} is exported" in each for each in notices)
    # Measured again, from the exported weights and the ten pairs alone.
    weights = safetensors.torch.load((home / "student").read("model.safetensors"))
    described = checked(home, "student", **ALL)
    objective = described.objective(described.source.pair_schema())
    student = objective.model
    assert isinstance(student, Student)
    student.load_state_dict(weights)
    assert isinstance(described.source, PairsInput)
    (apart,) = described.source.kept_apart(described.training)
    assert apart.index.tolist() == list(range(COUNT - 10, COUNT))
    seed_step(described.training.seed, described.training.num_steps)
    with torch.no_grad():
        loss = student.eval().measure(batch_of(apart)).total.item()
    assert loss == pytest.approx(min(losses), rel=1e-5)


def test_no_step_learns_from_pairs_kept_apart(home: Folder) -> None:
    described = checked(home, "student", **ALL)
    source = described.source.source(described.training, torch.device("cpu"))
    seen = {row for _ in range(12) for row in source.next_batch().index.tolist()}
    assert seen == set(range(COUNT - 10))


def test_a_model_has_its_own_weights_and_mode_after_it_had_an_average() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    ema = Ema(model, Span(decay=0.5, warmup=None))
    before = model[0].weight.detach().clone()
    with torch.no_grad():
        model[0].weight += 1
    ema.update(1)
    with averaged(ema):
        assert torch.allclose(model[0].weight, before + 0.5)
        assert not model[1].training
    assert torch.allclose(model[0].weight, before + 1)
    assert model[1].training


@pytest.mark.parametrize(
    ("ema", "reason"),
    [
        ({"others": [{"decay": 0.9995}]}, "two averages have the same decay and warmup"),
        ({"choose_on": 10}, "choose_on is for a choice; give `others`"),
        ({"others": [{"decay": 0.9}], "choose_on": COUNT}, "there are 48; lower it"),
    ],
)
def test_averages_that_cannot_be_compared_are_refused(
    home: Folder, ema: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        checked(home, "student", ema=ema)


def test_trainings_without_them_keep_their_names() -> None:
    assert TrainingOptions().identity().keys() & {"clip", "mirror"} == set()
    assert TrainingOptions().identity()["ema"] == {"decay": 0.9995, "warmup": 0.03}
    assert EmaOptions(others=(Span(decay=0.9),)).model_dump(mode="json")["others"] == [
        {"decay": 0.9, "warmup": 0.03}
    ]
