"""Batches for a loop of one's own: the trainer's order, on any ranks and workers, resumed exactly."""

import json
import os
import pickle
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain, islice
from multiprocessing.context import set_spawning_popen
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import filled_store
from torch import Tensor
from torch.utils.data import DataLoader

import kdm
from kdm.data import resident_source
from storage.folders import folder_at
from storage.reading.order import Order
from storage.reading.reader import PairReader
from storage.store import PairStore

SIZE = 33  # of a batch: 31 of them are an epoch of the 1,023 pairs
RANKS_AND_WORKERS = [(1, 0), (2, 1), (3, 2)]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> kdm.PairSet:
    place = tmp_path_factory.mktemp("batches") / "set"
    filled_store(folder_at(str(place)), 1000)
    return kdm.open_pairs(place)


@pytest.fixture(scope="module")
def expected(pairs: kdm.PairSet) -> list[list[int]]:
    """The indices of the first 70 batches, as the trainer gets them."""
    store = PairStore.open(folder_at(pairs.url), split="train", layout=pairs.layout)
    reader = PairReader(store, Order(0, pairs.num_indices), SIZE, masks=())
    source = resident_source(reader, lie_on=torch.device("cpu"))
    return [source.next_batch().index.tolist() for _ in range(70)]


def indices(batches: Iterable[kdm.PairTensors], num: int | None = None) -> list[list[int]]:
    return [batch.index.tolist() for batch in islice(batches, num)]


def over_ranks(pairs: kdm.PairSet, num_ranks: int, num_workers: int) -> list[kdm.PairBatches]:
    each = range(num_ranks)
    return [
        pairs.batches(SIZE, rank=rank, ranks=num_ranks, num_workers=num_workers) for rank in each
    ]


def together(ranks: list[list[list[int]]]) -> list[list[int]]:
    """What all ranks got of each batch."""
    return [list(chain(*parts)) for parts in zip(*ranks, strict=True)]


def test_batches_are_the_trainers_bit_for_bit(pairs: kdm.PairSet) -> None:
    store = PairStore.open(folder_at(pairs.url), split="train", layout=pairs.layout)
    reader = PairReader(store, Order(4, pairs.num_indices), SIZE, masks=())
    source = resident_source(reader, lie_on=torch.device("cpu"))
    for batch in pairs.batches(SIZE, seed=4, num_steps=3):
        of_trainer = source.next_batch()
        for name in ("index", "x_T", "x_0"):
            assert torch.equal(getattr(batch, name), getattr(of_trainer, name))


@pytest.mark.parametrize("after", RANKS_AND_WORKERS, ids=str)
@pytest.mark.parametrize("before", RANKS_AND_WORKERS, ids=str)
def test_a_resume_in_mid_epoch_on_other_ranks_and_workers_loses_and_repeats_nothing(
    before: tuple[int, int],
    after: tuple[int, int],
    pairs: kdm.PairSet,
    expected: list[list[int]],
) -> None:
    first = over_ranks(pairs, *before)
    taken = together([indices(batches, 20) for batches in first])
    states = [batches.state_dict() for batches in first]
    assert all(state == states[0] for state in states)
    later = over_ranks(pairs, *after)
    for batches in later:
        batches.load_state_dict(json.loads(json.dumps(states[0])))
    taken += together([indices(batches, 20) for batches in later])
    assert taken == expected[:40]


def test_the_batches_of_an_epoch_are_every_pair_once(pairs: kdm.PairSet) -> None:
    for num_ranks, num_workers in RANKS_AND_WORKERS:
        each = range(num_ranks)
        ranks = [
            pairs.batches(SIZE, num_epochs=1, num_workers=num_workers, rank=rank, ranks=num_ranks)
            for rank in each
        ]
        found = sorted(chain(*chain(*map(indices, ranks))))
        assert found == pairs.read().index.tolist()


@pytest.mark.parametrize("num_workers", [0, 1, 2])
def test_a_dataloader_gives_the_same_and_each_batch_says_how_to_go_on(
    num_workers: int, pairs: kdm.PairSet, expected: list[list[int]]
) -> None:
    batches = pairs.batches(SIZE, num_steps=12)
    loader = DataLoader(batches, batch_size=None, num_workers=num_workers)
    taken = list(islice(loader, 8))
    later = pairs.batches(SIZE, num_steps=12)
    later.load_state_dict(taken[-1].state)
    assert indices(taken) + indices(later) == expected[:12]


def forked(batches: kdm.PairBatches) -> None:
    next(iter(DataLoader(batches, batch_size=None, num_workers=1)))


def spawned(batches: kdm.PairBatches) -> None:
    """As a process that is spawned gets them."""
    set_spawning_popen(object())
    try:
        pickle.dumps(batches)
    finally:
        set_spawning_popen(None)


@pytest.mark.parametrize("read", [forked, spawned])
def test_batches_that_workers_have_read_do_not_pretend_to_know_how_far(
    read: Callable[[kdm.PairBatches], None], pairs: kdm.PairSet
) -> None:
    batches = pairs.batches(SIZE)
    state = batches.state_dict()
    read(batches)
    with pytest.raises(ValueError, match=r"save `batch\.state`"):
        batches.state_dict()
    batches.load_state_dict(state)
    assert batches.state_dict() == state


def test_a_copy_reads_from_where_the_first_one_is(
    pairs: kdm.PairSet, expected: list[list[int]]
) -> None:
    batches = pairs.batches(SIZE)
    indices(batches, 3)
    assert indices(deepcopy(batches), 2) == expected[3:5]
    assert indices(batches, 2) == expected[3:5]


def test_a_loop_begins_where_the_one_before_was_left(
    pairs: kdm.PairSet, expected: list[list[int]]
) -> None:
    batches = pairs.batches(SIZE)
    assert indices(batches, 3) + indices(batches, 4) == expected[:7]
    assert batches.state_dict()["step"] == 7


@pytest.mark.parametrize("bounds", [{"num_steps": 31}, {"num_epochs": 1}], ids=str)
def test_batches_that_ended_are_not_taken_for_another_epoch(
    bounds: dict[str, int], pairs: kdm.PairSet
) -> None:
    batches = pairs.batches(SIZE, **bounds)
    assert len(list(batches)) == 31
    with pytest.raises(ValueError, match="a new loop would get none"):
        list(batches)
    resumed = pairs.batches(SIZE, **bounds)
    resumed.load_state_dict(batches.state_dict())
    assert list(resumed) == []


def test_two_loops_at_a_time_are_refused(pairs: kdm.PairSet) -> None:
    batches = pairs.batches(SIZE)
    first = iter(batches)
    next(first)
    next(iter(batches))
    with pytest.raises(ValueError, match="have one loop at a time"):
        next(first)
    second = iter(batches)
    batches.load_state_dict(batches.state_dict())
    with pytest.raises(ValueError, match="a state was loaded"):
        next(second)


def test_a_loop_does_not_go_on_in_a_copy_of_its_process(pairs: kdm.PairSet) -> None:
    loop = iter(pairs.batches(SIZE))
    next(loop)
    child = os.fork()
    if child == 0:
        try:
            next(loop)
        except ValueError as error:
            os._exit(0 if "with its rank= and ranks=" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"set_digest": "0" * 64}, "saved of the set 0000"),
        ({"seed": 1}, "saved with seed 1, and these batches are with seed 0"),
        ({"batch_size": 64}, "with batch_size 64"),
        ({"count": 512}, "with count 512"),
        ({"masks": ["0" * 64]}, "decisions 000000000000, .* decisions none"),
        ({"offset": 2000}, "offset 2,000, and an epoch has 1,024"),
        ({"epoch": -1}, "epoch"),
        ({"version": 2}, "version"),
        ({"epoche": 1}, "did you mean 'epoch'"),
    ],
    ids=str,
)
def test_a_state_of_other_batches_is_refused(
    change: dict[str, Any], says: str, pairs: kdm.PairSet
) -> None:
    batches = pairs.batches(SIZE)
    state = batches.state_dict()
    with pytest.raises(ValueError, match=says):
        batches.load_state_dict({**state, **change})
    with pytest.raises(ValueError, match=r"^state is a list"):
        batches.load_state_dict([1])  # type: ignore[arg-type]
    assert batches.state_dict() == state


def test_a_state_lives_in_a_checkpoint_that_loads_no_code(
    pairs: kdm.PairSet, tmp_path: Path
) -> None:
    state = pairs.batches(SIZE).state_dict()
    torch.save({"batches": state}, tmp_path / "checkpoint.pt")
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["batches"] == state


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 32.0}, "batch_size is 32.0"),
        ({"seed": -1}, "seed is -1"),
        ({"num_workers": -1}, "num_workers is -1"),
        ({"num_steps": 0}, "num_steps is 0"),
        ({"num_steps": 1, "num_epochs": 1}, "give one of them"),
        ({"batch_size": 2048, "num_epochs": 2}, "don't fill one batch of 2,048"),
        ({"rank": 1}, "give both, or neither"),
        ({"rank": 2, "ranks": 2}, "rank is 2 of 2; it must be 0 to 1"),
        ({"rank": True, "ranks": 2}, "rank is True"),
        ({"batch_size": 2, "rank": 0, "ranks": 3}, "3 ranks need at least a row each"),
    ],
    ids=str,
)
def test_numbers_that_do_not_fit_are_refused_before_the_first_batch(
    asked: dict[str, Any], says: str, pairs: kdm.PairSet
) -> None:
    with pytest.raises(ValueError, match=says):
        pairs.batches(**{"batch_size": SIZE, **asked})


def test_a_process_of_torchrun_does_not_read_what_all_the_others_read(
    pairs: kdm.PairSet, expected: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ValueError, match=r"torch\.distributed\.init_process_group first"):
        pairs.batches(SIZE)
    for name, value in {"is_initialized": True, "get_rank": 1, "get_world_size": 3}.items():
        monkeypatch.setattr(torch.distributed, name, lambda value=value: value)
    assert indices(pairs.batches(SIZE), 2) == [batch[11:22] for batch in expected[:2]]


def test_pairs_go_to_a_device_with_all_their_tensors(pairs: kdm.PairSet) -> None:
    read = pairs.read(10)
    moved = read.to("meta")
    tensors = {name for name, each in vars(read).items() if isinstance(each, Tensor)}
    assert tensors == {"index", "x_T", "x_0"}
    assert {vars(moved)[name].device.type for name in tensors} == {"meta"}


def test_a_dataloader_that_would_batch_batches_is_refused(pairs: kdm.PairSet) -> None:
    with pytest.raises(TypeError, match="PairTensors"):
        next(iter(DataLoader(pairs.batches(SIZE), batch_size=4)))


def test_a_set_that_was_removed_after_it_was_opened_is_named(tmp_path: Path) -> None:
    filled_store(folder_at(str(tmp_path / "set")), 256)
    opened = kdm.open_pairs(tmp_path / "set")
    (tmp_path / "set").rename(tmp_path / "moved")
    uses = [opened.read, opened.heldout, lambda: len(opened), lambda: opened.batches(8)]
    for use in uses:
        with pytest.raises(kdm.StoreError, match="removed or moved; open it where it is now"):
            use()
    assert len(kdm.open_pairs(tmp_path / "moved")) == 255
