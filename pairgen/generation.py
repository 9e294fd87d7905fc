"""One shard of pairs, from indices to what may be written.

1. x_T and label are pure functions of (seed, split, index).
2. The sampler carries x_T along the teacher's field from T to 0: x_0, and states between.
3. An invalid sample (NaN, infinite, out of range) is sampled once more, then left out with its index and
   reason; the others are rounded to the type that is stored.
4. A pair that a filter of `drop_at_write` rejects is left out with an audit row.

Every index of the shard ends up in exactly one of pairs, `invalid` and `rejected`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairgen.field import Teacher
from pairgen.filters.drop_at_write import judged_pairs, require_judges
from pairgen.filters.judge import Judge
from pairgen.sampling import sampled_batches
from pairgen.spec import PairSpec
from pairgen.teachers.guided import sampled_field
from storage.errors import MismatchError
from storage.noise import derive_labels, derive_noise
from storage.records import (
    PairBatch,
    PairSchema,
    as_stored,
    invalid_rows,
    require_schema,
)

DroppedIndices = dict[str, list[int]]  # by reason, rising


@dataclass(frozen=True)
class GeneratedShard:
    """Pairs that may be written, n of them, and what became of the other indices."""

    pairs: PairBatch
    attempted: int
    invalid: DroppedIndices  # nan, inf, range
    rejected: DroppedIndices  # by the filters of drop_at_write
    audit: list[dict[str, Any]]  # one row a rejected pair, without its values
    num_evaluations: int  # of the network, one for each sample in a batch

    @property
    def dropped(self) -> DroppedIndices:
        """All indices left out, by reason."""
        return {**self.invalid, **self.rejected}


def generate_shard(
    spec: PairSpec,
    teacher: Teacher,
    split: str,
    index: NDArray[np.int64],
    *,
    sampling_batch: int,
    filters: Sequence[Judge] = (),
    done: Callable[[int], None] = lambda _num_samples: None,
) -> GeneratedShard:
    """The pairs of these indices [m] of a split, sampled `sampling_batch` at a time.

    `filters` are the judges of `spec.drop_at_write`, in its order. `done` is called after each batch with
    the number of its samples. The caller sets the teacher's arithmetic (pairgen.precision).

    Raises InvalidPairsError for samples of a wrong shape or type, MismatchError if teacher or judges
    aren't the spec's, FilterError if a filter doesn't judge.
    """
    _require_same_noise(spec, teacher)
    require_judges(spec.drop_at_write, filters)
    guided = sampled_field(teacher, spec.guidance)
    undrawn = _undrawn(spec.pairs, split, index)
    valid = _Valid(spec.pairs)
    for sampled in sampled_batches(spec, guided, _drawn(spec, split, undrawn, sampling_batch)):
        valid.add(*_tried_twice(spec, guided, sampled.pairs), nfe=sampled.nfe)
        done(len(sampled.pairs))
    pairs, rejected, audit = judged_pairs(spec.drop_at_write, filters, valid.among(undrawn))
    return GeneratedShard(pairs, len(index), valid.invalid, rejected, audit, valid.num_evaluations)


def _undrawn(schema: PairSchema, split: str, index: NDArray[np.int64]) -> PairBatch:
    """Indices and labels; x_T and x_0 [m, *shape] are allocated and still to be filled."""
    label = None
    if schema.label is not None:
        label = derive_labels(schema.label, seed=schema.noise.seed, split=split, index=index)
    x_T = np.empty((len(index), *schema.shape), np.float32)
    return PairBatch(index, x_T, np.empty_like(x_T), label)


def _drawn(
    spec: PairSpec, split: str, undrawn: PairBatch, sampling_batch: int
) -> Iterator[PairBatch]:
    """Batches of the pairs. x_T is drawn on demand, while a GPU still computes another batch."""
    for first in range(0, len(undrawn), sampling_batch):
        batch = undrawn.take(slice(first, first + sampling_batch))
        batch.x_T[...] = derive_noise(spec.pairs.noise, split, batch.index, spec.pairs.shape)
        yield batch


@dataclass
class _Valid:
    """The batches so far, as they are stored: a shard of float32 samples would take more memory."""

    schema: PairSchema
    parts: list[PairBatch] = field(default_factory=list)
    invalid: DroppedIndices = field(default_factory=dict)
    num_evaluations: int = 0

    def add(
        self, sampled: PairBatch, reasons: Mapping[str, NDArray[np.bool_]], *, nfe: int
    ) -> None:
        """Add a batch; `reasons` says which of its rows [n] are invalid and why."""
        self.num_evaluations += nfe * len(sampled)
        for reason, is_invalid in reasons.items():
            self.invalid.setdefault(reason, []).extend(sampled.index[is_invalid].tolist())
        valid = sampled.take(~_any_row(reasons)) if reasons else sampled
        self.parts.append(_as_stored(valid, self.schema))

    def among(self, drawn: PairBatch) -> PairBatch:
        """The valid pairs among all that were drawn, in the order of their indices."""
        lost = [index for indices in self.invalid.values() for index in indices]
        kept = drawn.take(~np.isin(drawn.index, lost)) if lost else drawn
        states = [part.states for part in self.parts if part.states is not None]
        pairs = replace(
            kept,  # and not the parts together, which would copy the noise
            x_0=np.concatenate([part.x_0 for part in self.parts]),
            states=np.concatenate(states) if states else None,
        )
        require_schema(pairs, self.schema)
        return pairs


def _tried_twice(
    spec: PairSpec, guided: Teacher, sampled: PairBatch
) -> tuple[PairBatch, dict[str, NDArray[np.bool_]]]:
    """A batch and its invalid rows by reason, after those have been sampled once more."""
    reasons = invalid_rows(sampled, spec.pairs)
    if not reasons:
        return sampled, {}
    # Once more: an error of the machine goes away, an error of the field doesn't.
    doubtful = _any_row(reasons)
    ((again, _),) = sampled_batches(spec, guided, [sampled.take(doubtful)])
    states = None
    if sampled.states is not None and again.states is not None:
        states = _with_rows(sampled.states, doubtful, again.states)
    sampled = replace(sampled, x_0=_with_rows(sampled.x_0, doubtful, again.x_0), states=states)
    return sampled, invalid_rows(sampled, spec.pairs)


def _as_stored(sampled: PairBatch, schema: PairSchema) -> PairBatch:
    states = None
    if sampled.states is not None:
        states = sampled.states.astype(schema.states_dtype, copy=False)
    return replace(sampled, x_0=as_stored(sampled.x_0, schema), states=states)


def _require_same_noise(spec: PairSpec, teacher: Teacher) -> None:
    if spec.pairs.noise.scale != teacher.noise_scale:
        raise MismatchError(
            f"the spec's noise has standard deviation {spec.pairs.noise.scale}, the teacher starts "
            f"from {teacher.noise_scale}; set pairs.noise.scale to the teacher's"
        )


def _any_row(reasons: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    together: NDArray[np.bool_] = np.logical_or.reduce(list(reasons.values()))
    return together


def _with_rows(values: NDArray[Any], rows: NDArray[np.bool_], others: NDArray[Any]) -> NDArray[Any]:
    """A copy: a sampler may have handed x_T itself back."""
    changed = values.copy()
    changed[rows] = others
    return changed
