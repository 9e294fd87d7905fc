"""Stage `generate-pairs`: ask the store what is missing, sample it, write it, commit."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from flows.progress import Meter
from flows.recipe import FilterRecipe, GeneratedPairs, ImportedPairs
from flows.stages.cards import write_pairs_card
from flows.stages.filter_pairs import calibrated
from flows.stages.invalid_pairs import InvalidPairs
from flows.stages.run import Run, StageResult, State
from flows.stages.timings import machine, note_timing
from pairgen.environment import environment
from pairgen.filters.judge import Judge, fit_judge
from pairgen.generate import GeneratedShard, generate_shard
from pairgen.spec import DropRule, PairSpec, TeacherIdentity
from pairgen.teachers.teacher import Teacher, load_teacher
from storage.digest import digest_of
from storage.errors import StoreError
from storage.fs import Folder
from storage.importers import import_pairs
from storage.noise import GOLDEN_NOISE, golden_noise_digest
from storage.store import PairStore

STAGE = "generate-pairs"
SPLITS = ("train", "heldout")
# A filter keeps 8 bytes of score and 1 of decision a sample, as base64 (4 bytes for 3), and a row of
# text for each that it drops. A shard adds its tar's heads, its record and the ends of disk blocks.
MASK_BYTES, SHARD_BYTES = 16, 24 * 1024


def generate_pairs(run: Run, teacher: StageResult | None) -> StageResult:
    """Make what is missing of the recipe's pairs; no teacher is asked where nothing is."""
    pairs = run.recipe.pairs
    if isinstance(pairs, ImportedPairs):
        result = _imported(run, pairs)
        _write_card(run, result)
        return result
    assert teacher is not None  # a recipe with generated pairs has a teacher
    spec = pair_spec(run, pairs, weights=teacher.facts["weights"])
    folder = run.pairs_folder(pairs.name, spec.digest())
    stores = open_stores(folder, pairs, spec=spec.document())
    missing = {split: stores[split].missing(num) for split, num in counts(pairs).items()}
    if any(missing.values()):
        _require_sound_noise()
        _require_space(stores, missing)
        _generate(run, spec, stores, missing, teacher)
    result = _committed(stores, pairs, was_missing=any(missing.values()))
    lineage = {
        "teacher": [teacher.name, teacher.digest],
        "teacher_folder": f"teachers/{teacher.name}",
    }
    result = replace(result, facts={**result.facts, **lineage})
    _write_card(run, result)
    return result


def _write_card(run: Run, result: StageResult) -> None:
    """Unless the filter stage does, which knows more."""
    if not run.recipe.filters or not Folder.at(result.folder).exists("card.md"):
        write_pairs_card(run, result)


def pair_spec(run: Run, pairs: GeneratedPairs, *, weights: str) -> PairSpec:
    """The spec of the recipe's pairs, once the teacher's weights are known."""
    assert run.recipe.teacher is not None  # checked by the recipe
    return PairSpec(
        teacher=TeacherIdentity(plugin=run.recipe.teacher.model, weights=weights),
        sampler=pairs.sampler,
        pairs=pairs.pairs,
        drop_at_write=tuple(_drop_rule(run, choice) for choice in pairs.drop_at_write),
    )


def counts(pairs: GeneratedPairs | ImportedPairs) -> dict[str, int]:
    """Indices asked for, by split."""
    return {"train": pairs.train, "heldout": pairs.heldout}


def open_stores(
    folder: Folder, pairs: GeneratedPairs | ImportedPairs, *, spec: Mapping[str, object]
) -> dict[str, PairStore]:
    """Both splits of a set, created where they are not there yet."""
    return {
        split: PairStore.create(folder, spec, split=split, layout=pairs.layout) for split in SPLITS
    }


def _generate(
    run: Run,
    spec: PairSpec,
    stores: Mapping[str, PairStore],
    missing: Mapping[str, list[int]],
    teacher: StageResult,
) -> None:
    pairs = run.recipe.pairs
    assert isinstance(pairs, GeneratedPairs)
    torch.set_num_threads(1)  # part of the environment; two threads gain nothing on small networks
    maker = _Maker(
        spec=spec,
        teacher=_load(spec, teacher, run.device),
        judges=[_judge(run, rule) for rule in spec.drop_at_write],
        environment=environment(
            torch.device(run.device), precision=spec.precision, sampling_batch=pairs.sampling_batch
        ),
    )
    invalid = InvalidPairs.recorded(stores, counts(pairs), missing)
    for split, shards in missing.items():
        meter = Meter(run.report, STAGE, f"{pairs.name} {split}", len(shards), "shards")
        with _timed(maker, stores[split], len(shards)):
            _fill(maker, stores[split], shards, meter=meter, invalid=invalid)


def _fill(
    maker: "_Maker", store: PairStore, shards: list[int], *, meter: Meter, invalid: InvalidPairs
) -> None:
    meter.at(0)
    for done, shard in enumerate(shards, start=1):
        _make_one(maker, store, shard, invalid)
        meter.at(done, f"{maker.spec.sampler.nfe} evaluations a sample")


def _make_one(maker: "_Maker", store: PairStore, shard: int, invalid: InvalidPairs) -> None:
    # A function of its own, so that no shard is in memory while the next one is made.
    made = maker.make(store.split, store.indices(shard))
    invalid.note(store.split, made.invalid)
    store.write_audit(shard, made.audit)
    store.write(shard, made.pairs, dropped=made.dropped, environment=maker.environment)


@contextmanager
def _timed(maker: "_Maker", store: PairStore, num_shards: int) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    num_samples = num_shards * store.shard_size
    if not num_samples:
        return
    timing = {
        "nfe": maker.spec.sampler.nfe,
        "num_samples": num_samples,
        "samples_per_second": num_samples / (time.perf_counter() - wall),
        "samples_per_cpu_second": num_samples / (time.process_time() - cpu),
        "machine": machine(),
    }
    # The training split is the larger one, so its rate is the one to tell.
    note_timing(store.folder, "sampling" if store.split == "train" else store.split, timing)


@dataclass(frozen=True)
class _Maker:
    """All that makes a shard, loaded once a stage."""

    spec: PairSpec
    teacher: Teacher
    judges: list[Judge]
    environment: dict[str, Any]

    def make(self, split: str, index: NDArray[np.int64]) -> GeneratedShard:
        return generate_shard(
            self.spec,
            self.teacher,
            split,
            index,
            sampling_batch=self.environment["sampling_batch"],
            filters=self.judges,
        )


def _committed(
    stores: Mapping[str, PairStore], pairs: GeneratedPairs | ImportedPairs, *, was_missing: bool
) -> StageResult:
    facts: dict[str, object] = {}
    for split, count in counts(pairs).items():
        store = stores[split]
        manifest = store.commit(count)
        facts[split] = {
            "count": count,
            "attempted": manifest.attempted,
            "kept": manifest.kept,
            "contents": digest_of(manifest.content_digests),
        }
    folder = stores["train"].folder
    state: State = "done" if was_missing else "cached"
    return StageResult(STAGE, folder.name, folder.url, stores["train"].spec_digest, state, facts)


def _imported(run: Run, pairs: ImportedPairs) -> StageResult:
    meter = Meter(run.report, STAGE, pairs.name, 0, "pairs")

    def report(done: int, total: int) -> None:
        meter.total = total
        meter.at(done)

    made = import_pairs(
        pairs.importer,
        pairs.source_path(),
        run.home / "pairs",
        name=pairs.name,
        rows={"train": pairs.train_rows, "heldout": pairs.heldout_rows},
        layout=pairs.layout,
        report=report,
        **pairs.options.model_dump(),
    )
    stores = {
        split: PairStore.open(made.folder, split=split, layout=pairs.layout) for split in SPLITS
    }
    return _committed(stores, pairs, was_missing=made.was_missing)


def _load(spec: PairSpec, teacher: StageResult, device: str) -> Teacher:
    weights = None
    if spec.teacher.plugin.is_trained:
        weights = Folder.at(teacher.folder).read("model.safetensors")
    field = load_teacher(
        spec.teacher.plugin, spec.pairs.shape, weights=weights, digest=spec.teacher.weights
    )
    return field.to(device)


def _drop_rule(run: Run, choice: FilterRecipe) -> DropRule:
    judge, threshold = calibrated(run, choice)
    return DropRule.of(choice.filter, reference=judge.reference, threshold=threshold)


def _judge(run: Run, rule: DropRule) -> Judge:
    assert run.recipe.dataset is not None  # checked by the recipe
    return fit_judge(rule.filter, run.recipe.dataset.train())


def _require_space(stores: Mapping[str, PairStore], missing: Mapping[str, list[int]]) -> None:
    num_shards = sum(map(len, missing.values()))
    store = stores["train"]
    store.folder.require_writable(f"making {num_shards} shards")
    samples = num_shards * store.shard_size * (store.schema.num_bytes + MASK_BYTES)
    store.folder.require_space(samples + num_shards * SHARD_BYTES, f"making {num_shards} shards")


def _require_sound_noise() -> None:
    found = golden_noise_digest()
    if found != GOLDEN_NOISE:
        raise StoreError(
            f"this machine's numpy draws other noise ({found}… for the golden sample, right is "
            f"{GOLDEN_NOISE}…); pairs made here would be no pairs elsewhere: install another numpy"
        )
