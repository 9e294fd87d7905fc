"""A step in parts, on other ranks or in micro-batches, is the step of one process, but for rounding."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from shared_steps import ADVERSARY, SCHEMA, job
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.data import StreamedSource, resident_source
from kdm.objective import Losses, Objective, Player
from kdm.randomness.draws import drawing_from, draws
from kdm.randomness.sample_draws import SampleDraws
from kdm.training.job import TrainingJob
from kdm.training.micro_batches import Parts, require_divisible, require_whole_batches
from kdm.training.options import TrainingOptions
from kdm.training.ranks import ALONE, Ranks, own_device
from kdm.training.run_job import run_job
from storage.digest import unseal
from storage.folders import Folder
from storage.options import parse
from storage.reading.order import Order
from storage.reading.reader import PairReader
from storage.store import PairStore

PLACE, LIKE = torch.arange(16), torch.zeros(1)
RELATIVISTIC = {"kind": "relativistic", "num_halvings": 2, "width": 4}
CPU = torch.device("cpu")


def drawn(place: Tensor, *, first: int, step: int = 3) -> dict[str, Tensor]:
    """All kinds, with dropout of two passes joined: all samples, and the first few."""
    n, source = len(place), SampleDraws(7).turn_to(step, place)
    joined = source.dropout(torch.ones(n + first, 3, 5), 0.3)
    return {
        "normal": source.normal_like(torch.zeros(n, 2, 9)),
        "uniform": source.uniform((4, n), like=LIKE, axis=1).T,
        "coins": source.coins((n, 3), like=LIKE),
        "dropout": joined[:n],
        "dropout of the first": joined[n:],
    }


@pytest.mark.parametrize("num_parts", [2, 4])
def test_a_samples_numbers_are_the_same_in_any_part_of_its_batch(num_parts: int) -> None:
    whole = drawn(PLACE, first=8)
    for part in range(num_parts):
        own = drawn(PLACE[part::num_parts], first=8 // num_parts)
        assert all(torch.equal(own[name], whole[name][part::num_parts]) for name in whole)


def test_numbers_differ_by_step_and_call_and_sample() -> None:
    source = SampleDraws(7).turn_to(0, PLACE)
    words = [source.normal((16, 64), like=LIKE) for _ in range(3)]
    words.append(source.turn_to(1, PLACE).normal((16, 64), like=LIKE))
    assert torch.cat(words).flatten().unique().numel() == 4 * 16 * 64


def test_numbers_of_samples_have_the_moments_of_torchs() -> None:
    source = SampleDraws(0).turn_to(0, torch.arange(2000))
    z, u = (each((2000, 100), like=LIKE) for each in (source.normal, source.uniform))
    moments = torch.stack([z.mean(), z.var() - 1, z.pow(4).mean() - 3, u.mean() - 0.5])
    assert moments.abs().max() < 0.07
    assert abs(u.var().item() - 1 / 12) < 0.001
    assert abs(source.coins((2000, 100), like=LIKE).float().mean().item() - 0.5) < 0.005
    left = source.dropout(torch.ones(2000, 100), 0.13)
    assert abs((left == 0).float().mean().item() - 0.13) < 0.005
    assert abs(left.mean().item() - 1) < 0.01


def test_a_share_of_0_drops_nothing_and_asks_for_no_number() -> None:
    source, x = SampleDraws(0).turn_to(0, PLACE), torch.ones(16, 4)
    assert source.dropout(x, 0.0) is x
    again = SampleDraws(0).turn_to(0, PLACE).normal_like(x)
    assert torch.equal(source.normal_like(x), again)


@pytest.mark.parametrize("num_ranks", [1, 2, 4])
@pytest.mark.parametrize("is_in_memory", [True, False])
def test_the_ranks_rows_dealt_in_turn_are_the_batches_of_one_process(
    home: Folder, num_ranks: int, is_in_memory: bool
) -> None:
    parse(TrainingJob, job(home, "student"), "job")
    store = PairStore.open(home / "pairs", split="train", layout="wds-64")
    together = torch.empty(9, 16, dtype=torch.int64)
    for rank in range(num_ranks):
        share = Ranks(rank, num_ranks).share
        reader = PairReader(store, Order(1, 48), 16, share=share, threads=0)
        source = resident_source(reader, lie_on=CPU) if is_in_memory else StreamedSource(reader)
        for batch in together:
            batch[rank::num_ranks] = source.next_batch().index
    expected = np.concatenate([Order(1, 48).epoch(epoch) for epoch in range(3)])
    assert together.flatten().tolist() == expected.tolist()


def without_norm(home: Folder, folder: str, **training: Any) -> TrainingJob:
    described = job(home, folder, num_steps=8, learning_rate=1e-3, **training)
    described["model"] |= {"adversary": RELATIVISTIC}
    return parse(TrainingJob, described, "job")


def trained(home: Folder, folder: str, **training: Any) -> list[dict[str, float]]:
    """The losses of every step."""
    run_job(without_norm(home, folder, **training), report=lambda _: None)
    document = unseal((home / folder).read("losses.json"), "losses")
    return [entry["losses"] for entry in document["losses"]]


def test_micro_batches_have_the_losses_of_the_whole_batch_and_its_name(home: Folder) -> None:
    whole, halves = trained(home, "whole"), trained(home, "halves", micro_batch=8)
    apart = [
        abs(one[name] - other[name])
        for one, other in zip(whole, halves, strict=True)
        for name in one
    ]
    assert 0 < max(apart) < 1e-4
    said: list[object] = []
    run_job(without_norm(home, "whole", micro_batch=4), report=said.append)
    assert not said  # it is done already


def test_draws_by_sample_are_another_training_and_draws_by_step_the_old_one() -> None:
    assert "draws" not in TrainingOptions().identity()
    assert TrainingOptions(draws="step").identity() == TrainingOptions().identity()
    assert TrainingOptions(draws="sample").identity()["draws"] == "sample"
    assert TrainingOptions(micro_batch=8).identity() == TrainingOptions().identity()


@pytest.mark.parametrize(
    ("options", "num_ranks", "reason"),
    [
        ({"batch_size": 10}, 4, "4 ranks can't share evenly"),
        ({"batch_size": 16, "micro_batch": 3}, 2, "doesn't divide a rank's 8 samples"),
        ({"batch_size": 16}, 2, "set training.draws to 'sample'"),
        ({"batch_size": 16, "micro_batch": 4}, 1, "set training.draws to 'sample'"),
    ],
)
def test_parts_that_would_be_another_training_are_refused(
    options: dict[str, Any], num_ranks: int, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        require_divisible(TrainingOptions(**options), num_ranks)


def test_statistics_of_a_whole_batch_are_refused_where_no_part_has_it(home: Folder) -> None:
    described = parse(TrainingJob, job(home, "student", micro_batch=4), "job")
    assert ADVERSARY["kind"] == "non-saturating"
    with pytest.raises(ValueError, match="'critic' normalises by the statistics of a whole batch"):
        run_job(described, report=lambda _: None)
    foreign = nn.BatchNorm1d(2)
    objective = Objective(foreign, (Player("model", foreign, lambda _: Losses(LIKE[0], {})),))
    with pytest.raises(ValueError, match="BatchNorm1d, whose statistics are a rank's own"):
        require_whole_batches(objective, TrainingOptions(draws="sample"), Ranks(0, 2))


def test_a_share_of_rows_that_parts_cannot_have_alike_is_refused() -> None:
    x_0 = torch.zeros(5, 2)
    assert Batch(torch.arange(5), x_0).num_first(0.25) == 2
    assert Batch(torch.arange(5), x_0, num_parts=2).num_first(0.4) == 2
    with pytest.raises(ValueError, match=r"0\.25 of training\.batch_size 10 is 3 samples"):
        Batch(torch.arange(5), x_0, num_parts=2).num_first(0.25)


def test_a_model_that_asks_torch_for_numbers_is_refused_where_samples_have_their_own() -> None:
    batch = Batch(torch.arange(4), torch.zeros(4, 2))
    parts = Parts(TrainingOptions(batch_size=4, draws="sample"), ALONE)
    (part,) = parts.of(batch, 0)
    with (
        pytest.raises(ValueError, match=r"draw through kdm\.randomness\.draws"),
        parts.drawing(0, part),
    ):
        torch.randn(2)
    with parts.drawing(0, part):
        draws().normal_like(batch.x_0)


def test_outside_of_a_step_numbers_are_torchs() -> None:
    with drawing_from(SampleDraws(0).turn_to(0, PLACE)):
        pass
    torch.manual_seed(0)
    own = draws().normal_like(torch.zeros(3, 2))
    torch.manual_seed(0)
    assert torch.equal(own, torch.randn(3, 2))


def test_the_schema_is_large_enough_for_a_critic_that_normalises() -> None:
    from kdm.losses.adversarial import NonSaturating

    critic = NonSaturating(num_halvings=2, width=4).critic(SCHEMA.shape)
    kinds = [type(module).__name__ for module in critic.modules()]
    assert len(list(islice((kind for kind in kinds if kind == "SharedBatchNorm2d"), 2))) == 1


def test_a_rank_without_a_gpu_of_its_own_is_refused() -> None:
    beyond = str(torch.cuda.device_count())
    environment = {"LOCAL_RANK": beyond, "WORLD_SIZE": "9"}
    with pytest.raises(ValueError, match="start as many ranks as there are GPUs"):
        own_device(torch.device("cuda"), environment)
    assert own_device(CPU, environment) == CPU
