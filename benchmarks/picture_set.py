"""A set of pictures of 3×32×32 that a teacher with random weights makes, by the code of `generate-pairs`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import safetensors.torch
import torch

from pairgen.ordered_pool import OrderedPool
from pairgen.precision import Precision
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.spec import PairSpec, TeacherIdentity
from pairgen.teachers.edm import EdmTeacher
from pairgen.teachers.plugin import weights_digest
from pairgen.teachers.teacher import Teacher, load_teacher
from pairgen.worker import MadeShard, ShardJob, Worker
from pairgen.workers import Workforce, prepared_workers
from storage.folders import folder_at
from storage.records import NoiseRule, PairSchema
from storage.store import PairStore

SHAPE = (3, 32, 32)
NUM_STEPS = 18  # of Heun's: 35 evaluations
_STILL = ("conv1", "proj", "aux_conv")  # layers that begin at next to nothing


@dataclass(frozen=True)
class PictureSet:
    """A set that grows by shards."""

    worker: Worker
    pool: OrderedPool[ShardJob, MadeShard]
    store: PairStore
    shards: Iterator[int]

    def grow(self, num_shards: int) -> None:
        """Make, write and commit the next shards."""
        shards = [next(self.shards) for _ in range(num_shards)]
        jobs = [ShardJob(self.store.split, self.store.indices(shard)) for shard in shards]
        made = self.pool.results(jobs, lambda _said: None)
        for shard, each in zip(shards, made, strict=True):
            self.store.write_columns(
                shard, each.columns, dropped=each.dropped, environment=each.environment
            )
        self.store.commit((shards[-1] + 1) * self.store.shard_size)


@contextmanager
def picture_set(
    folder: str,
    spec: PairSpec,
    teacher: Teacher,
    *,
    shard_size: int,
    batch: int,
    device: str = "cpu",
) -> Iterator[PictureSet]:
    """An empty one, of one worker with one thread; `folder` holds nothing else."""
    layout = f"wds-{shard_size}"
    store = PairStore.create(folder_at(folder), spec.document(), split="train", layout=layout)
    workforce = Workforce(device, batch, num_threads=1, num_workers=1)
    sizes = {"num_shards": 1, "shard_size": shard_size}
    with (
        prepared_workers(spec, teacher, [], workforce=workforce, **sizes) as workers,
        OrderedPool(workers) as pool,
    ):
        yield PictureSet(workers[0], pool, store, count())


def spec_and_teacher(
    channels: int, weights: bytes, *, precision: Precision = "float32"
) -> tuple[PairSpec, Teacher]:
    """EDM's teacher of this width, and its pairs as bytes."""
    plugin = _plugin(channels)
    digest = weights_digest(plugin, weights)
    spec = PairSpec(
        teacher=TeacherIdentity(plugin=plugin, weights=digest),
        sampler=EdmHeun(num_steps=NUM_STEPS),
        pairs=PairSchema(
            shape=SHAPE, x_0_dtype="uint8", rounding="floor", noise=NoiseRule(scale=80)
        ),
        precision=precision,
    )
    return spec, load_teacher(plugin, SHAPE, weights=weights, digest=digest)


def random_weights(channels: int) -> bytes:
    """Such that all layers do something."""
    torch.manual_seed(0)
    weights = _plugin(channels).build(SHAPE).state_dict()
    for name, each in weights.items():
        if each.ndim > 1 and name.split(".")[-2].endswith(_STILL):
            each.normal_(std=0.3 / each[0].numel() ** 0.5)
    return safetensors.torch.save(weights)


def _plugin(channels: int) -> EdmTeacher:
    network = {"kind": "song-unet", "model_channels": channels}
    return EdmTeacher.model_validate({"network": network})
