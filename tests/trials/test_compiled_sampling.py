"""A compiled teacher makes the same pairs but for round-off: a minute of compiling."""

import shutil

import numpy as np
import pytest
from small_unet import SPEC, as_bytes, made_by, teacher

from pairgen.ordered_pool import OrderedPool
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.worker import ShardJob
from pairgen.workers import Workforce, prepared_workers

pytestmark = [
    pytest.mark.trials,
    pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler"),
]
JOBS = [ShardJob("train", np.arange(first, first + 16)) for first in (0, 16, 32)]


def test_two_workers_with_a_compiled_teacher_move_no_pair_by_more_than_round_off() -> None:
    spec = SPEC.model_copy(update={"sampler": EdmHeun(num_steps=10)})
    force = Workforce("cpu", 16, num_threads=1, num_workers=2, is_compiled=True)
    compiled = prepared_workers(spec, teacher(), [], workforce=force, num_shards=3, shard_size=16)
    with compiled as workers, OrderedPool(workers) as pool:
        made = list(pool.results(iter(JOBS), on_message=lambda said: None))
    x_0 = np.concatenate([shard.columns["x_0"] for shard in made])
    plain = made_by(count=48, sampling_batch=16, num_steps=10)
    assert np.abs(x_0 - plain).max() <= 1e-5
    assert (as_bytes(x_0) == as_bytes(plain)).mean() >= 0.999  # of 9,216
    assert [shard.environment["compiled"] for shard in made] == [True] * 3
