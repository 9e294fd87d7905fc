"""States between noise and data: read by those who ask, the same from everywhere, and no bytes for others."""

import numpy as np
import pytest
import torch

from kdm.batch import Batch
from kdm.data import StreamedSource, resident_source
from kdm.students.koopman_timed import KoopmanTimed
from kdm.training.errors import Interrupted
from kdm.training.inputs import PairsInput
from kdm.training.job import TrainingJob
from kdm.training.micro_batches import Parts, mean_losses
from kdm.training.options import TrainingOptions
from kdm.training.progress import Notice
from kdm.training.ranks import ALONE, Ranks
from kdm.training.run_job import run_job
from storage.digest import unseal
from storage.folders import Folder
from storage.noise import derive_noise
from storage.options import parse
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
    own = batch.index.float()[:, None].expand(-1, 3)
    return torch.equal(batch.between(), torch.stack([own, torch.arange(3.0).expand_as(own)], 2))


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
            parts = [part.batch for part in Parts(options, Ranks(rank, 2)).of(batch, 3)]
            assert len(parts) == 4
            assert all(map(belongs, parts))


MODEL = {
    "plugin": "kdm-t",
    "networks": {"kind": "mlp", "latent_dim": 8, "width": 16, "num_layers": 2},
    "losses": {"num_states": 2, "lat": 0.1, "rec": 0.1, "again": 0.5},
    "levels": [[1, 1], [1, 0.7], [1, 0.4], [1, 0.2]],
    "warm_up_share": 0.5,
}


def job(
    store: PairStore, folder: str, *, in_memory: int = 2**30, **training: object
) -> TrainingJob:
    pairs = {
        "kind": "pairs",
        "url": store.folder.url,
        "layout": LAYOUT,
        "count": COUNT,
        "masks": [],
    }
    options = {"num_steps": 8, "batch_size": 32, "checkpoint_every": 2, "log_every": 1}
    document = {
        "group": "kdm.students",
        "model": MODEL,
        "source": {**pairs, "in_memory_bytes": in_memory},
        "training": {**options, "draws": "sample", "warmup_steps": 2, **training},
        "folder": (store.folder / folder).url,
        "device": "cpu",
    }
    return parse(TrainingJob, document, "job")


def losses(store: PairStore, folder: str) -> list[dict[str, float]]:
    document = unseal((store.folder / folder).read("losses.json"), "losses")
    return [entry["losses"] for entry in document["losses"]]


def test_a_stopped_training_that_reads_states_ends_with_the_same_bits(store: PairStore) -> None:
    run_job(job(store, "whole"), report=lambda _: None)
    asked = iter([False] * 5 + [True])
    with pytest.raises(Interrupted):
        run_job(
            job(store, "stopped", in_memory=0),
            report=lambda _: None,
            should_stop=lambda: next(asked),
        )
    run_job(job(store, "stopped", in_memory=0), report=lambda _: None)
    for name in ("model.safetensors", "losses.json"):
        both = [(store.folder / each).read(name) for each in ("whole", "stopped")]
        assert both[0] == both[1]
    assert set(losses(store, "whole")[0]) == {"pred", "pred_states", "total"}
    assert {"later", "lat", "rec", "again"} < set(losses(store, "whole")[-1])


def test_micro_batches_have_the_losses_of_the_whole_batch(store: PairStore) -> None:
    for folder, options in (("whole", {}), ("quarters", {"micro_batch": 8})):
        run_job(job(store, folder, **options), report=lambda _: None)
    both = zip(losses(store, "whole"), losses(store, "quarters"), strict=True)
    assert all(other == pytest.approx(one, rel=1e-5) for one, other in both)


def test_two_ranks_together_have_the_losses_of_one_process(store: PairStore) -> None:
    torch.manual_seed(0)
    student = parse(KoopmanTimed, {k: v for k, v in MODEL.items() if k != "plugin"}, "model")
    built, options = student.build(SCHEMA), TrainingOptions(batch_size=32, draws="sample")
    found = []
    for ranks in ([ALONE], [Ranks(0, 2), Ranks(1, 2)]):
        measured = []
        for rank in ranks:
            reader = PairReader(store, Order(0, COUNT), 32, share=rank.share, threads=0)
            parts = Parts(options, rank)
            (part,) = parts.of(StreamedSource(reader).next_batch(), 3)
            with parts.drawing(3, part):
                measured.append(built.measure(part.batch))
        found.append(mean_losses(measured))
    one, two = found
    assert one.terms.keys() == two.terms.keys() > {"later", "again"}
    assert all(torch.allclose(one.terms[name], two.terms[name], rtol=1e-5) for name in one.terms)
