"""Who makes pairs, and in what batches, changes none of them."""

import numpy as np
import pytest
import torch
from small_unet import made_by, require_equal_but_for_rounding

from pairgen.batch_size import auto_batch
from pairgen.cores import num_cores
from pairgen.ordered_pool import Channel
from pairgen.samplers.euler import Euler
from pairgen.spec import PairSpec, TeacherIdentity
from pairgen.teachers.gaussian import GaussianTeacher
from pairgen.teachers.gaussian_field import GaussianField
from pairgen.worker import ShardJob, Worker
from pairgen.workers import Workforce, prepared_workers
from storage.errors import StoreError
from storage.records import PairSchema

CPU = torch.device("cpu")
SPEC = PairSpec(
    teacher=TeacherIdentity(plugin=GaussianTeacher(), weights="0" * 64),
    sampler=Euler(num_steps=2),
    pairs=PairSchema(shape=(2,)),
)
JOB = ShardJob("train", np.arange(64))
COUNT = 68  # of pictures: two shards


class Large(GaussianField):
    """Too large for memory with more than `most` samples at once."""

    def __init__(self, most: int) -> None:
        super().__init__(torch.zeros(2), torch.ones(2))
        self.most, self.batches = most, []

    def velocity(self, x, t, label=None):
        self.batches.append(len(x))
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().velocity(x, t, label)


class Vast(GaussianField):
    """Asks for a petabyte of this machine's memory with more than eight samples at once."""

    def velocity(self, x, t, label=None):
        if len(x) > 8:
            torch.empty(2**50)
        return super().velocity(x, t, label)


class Heard(Channel):
    """What was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[int | str] = []

    def send(self, message):
        self.words.append(message)


@pytest.fixture(scope="module")
def pairs():
    return made_by(count=COUNT, sampling_batch=64, num_steps=10)


@pytest.mark.parametrize(
    ("count", "way"),
    [
        pytest.param(10, {"sampling_batch": 1}, marks=pytest.mark.processor),
        (COUNT, {"sampling_batch": 7, "num_workers": 2}),
    ],
)
def test_batch_and_workers_move_no_pair_by_more_than_round_off(pairs, count, way):
    others = made_by(count=count, num_steps=10, **way)
    require_equal_but_for_rounding(others, pairs[:count])


@pytest.mark.processor
def test_a_rounding_that_decides_a_byte_is_allowed_and_a_wrong_sample_is_not(pairs):
    on_edge = np.zeros((10, 3, 8, 8), np.float32)  # 127.5, which becomes 128
    beyond = on_edge.copy()
    beyond.flat[:2] = -1e-6
    require_equal_but_for_rounding(beyond, on_edge)
    for wrong in (on_edge + np.float32(2e-5), on_edge - np.float32(1e-6), pairs[:10]):
        with pytest.raises(AssertionError):
            require_equal_but_for_rounding(wrong, on_edge)


def test_workers_change_no_bit(pairs):
    assert np.array_equal(
        made_by(count=COUNT, sampling_batch=64, num_steps=10, num_workers=3), pairs
    )


def test_a_teacher_without_a_network_is_not_compiled():
    force = Workforce("cpu", 64, 1, 1, is_compiled=True)
    work = {"workforce": force, "num_shards": 1, "shard_size": 64}
    with (
        pytest.raises(ValueError, match="doesn't have a network to compile; set it to false"),
        prepared_workers(SPEC, GaussianTeacher().build((2,)), [], **work),
    ):
        pass


def test_out_of_memory_halves_the_batch_and_says_so_and_the_record_names_it():
    channel, worker = Heard(), Worker(SPEC, Large(20), CPU, sampling_batch=4096)
    made = worker(JOB, channel)
    sentences = [word for word in channel.words if isinstance(word, str)]
    assert sentences[-1].startswith("32 samples at once are more than the memory of cpu holds")
    assert "going on with 16" in sentences[-1]
    assert made.environment["sampling_batch"] == 16
    assert len(sentences) == 2


def test_a_shard_begun_again_is_as_one_that_was_made_in_that_batch():
    halved = Worker(SPEC, Large(20), CPU, sampling_batch=64)(JOB, Channel())
    at_once = Worker(SPEC, Large(64), CPU, sampling_batch=16)(JOB, Channel())
    assert np.array_equal(halved.columns["x_0"], at_once.columns["x_0"])
    assert halved.environment == at_once.environment


def test_a_halved_batch_stays_halved():
    field = Large(20)
    worker = Worker(SPEC, field, CPU, sampling_batch=64)
    worker(JOB, Channel())
    field.batches.clear()
    worker(JOB, Channel())
    assert set(field.batches) == {16}


def test_what_was_done_before_the_memory_was_full_is_not_counted_twice():
    class FullLater(Large):
        def velocity(self, x, t, label=None):
            self.most = 8 if len(self.batches) == 6 else self.most
            return super().velocity(x, t, label)

    channel = Heard()
    Worker(SPEC, FullLater(20), CPU, sampling_batch=16)(JOB, channel)
    counts = [word for word in channel.words if isinstance(word, int)]
    assert sum(counts) == 64
    assert min(counts) < 0


def test_a_processor_without_memory_is_out_of_memory_too():
    assert (
        Worker(SPEC, Vast(torch.zeros(2), torch.ones(2)), CPU, 64)(JOB, Channel()).environment[
            "sampling_batch"
        ]
        == 8
    )


def test_a_sample_that_alone_is_too_large_is_refused_with_a_sentence():
    with pytest.raises(StoreError, match=r"a single sample of shape \[2\] is more than the memory"):
        Worker(SPEC, Large(0), CPU, 64)(JOB, Channel())


def test_an_error_that_is_not_of_memory_is_not_hidden():
    class Wrong(GaussianField):
        def velocity(self, x, t, label=None):
            raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        Worker(SPEC, Wrong(torch.zeros(2), torch.ones(2)), CPU, 64)(JOB, Channel())


@pytest.mark.parametrize(
    ("shape", "batch"),
    [((2,), 4096), ((1, 8, 8), 512), ((3, 32, 32), 8), ((3, 64, 64), 2), ((3, 512, 512), 1)],
)
def test_on_a_processor_the_batch_follows_from_the_shape(shape, batch):
    spec = SPEC.model_copy(update={"pairs": PairSchema(shape=shape)})
    assert auto_batch(spec, Large(0), CPU, shard_size=4096) == batch
    assert auto_batch(spec, Large(0), CPU, shard_size=256) == min(batch, 256)


def test_workers_are_one_for_each_core_and_no_more_than_shards():
    one, auto = Workforce("cpu", 64, 1, 1), Workforce("cpu", 64, 1, 0)
    assert len(one.devices(100)) == 1
    assert len(auto.devices(100)) == num_cores()
    assert len(auto.devices(1)) == 1
    assert len(Workforce("cpu", 64, 2 * num_cores(), 0).devices(100)) == 1


def test_each_worker_has_the_arithmetic_of_the_spec_and_a_batch_of_its_own():
    spec, field = SPEC.model_copy(update={"precision": "bfloat16"}), Large(64)
    workforce = Workforce("cpu", "auto", 1, 2)
    with prepared_workers(
        spec, field, [], workforce=workforce, num_shards=9, shard_size=256
    ) as workers:
        workers[0].sampling_batch = 3
        assert [worker.sampling_batch for worker in workers] == [3, 256]
        assert workers[0].teacher.dtype == torch.bfloat16
    assert field.dtype == torch.float32
