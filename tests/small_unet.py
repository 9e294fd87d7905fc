"""A teacher with a small SongUNet, whose random weights are large enough to matter, and its pairs."""

import numpy as np
import torch
from scipy.stats import binom

from pairgen.ordered_pool import OrderedPool
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.spec import PairSpec, TeacherIdentity
from pairgen.teachers.edm import EdmTeacher
from pairgen.teachers.teacher import Teacher
from pairgen.worker import ShardJob, Worker
from storage.records import LabelRule, NoiseRule, PairSchema

SHAPE = (3, 8, 8)
PLUGIN = EdmTeacher(
    network={"kind": "song-unet", "model_channels": 8, "channel_mult": (1, 2), "num_blocks": 1},
    num_classes=10,
)
SPEC = PairSpec(
    teacher=TeacherIdentity(plugin=PLUGIN, weights="0" * 64),
    sampler=EdmHeun(),
    pairs=PairSchema(
        shape=SHAPE, noise=NoiseRule(seed=3, scale=80.0), label=LabelRule(num_classes=10)
    ),
)
SHARD = 64  # indices


def teacher() -> Teacher:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        field = PLUGIN.build(SHAPE)
        for parameter in field.parameters():
            if parameter.ndim > 1:
                torch.nn.init.xavier_normal_(parameter)
    return field.eval().requires_grad_(False)


def made_by(
    *,
    count: int,
    sampling_batch: int,
    num_threads: int = 1,
    num_workers: int = 1,
    num_steps: int = 18,
) -> np.ndarray:
    """x_0 of the first `count` indices, shard by shard."""
    field, cpu = teacher(), torch.device("cpu")
    spec = SPEC.model_copy(update={"sampler": EdmHeun(num_steps=num_steps)})
    workers = [Worker(spec, field, cpu, sampling_batch, num_threads) for _ in range(num_workers)]
    firsts = range(0, count, SHARD)
    jobs = [ShardJob("train", np.arange(first, min(first + SHARD, count))) for first in firsts]
    with OrderedPool(workers) as pool:
        made = pool.results(jobs, on_message=lambda said: None)
        return np.concatenate([shard.columns["x_0"] for shard in made])


def as_bytes(x_0: np.ndarray) -> np.ndarray:
    """As a set of pictures stores them."""
    return np.clip(np.rint(127.5 * x_0 + 127.5), 0, 255).astype(np.uint8)


def require_equal_but_for_rounding(found: np.ndarray, wanted: np.ndarray) -> None:
    """Samples 1e-5 apart at most, bytes one level, and so few of them as one in ten thousand explains.

    An edge between two bytes may lie between values that round-off alone keeps apart: of 1,920 bytes
    five may differ, of three million 394. A right program passes all but once in a million times.
    """
    assert np.abs(found - wanted).max() <= 1e-5
    apart = np.abs(as_bytes(found).astype(int) - as_bytes(wanted).astype(int))
    assert apart.max() <= 1
    assert apart.sum() <= binom.isf(1e-6, apart.size, 1e-4)
