"""States between noise and data: read by those who ask, the same from everywhere, and no bytes for others."""

import numpy as np
import pytest
import torch

from kdm.batch import Batch
from kdm.data import StreamedSource, resident_source
from kdm.training.inputs import PairsInput
from kdm.training.micro_batches import Parts
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice
from kdm.training.ranks import Ranks
from storage.folders import Folder
from storage.noise import derive_noise
from storage.reading.order import Order
from storage.reading.reader import PairReader
from storage.reading.share import Share
from storage.records import PairBatch, PairSchema
from storage.store import PairStore

CPU, COUNT, LAYOUT = torch.device("cpu"), 96, "wds-64"
SCHEMA = PairSchema(shape=(2,), num_states=3, states_dtype="float16")
HELD = 4 * (2 + 2) + 8  # bytes of x_0, x_T and index


@pytest.fixture
def store(home: Folder) -> PairStore:
    """States that hold their index and their number."""
    spec = {"version": 1, "sampler": {"plugin": "none"}, "pairs": SCHEMA.model_dump(mode="json")}
    made = PairStore.create(home / "pairs", spec, split="train", layout=LAYOUT)
    for shard in made.missing(COUNT):
        index = made.indices(shard)
        x_T = derive_noise(SCHEMA.noise, "train", index, SCHEMA.shape)
        number = np.tile(np.arange(3), (len(index), 1))
        states = np.stack([np.tile(index[:, None], (1, 3)), number], 2).astype(np.float16)
        made.write(shard, PairBatch(index, x_T, x_T / 2, states=states), dropped={}, environment={})
    made.commit(COUNT)
    return made


def source(store: PairStore, *, has_states: bool = True, **changes: object):
    pairs = PairsInput(
        kind="pairs", url=store.folder.url, layout=LAYOUT, count=COUNT, masks=(), **changes
    )
    said: list[Notice] = []
    training = TrainingOptions(batch_size=32)
    found = pairs.source(training, CPU, notify=said.append, has_states=has_states)
    return found, said[0].notice


def belongs(batch: Batch) -> bool:
    """Whether each row's states are its own, in order and in float32."""
    wanted = torch.stack([batch.index.float()[:, None].expand(-1, 3), torch.arange(3.0).expand(len(batch.index), 3)], 2)
    return torch.equal(batch.between(), wanted)


@pytest.mark.parametrize("in_memory", [0, 2**30])
def test_states_follow_their_pairs_from_memory_and_from_files(store, in_memory):
    found, said = source(store, in_memory_bytes=in_memory)
    assert isinstance(found, StreamedSource) == (not in_memory)
    assert f"{COUNT * (HELD + 3 * 2 * 2):,} bytes" in said
    assert all(belongs(found.next_batch()) for _ in range(5))


@pytest.mark.parametrize("in_memory", [0, 2**30])
def test_states_that_nobody_reads_take_no_memory(store, in_memory):
    found, said = source(store, has_states=False, in_memory_bytes=in_memory)
    assert f"{COUNT * HELD:,} bytes" in said
    batch, reading = found.next_batch(), source(store)[0].next_batch()
    assert batch.states is None
    assert torch.equal(batch.x_0, reading.x_0)
    with pytest.raises(ValueError, match="doesn't read any"):
        batch.between()


def test_ranks_and_micro_batches_get_the_states_of_their_own_rows(store):
    for rank in range(2):
        reader = PairReader(store, Order(0, COUNT), 32, share=Share(rank, 2), threads=0)
        streamed, resident = StreamedSource(reader), resident_source(reader, lie_on=CPU)
        for _ in range(3):
            batch = streamed.next_batch()
            assert belongs(batch)
            assert torch.equal(batch.between(), resident.next_batch().between())
            options = TrainingOptions(batch_size=32, micro_batch=4, draws="sample")
            parts = [part.batch for part in Parts(options, Ranks(rank, 2)).of(batch)]
            assert len(parts) == 4
            assert all(map(belongs, parts))
