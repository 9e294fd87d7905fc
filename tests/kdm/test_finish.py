"""A finish: what its distance is, how its moments move, and that stops, ranks and files change nothing."""

import multiprocessing
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from inception_like import weights_with_network
from picture_pairs import LAYOUT, SCHEMA, filled, made
from torch import Tensor

from kdm.batch import Batch
from kdm.data import as_float, batch_of
from kdm.evaluate.feature_network import FeatureNetwork
from kdm.finish.distribution import DistributionPlayer
from kdm.finish.finish_options import FinishOptions
from kdm.finish.judges import require_other_features
from kdm.finish.moment_features import FileFeatures, InceptionFeatures, RandomMaps
from kdm.finish.moments import RunningMoments, StoredMoments, stored_moments
from kdm.metrics.fd_features import FdFeatures
from kdm.metrics.fid import Fid
from kdm.metrics.frechet import Moments, frechet_distance
from kdm.students.plugin import GROUP, StudentPlugin
from kdm.trained import read_config
from kdm.training.errors import Interrupted
from kdm.training.finish_input import finish_training
from kdm.training.job import TrainingJob
from kdm.training.options import EmaOptions, TrainingOptions
from kdm.training.run_job import run_job
from storage.errors import MismatchError
from storage.folders import Folder
from storage.options import parse
from storage.plugins import configure

CPU = torch.device("cpu")
MODEL = {
    "plugin": "regression",
    "network": {
        "kind": "song-unet",
        "model_channels": 4,
        "channel_mult": [1],
        "num_blocks": 1,
        "attn_resolutions": [],
    },
}
TRAINING = {"num_steps": 4, "batch_size": 16, "warmup_steps": 0, "log_every": 1, "samples_every": 0}
FINISH = {"num_steps": 6, "batch_size": 16, "features": {"kind": "random-features", "width": 4}}


def moments(mean: list[float], covariance: list[list[float]]) -> tuple[Tensor, Tensor]:
    """E[f] and E[f fᵀ]."""
    m = torch.tensor(mean, dtype=torch.float64)
    return m, torch.tensor(covariance, dtype=torch.float64) + torch.outer(m, m)


def test_the_distance_of_two_normal_distributions_is_the_one_by_hand() -> None:
    stored = StoredMoments(*moments([3, 0], [[1, 0], [0, 1]]))
    found = stored.distance(*moments([0, 4], [[4, 0], [0, 9]]))
    assert found.item() == pytest.approx(25 + (2 - 1) ** 2 + (3 - 1) ** 2)
    same = moments([1, 2], [[2, 0.5], [0.5, 1]])
    assert StoredMoments(*same).distance(*same).item() == pytest.approx(0, abs=1e-9)


def test_the_distance_is_the_one_that_metrics_measure() -> None:
    random = np.random.RandomState(0)
    sets = [random.standard_normal((50, 6)) @ random.standard_normal((6, 6)) for _ in range(2)]
    own, other = (
        (torch.from_numpy(each.mean(0)), torch.from_numpy(each.T @ each / 50)) for each in sets
    )
    measured = frechet_distance(
        *(Moments(each.mean(0), np.cov(each, rowvar=False, ddof=0)) for each in sets)
    )
    assert StoredMoments(*other).distance(*own).item() == pytest.approx(measured, rel=1e-9)


def test_its_gradient_is_that_of_finite_differences() -> None:
    random = torch.Generator().manual_seed(0)
    rows = torch.randn(9, 3, generator=random, dtype=torch.float64, requires_grad=True)
    stored = StoredMoments(*moments([0.5, 0, 0], [[2, 0, 0.5], [0, 1, 0], [0.5, 0, 1]]))

    def distance(given: Tensor) -> Tensor:
        return stored.distance(*RunningMoments(3, 0.9, CPU).take(given))

    assert torch.autograd.gradcheck(distance, rows)


def test_moments_are_averaged_evenly_at_first_and_then_by_the_decay() -> None:
    running = RunningMoments(1, 0.5, CPU)
    means, seconds = zip(
        *(running.take(torch.tensor([[x - 1.0], [x + 1.0]])) for x in (1.0, 3.0, 7.0)), strict=True
    )
    assert [each.item() for each in means] == [1, 2, 4.5]
    assert [each.item() for each in seconds] == [2, 6, 28]  # of batches: 2, 10, 50
    assert running.get_buffer("num_batches") == 3


def test_gradients_are_the_batchs_own_however_long_the_average_is() -> None:
    running = RunningMoments(1, 0.99, CPU)
    for _ in range(5):
        rows = torch.tensor([[1.0], [3.0]], requires_grad=True)
        mean, second = running.take(rows)
        (mean.sum() + second.sum()).backward()
        assert rows.grad is not None
        assert rows.grad.flatten().tolist() == [0.5 + 1, 0.5 + 3]


def test_stored_moments_do_not_depend_on_how_pictures_are_parted() -> None:
    pictures = torch.rand(300, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    features = RandomMaps(width=2).build(CPU)
    some, others = (stored_moments(pictures.split(n), features) for n in (300, 7))
    assert torch.allclose(some.get_buffer("mean"), others.get_buffer("mean"))
    assert torch.allclose(some.get_buffer("root"), others.get_buffer("root"), atol=1e-6)
    assert features(pictures).shape == (300, 2 * 7)


def job(home: Folder, folder: str, **changes: Any) -> TrainingJob:
    if not home.exists("pairs"):
        filled(home / "pairs")
    pairs = {"kind": "pairs", "url": (home / "pairs").url, "layout": LAYOUT, "count": 64}
    described = {"group": "kdm.students", "model": MODEL, "source": pairs, "training": TRAINING}
    described |= {"folder": (home / folder).url, "device": "cpu"}
    return parse(TrainingJob, {**described, **changes}, "job")


def run(some: TrainingJob, *, stop_after: int = 100) -> None:
    asked = count()
    run_job(some, report=lambda _: None, should_stop=lambda: next(asked) == stop_after)


def finish(home: Folder, folder: str, **options: Any) -> TrainingJob:
    """The job that finishes the trained student of the home."""
    if not (home / "first").exists("config.json"):
        run(job(home, "first"))
    config = read_config(home / "first")
    assert config is not None
    chosen = parse(FinishOptions, {**FINISH, **options}, "finish")
    training = finish_training(chosen, job(home, "first").training)
    return job(
        home,
        folder,
        training=training.model_dump(mode="json"),
        finish={
            "options": chosen.model_dump(mode="json"),
            "student": (home / "first").url,
            "weights": config["weights"]["sha256"],
        },
    )


def test_a_stopped_finish_ends_with_the_bytes_of_one_that_never_was(home: Folder) -> None:
    run(finish(home, "whole"))
    with pytest.raises(Interrupted):
        run(finish(home, "parts"), stop_after=4)
    run(finish(home, "parts"))
    for name in ("model.safetensors", "losses.json", "config.json"):
        assert (home / "whole").read(name) == (home / "parts").read(name)
    assert (home / "whole").read("model.safetensors") != (home / "first").read("model.safetensors")


def test_a_finished_student_says_what_it_comes_from_and_by_which_features(home: Folder) -> None:
    run(finish(home, "finished"))
    config, first = read_config(home / "finished"), read_config(home / "first")
    assert config is not None
    assert first is not None
    said = config["identity"]["finish"]
    assert said["features"]["kind"] == "random-features"
    assert said["weights"] == config["finished"]["weights"] == first["weights"]["sha256"]
    assert config["finished"]["student"] == "first"
    assert "finish" not in first["identity"]


def test_a_job_without_a_finish_is_written_as_it_always_was(home: Folder) -> None:
    assert "finish" not in job(home, "first").model_dump(mode="json")


def test_other_weights_than_the_job_means_are_refused(home: Folder) -> None:
    some = finish(home, "finished")
    assert some.finish is not None
    changed = some.finish.model_copy(update={"weights": "0" * 64})
    with pytest.raises(MismatchError, match="holds other weights"):
        run(some.model_copy(update={"finish": changed}))


def test_micro_batches_and_teachers_are_refused(home: Folder) -> None:
    some = finish(home, "finished").model_dump(mode="json")
    in_parts = {**some, "training": {**some["training"], "micro_batch": 4}}
    with pytest.raises(ValueError, match="which no micro-batch has"):
        parse(TrainingJob, in_parts, "job")
    teacher = {"group": "pairgen.teachers", "model": {"plugin": "flow-matching"}}
    with pytest.raises(ValueError, match="finish is for students"):
        parse(TrainingJob, {**some, **teacher}, "job")


def test_a_second_training_keeps_what_the_first_was_but_for_its_length_and_average() -> None:
    first = TrainingOptions(
        seed=7, schedule="constant", clip=1.0, ema=EmaOptions(others=({"decay": 0.9},))
    )
    second = finish_training(FinishOptions(num_steps=9), first)
    assert (second.seed, second.clip, second.num_steps, second.schedule) == (7, 1.0, 9, "cosine")
    assert second.num_apart == 0


def player() -> DistributionPlayer:
    torch.manual_seed(0)
    student = configure(GROUP, {"plugin": "regression", "width": 8, "num_layers": 3})
    assert isinstance(student, StudentPlugin)
    features = RandomMaps(width=2).build(CPU)
    stored = stored_moments([torch.rand(64, 1, 8, 8) * 2 - 1], features)
    built = student.build(SCHEMA)
    return DistributionPlayer(built, features, stored, decay=0.6, anchor=0.5)


def test_the_distance_is_followed_once_the_averages_are_long_enough() -> None:
    playing = player()  # whose decay of 0.6 is 2.5 steps
    totals = [playing.loss(batch(slice(None))) for _ in range(3)]
    without = [each.total - 0.5 * each.terms["own"] for each in totals]
    assert [each.item() for each in without[:2]] == pytest.approx([0, 0], abs=1e-6)
    assert without[2].item() == pytest.approx(totals[2].terms["frechet"].item(), rel=1e-4)


def batch(rows: slice) -> Batch:
    pairs = made(np.arange(16), "train")
    whole = batch_of(pairs)
    columns = (whole.index, whole.x_0, whole.x_T, whole.label)
    return Batch(*(each[rows] for each in columns if each is not None))


def gradients_of_steps(rows: slice) -> list[Tensor]:
    """After three batches, which are the same: the loss and the gradients of the last."""
    playing = player()
    for _ in range(3):
        playing.zero_grad()
        losses = playing.loss(batch(rows))
        losses.total.backward()
    found = [each.grad for each in playing.parameters() if each.grad is not None]
    return [losses.terms["frechet"], *found]


def as_rank(rank: int, place: str, answer: Any) -> None:
    dist.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=2)
    answer.put([each.numpy() for each in gradients_of_steps(slice(rank, None, 2))])
    dist.destroy_process_group()


def test_two_ranks_have_the_loss_and_on_average_the_gradients_of_one(tmp_path: Path) -> None:
    forked = multiprocessing.get_context("fork")  # torch is imported once
    answers = [forked.SimpleQueue() for _ in range(2)]
    arguments = [(rank, f"{tmp_path}/meet", answers[rank]) for rank in range(2)]
    ranks = [forked.Process(target=as_rank, args=each) for each in arguments]
    for rank in ranks:
        rank.start()
    (frechet, *own), (other_frechet, *others) = (answer.get() for answer in answers)
    for rank in ranks:
        rank.join(20)
    whole = gradients_of_steps(slice(None))
    assert frechet == other_frechet == pytest.approx(whole[0].item(), rel=1e-5)
    for one, two, both in zip(own, others, whole[1:], strict=True):
        assert np.allclose((one + two) / 2, both, atol=1e-4 * both.abs().max().item())
    # Not because nothing depends on which rows a rank has.
    assert not np.allclose(own[0], others[0], atol=1e-2 * np.abs(own[0]).max())


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.jit")  # of TorchScript itself
def test_features_of_files_pass_gradients_and_say_what_they_are(tmp_path: Path) -> None:
    pictures = (torch.rand(3, 1, 8, 8) * 2 - 1).requires_grad_()
    with weights_with_network(tmp_path / "weights") as path:
        script = torch.jit.script(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 5)))
        script.save(str(path.parent / "own.pt"))
        own = FileFeatures(kind="network", network="own.pt", size=8)
        for features, num in ((InceptionFeatures(kind="inception"), 8), (own, 5)):
            rows = features.build(CPU)(pictures)
            (gradient,) = torch.autograd.grad(rows.sum(), pictures)
            assert rows.shape == (3, num)
            assert gradient.abs().sum() > 0
        (path.parent / "bad.pt").write_bytes(b"no network")
        with pytest.raises(ValueError, match="isn't a TorchScript network"):
            FileFeatures(kind="network", network="bad.pt").build(CPU)
    with pytest.raises(ValueError, match=r"finish needs .*where it is missing"):
        InceptionFeatures(kind="inception").require_files()


def test_inception_seen_by_a_finish_is_the_one_that_fid_sees(tmp_path: Path) -> None:
    stored = np.random.RandomState(0).randint(0, 256, (4, 3, 8, 8)).astype(np.uint8)
    with weights_with_network(tmp_path / "weights") as path:
        seen = FeatureNetwork(path, "clean").look(stored)[:, :8]
        found = InceptionFeatures(kind="inception").build(CPU)(as_float(torch.from_numpy(stored)))
    assert np.allclose(found.numpy(), seen, rtol=1e-4, atol=1e-5)


def test_a_metric_over_the_features_of_a_finish_may_not_judge_it(tmp_path: Path) -> None:
    inception = FinishOptions(features=InceptionFeatures(kind="inception"))
    with weights_with_network(tmp_path / "weights") as path:
        copied = "other.pt"
        (path.parent / copied).write_bytes(path.read_bytes())
        renamed = FdFeatures(network=copied, size=32)
        for metric in (Fid(), Fid(mode="legacy_pytorch"), renamed):
            with pytest.raises(ValueError, match=f"'{metric.plugin}', which sees through them"):
                require_other_features("kdm", inception, [metric])
        require_other_features("kdm", FinishOptions(), [Fid(), renamed])
        (path.parent / "another.pt").write_bytes(b"another")
        require_other_features("kdm", inception, [FdFeatures(network="another.pt")])


@pytest.mark.parametrize(
    ("features", "shape", "says"),
    [
        (RandomMaps(), (2,), "features of pictures"),
        (RandomMaps(), (1, 4, 4), "needs pictures of 8 pixels a side, and these have 4"),
        (RandomMaps(grid=4), (1, 8, 8), "needs pictures of 16 pixels a side"),
    ],
)
def test_samples_without_such_features_are_refused(
    features: RandomMaps, shape: tuple[int, ...], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        features.require_shape(shape)
