"""How training is configured: what belongs to its identity, precision, the compiler, EDM's constants."""

import math
from typing import Any

import pytest
import torch
from test_job import TRAINING, described, run

from kdm.objective import Objective
from kdm.training.ema import decay
from kdm.training.environment import autocast, prepare
from kdm.training.errors import OutOfMemoryError
from kdm.training.job import TrainingJob
from kdm.training.options import EmaOptions, TrainingOptions
from storage.digest import digest_of
from storage.folders import Folder
from storage.options import parse

# Of the defaults, before there were precision, compiler, pictures and trackers.
FIRST_FIELDS = {
    "num_steps", "batch_size", "optimiser", "learning_rate", "betas", "epsilon", "schedule",
    "warmup_steps", "ema", "seed", "num_threads", "on_non_finite", "log_every",
}  # fmt: skip
FIRST_DIGEST = "6267ec80ae60a396f0cd3880762654bf8ebf24424f0706bfb0f192e42bdf0a5b"
POINTS = {"kind": "dataset", "dataset": {"kind": "checkerboard", "num_train": 500}}


def teacher(home: Folder, **training: Any) -> TrainingJob:
    changes = {"group": "pairgen.teachers", "source": POINTS, "training": {**TRAINING, **training}}
    model = {"plugin": "flow-matching", "width": 8, "num_layers": 2}
    return parse(TrainingJob, described(home, model=model, **changes), "job")


@pytest.fixture(autouse=True)
def torch_as_it_was():
    yield
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = True


def test_options_that_came_later_leave_the_identity_as_it_was_until_they_are_used():
    identity = TrainingOptions(checkpoint_every=7, samples_every=3, trackers=()).identity()
    assert identity.keys() == FIRST_FIELDS
    assert digest_of(identity) == FIRST_DIGEST
    assert TrainingOptions(precision="bfloat16").identity()["precision"] == "bfloat16"
    assert TrainingOptions(is_compiled=True).identity()["is_compiled"] is True


def test_float32_means_it_on_a_gpu_too():
    for precision, is_rounded in (("bfloat16", True), ("float32", False)):
        prepare("cpu", TrainingOptions(precision=precision))
        assert torch.backends.cudnn.allow_tf32 is is_rounded
        assert (torch.get_float32_matmul_precision() == "high") is is_rounded


def test_bfloat16_computes_in_bfloat16_and_keeps_float32_weights(home: Folder):
    run(teacher(home))
    exact = read(home)
    run(teacher(home, precision="bfloat16").model_copy(update={"folder": (home / "b").url}))
    rounded = read(home, "b")
    assert {tensor.dtype for tensor in rounded.values()} == {torch.float32}
    errors = [(rounded[name] - exact[name]).abs().max() for name in exact]
    assert 0 < max(errors) < 0.1


def read(home: Folder, name: str = "student") -> dict[str, torch.Tensor]:
    import safetensors.torch

    return safetensors.torch.load((home / name).read("model.safetensors"))


def test_within_autocast_products_are_of_bfloat16_and_sums_of_losses_are_not():
    linear, x = torch.nn.Linear(3, 3), torch.randn(4, 3)
    with autocast(torch.device("cpu"), "bfloat16"):
        assert linear(x).dtype == torch.bfloat16
        assert ((linear(x) - x) ** 2).mean().dtype == torch.float32
    with autocast(torch.device("cpu"), "float32"):
        assert linear(x).dtype == torch.float32


def test_tf32_is_refused_where_there_is_none(home: Folder):
    with pytest.raises(
        ValueError, match="'tf32', which needs a GPU, and the device is 'cpu'; choose 'float32'"
    ):
        run(teacher(home, precision="tf32"))


def test_without_a_compiler_nothing_begins(home: Folder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(
        ValueError, match=r"C\+\+ compiler and 'no-such-compiler' is not found; inst"
    ):
        run(teacher(home, is_compiled=True))
    assert not home.exists("student")


def test_a_model_without_a_network_to_compile_is_refused(
    home: Folder, monkeypatch: pytest.MonkeyPatch
):
    # The compiler itself would be imported, for nothing.
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda mode: None)
    nothing = Objective(torch.nn.Linear(2, 2), ())
    monkeypatch.setattr(TrainingJob, "objective", lambda job, schema: nothing)
    with pytest.raises(ValueError, match="doesn't have a network to compile; set it to false"):
        run(teacher(home, is_compiled=True))


def test_a_step_that_does_not_fit_is_said_with_its_batch_size(
    home: Folder, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("kdm.training.trainer.Trainer._train_step", full)
    with pytest.raises(
        OutOfMemoryError, match=r"of 'cpu' can't hold a step .*batch_size 16 at once; ch"
    ):
        run(teacher(home))


@pytest.mark.parametrize("num_steps", [50, 1000, 20_000])
def test_edms_average_is_a_warmup_of_a_twentieth_by_the_logarithm_of_two(num_steps: int):
    batch, half_life = 512, 500_000
    options = EmaOptions(decay=0.5 ** (batch / half_life), warmup=0.05 / math.log(2))
    published = 0.5 ** (batch / min(half_life, 0.05 * num_steps * batch))
    assert 1 - decay(options, num_steps) == pytest.approx(1 - published, rel=0.15)
