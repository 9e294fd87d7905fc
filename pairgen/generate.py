"""One shard of pairs, from indices to what may be written.

1. x_T and label are pure functions of (seed, split, index).
2. The sampler carries x_T along the teacher's field from T to 0: x_0.
3. An invalid x_0 is tried once more, then left out with its index and reason.
4. A pair that a filter of `drop_at_write` rejects is left out with an audit row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pairgen.filters.judge import Judge, decide
from pairgen.spec import DropRule, PairSpec
from pairgen.teachers.teacher import Teacher
from storage.digest import short
from storage.errors import InvalidPairsError, MismatchError
from storage.noise import derive_labels, derive_noise
from storage.records import PairBatch, PairSchema, invalid_rows, require_schema

MAX_INVALID_RATE = 0.001  # of a stage (STORE.md, 'Validity at write')

DroppedIndices = dict[str, list[int]]  # by reason, rising


@dataclass(frozen=True)
class GeneratedShard:
    """Pairs that may be written, and what became of the other indices."""

    pairs: PairBatch
    attempted: int
    invalid: DroppedIndices  # nan, inf, range
    rejected: DroppedIndices  # by the filters of drop_at_write
    audit: list[dict[str, Any]]  # one row a rejected pair, without its values

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
) -> GeneratedShard:
    """The pairs of these indices; `filters` are the judges of `spec.drop_at_write`, in its order.

    Raises InvalidPairsError on a wrong shape at all, MismatchError when teacher or judges are not
    the spec's, FilterError when a filter does not judge.
    """
    _require_same_noise(spec, teacher)
    _require_judges(spec.drop_at_write, filters)
    drawn = _noise_and_labels(spec.pairs, split, index)
    pairs, invalid = _valid_pairs(spec, teacher, drawn, sampling_batch)
    pairs, rejected, audit = _judged_pairs(spec.drop_at_write, filters, pairs)
    return GeneratedShard(pairs, len(index), invalid, rejected, audit)


def check_invalid_rate(invalid: Mapping[str, Sequence[int]], attempted: int) -> None:
    """Raise InvalidPairsError when more than 0.1% of a stage's `attempted` indices are invalid."""
    num_invalid = sum(len(indices) for indices in invalid.values())
    if num_invalid <= MAX_INVALID_RATE * attempted:
        return
    faults = "; ".join(
        f"{reason}: {len(indices)}, first at {', '.join(map(str, sorted(indices)[:3]))}"
        for reason, indices in sorted(invalid.items())
    )
    raise InvalidPairsError(
        f"{num_invalid} of {attempted} pairs are invalid ({faults}); at most 0.1% may be: "
        "look at the teacher's training and the sampler's steps"
    )


def _noise_and_labels(schema: PairSchema, split: str, index: NDArray[np.int64]) -> PairBatch:
    """Pairs whose x_0 is still to come (empty rows)."""
    label = None
    if schema.label is not None:
        label = derive_labels(schema.label, seed=schema.noise.seed, split=split, index=index)
    x_T = derive_noise(schema.noise, split, index, schema.shape)
    return PairBatch(index, x_T, np.empty_like(x_T), label)


def _valid_pairs(
    spec: PairSpec, teacher: Teacher, drawn: PairBatch, sampling_batch: int
) -> tuple[PairBatch, DroppedIndices]:
    pairs = _with_x_0(spec, teacher, drawn, sampling_batch)
    doubtful = _any_row(invalid_rows(pairs, spec.pairs), len(pairs))
    if not doubtful.any():
        return pairs, {}
    # Once more: a fault of the machine goes away, a fault of the field does not.
    pairs.x_0[doubtful] = _with_x_0(spec, teacher, drawn.take(doubtful), sampling_batch).x_0
    reasons = invalid_rows(pairs, spec.pairs)
    invalid = {reason: pairs.index[rows].tolist() for reason, rows in reasons.items()}
    return pairs.take(~_any_row(reasons, len(pairs))), invalid


def _with_x_0(spec: PairSpec, teacher: Teacher, drawn: PairBatch, sampling_batch: int) -> PairBatch:
    rows = np.arange(len(drawn))
    x_0 = np.concatenate(
        [
            _sample(spec, teacher, drawn.take(rows[first : first + sampling_batch]))
            for first in range(0, len(drawn), sampling_batch)
        ]
    )
    pairs = PairBatch(drawn.index, drawn.x_T, _as_stored(x_0, spec.pairs), drawn.label)
    require_schema(pairs, spec.pairs)
    return pairs


def _sample(spec: PairSpec, teacher: Teacher, drawn: PairBatch) -> NDArray[Any]:
    device = _device_of(teacher)
    x_T = torch.from_numpy(drawn.x_T).to(device)
    label = None if drawn.label is None else torch.from_numpy(drawn.label).to(device)
    x_0: NDArray[Any] = spec.sampler.sample(teacher, x_T, label).cpu().numpy()
    return x_0


def _as_stored(x_0: NDArray[Any], schema: PairSchema) -> NDArray[Any]:
    if schema.x_0_dtype == "float16" and x_0.dtype == np.float32:
        return x_0.astype(np.float16)  # half to even
    return x_0


def _judged_pairs(
    rules: Sequence[DropRule], judges: Sequence[Judge], pairs: PairBatch
) -> tuple[PairBatch, DroppedIndices, list[dict[str, Any]]]:
    rejected: DroppedIndices = {}
    audit: list[dict[str, Any]] = []
    for rule, judge in zip(rules, judges, strict=True):
        scores = judge.score(pairs)
        decisions = decide(rule.filter, scores, rule.threshold)
        for row in np.flatnonzero(~decisions.keep):
            reason = str(decisions.reason[row])
            rejected.setdefault(reason, []).append(int(pairs.index[row]))
            audit.append(_audit_row(rule, pairs, int(row), score=scores[row], reason=reason))
        pairs = pairs.take(decisions.keep)
    return pairs, rejected, audit


def _audit_row(
    rule: DropRule, pairs: PairBatch, row: int, *, score: float, reason: str
) -> dict[str, Any]:
    return {
        "index": int(pairs.index[row]),
        "filter": rule.filter.plugin,
        "score_digest": rule.score,
        "decision_digest": rule.decision,
        "score": float(score),
        "threshold": rule.threshold,
        "reason": reason,
    }


def _require_same_noise(spec: PairSpec, teacher: Teacher) -> None:
    if spec.pairs.noise.scale != teacher.noise_scale:
        raise MismatchError(
            f"the spec's noise has standard deviation {spec.pairs.noise.scale}, the teacher starts "
            f"from {teacher.noise_scale}; set pairs.noise.scale to the teacher's"
        )


def _require_judges(rules: Sequence[DropRule], judges: Sequence[Judge]) -> None:
    wanted = [short(rule.score) for rule in rules]
    given = [short(judge.score_digest) for judge in judges]
    if wanted != given:
        raise MismatchError(
            f"the spec's drop_at_write has score digests {wanted}, the filters given have {given}; "
            "fit the spec's filters, in its order, on the reference that it names"
        )


def _any_row(reasons: Mapping[str, NDArray[np.bool_]], num_rows: int) -> NDArray[np.bool_]:
    together = np.zeros(num_rows, np.bool_)
    for rows in reasons.values():
        together |= rows
    return together


def _device_of(teacher: Teacher) -> torch.device:
    for tensor in (*teacher.parameters(), *teacher.buffers()):
        return tensor.device
    return torch.device("cpu")
