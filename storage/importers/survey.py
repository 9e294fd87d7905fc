"""All of a source looked at before anything is written: which end is noise, and every pair judged.

First a sample that is spread over the set tells the ends apart. Then each pair is read once: its
noise must be at that end, NaN and Inf are noted, and whether smaller types would hold its values.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from storage.importers.conversion import Conversion, schema_of
from storage.importers.end_statistics import End, measure, plain_scale
from storage.importers.exactness import Exactness
from storage.importers.imported import ImportOptions, Report
from storage.importers.noise_test import NoiseTest, disagreement, samples_a_group
from storage.importers.published import BLOCK_NUMBERS, PublishedRows, PublishedSource, blocks
from storage.importers.verdict import Verdict, told
from storage.records import PairBatch, concatenate, invalid_rows

# More than this share of NaN and Inf fails the whole import (docs/store.md, 'A sample').
MAX_INVALID_SHARE = 0.001
_SAMPLE_NUMBERS = 2 * BLOCK_NUMBERS


@dataclass
class Survey:
    """What the numbers of a source say."""

    source: PublishedSource
    conversion: Conversion
    noise_std: float  # of the sample, after the conversion
    is_stated: bool  # the user stated which end is noise, because the numbers don't tell
    data_differ: bool  # most groups of data clearly aren't such noise
    invalid: dict[int, str] = field(default_factory=dict)  # rows to leave out, and why
    exactness: Exactness = field(default_factory=Exactness)
    noise_power: float = 0.0  # sum of squares
    num_numbers: int = 0

    @property
    def noise_scale(self) -> float:
        """The noise's standard deviation, as it is meant."""
        std = float(np.sqrt(self.noise_power / self.num_numbers))
        return plain_scale(std, num_numbers=self.num_numbers)


def surveyed(source: PublishedSource, options: ImportOptions, report: Report) -> Survey:
    """Read every pair once; a ValueError that names the file if one doesn't belong."""
    survey = _told_apart(source, options)
    num_values = survey.conversion.schema.num_values
    group = samples_a_group(num_values)
    groups = _Groups(survey, group)
    for first, last in blocks(0, source.num_pairs, num_values=num_values, group=group):
        pairs = survey.conversion.pairs(source.rows(first, last), np.arange(first, last))
        sound = _sound(survey, pairs)
        groups.judge(sound)
        survey.exactness.note(sound)
        report(last, source.num_pairs)
    groups.finish()
    return survey


@dataclass
class _Groups:
    """Pairs judged in groups of one size, across blocks, and the rest at the end."""

    survey: Survey
    size: int
    _judged: PairBatch | None = None  # the last whole group
    _waiting: PairBatch | None = None  # fewer than a group

    def judge(self, pairs: PairBatch) -> None:
        """Judge all whole groups that there are now; the rest waits for more."""
        _count(self.survey, pairs)
        pairs = _joined(self._waiting, pairs)
        whole = len(pairs) // self.size * self.size
        _require_noise(self.survey, pairs.take(slice(0, whole)), self.size)
        if whole:
            self._judged = pairs.take(slice(whole - self.size, whole))
        self._waiting = pairs.take(slice(whole, None))

    def finish(self) -> None:
        """Judge what waits together with the end of the group before: a few pairs alone tell nothing."""
        if self._waiting is None or not len(self._waiting):
            return
        pairs = _joined(self._judged, self._waiting)
        last = pairs.take(slice(max(len(pairs) - self.size, 0), None))
        _require_noise(self.survey, last, len(last))


def _joined(before: PairBatch | None, pairs: PairBatch) -> PairBatch:
    ends = PairBatch(pairs.index, pairs.x_T, pairs.x_0)
    return ends if before is None or not len(before) else concatenate([before, ends])


def _told_apart(source: PublishedSource, options: ImportOptions) -> Survey:
    sample, rows = _sample(source)
    statistics = measure(sample.first), measure(sample.last)
    verdict = _verdict(source, sample, rows, statistics, options)
    std = statistics[0 if verdict.noise_is_first else 1].std
    factor = _factor(options.noise_scale, plain_scale(std, num_numbers=sample.first.size))
    schema = schema_of(source, options)
    conversion = Conversion(verdict.noise_is_first, factor, schema)
    data = sample.last if verdict.noise_is_first else sample.first
    differ = _differ(data, std * factor, group=samples_a_group(schema.num_values))
    return Survey(source, conversion, std * factor, verdict.is_stated, differ)


def _differ(data: NDArray[np.float64], noise_std: float, *, group: int) -> bool:
    """Whether data are seen not to be noise group by group, by the half of the groups at least."""
    size = min(group, len(data))
    whole = data[: len(data) // size * size].reshape(-1, size, *data.shape[1:])
    return float(NoiseTest(noise_std).passes(whole).mean()) < 0.5


def _sample(source: PublishedSource) -> tuple[PublishedRows, NDArray[np.int64]]:
    """Finite pairs, evenly spread over the set, and their rows."""
    num = max(_SAMPLE_NUMBERS // int(np.prod(source.shape)), 8)
    chosen = np.unique(np.linspace(0, source.num_pairs - 1, num).astype(np.int64))
    rows = [source.rows(int(row), int(row) + 1) for row in chosen]
    first = np.concatenate([each.first for each in rows]).astype(np.float64)
    last = np.concatenate([each.last for each in rows]).astype(np.float64)
    axes = tuple(range(1, first.ndim))
    finite = np.isfinite(first).all(axes) & np.isfinite(last).all(axes)
    return PublishedRows(first[finite], last[finite]), chosen[finite]


def _verdict(
    source: PublishedSource,
    sample: PublishedRows,
    rows: NDArray[np.int64],
    statistics: tuple[End, End],
    options: ImportOptions,
) -> Verdict:
    try:
        return told(*statistics, stated=options.noise_end)
    except ValueError as error:
        found = disagreement(sample.first, sample.last)
        if found is None:
            raise
        before, after = (source.place(int(rows[row])) for row in found)
        raise ValueError(
            f"{before} has its noise first, {after} has it last: files of two sets were mixed; "
            "import each by itself"
        ) from error


def _factor(asked: float | None, found: float) -> float:
    # To a hundredth: what is found is an estimate from a sample.
    if asked is None or abs(asked / found - 1) < 0.01:
        return 1.0
    if found != 1:
        raise ValueError(
            f"noise_scale is {asked}, but the noise has a standard deviation of {found:.4g}; it "
            "can be given only if that is 1, as in sets of GET"
        )
    return asked


def _sound(survey: Survey, pairs: PairBatch) -> PairBatch:
    """The pairs without NaN and Inf; the others are noted."""
    keep = np.ones(len(pairs), bool)
    for reason, rows in invalid_rows(pairs, survey.conversion.schema).items():
        survey.invalid.update(dict.fromkeys(pairs.index[rows].tolist(), reason))
        keep &= ~rows
    num_pairs = survey.source.num_pairs
    if len(survey.invalid) > MAX_INVALID_SHARE * num_pairs:
        row = min(survey.invalid)
        raise ValueError(
            f"{survey.source.place(row)} holds NaN or Inf, and so do {len(survey.invalid):,} or "
            f"more of {num_pairs:,} pairs; at most {MAX_INVALID_SHARE:.1%} are left out"
        )
    return pairs.take(keep)


def _require_noise(survey: Survey, pairs: PairBatch, group: int) -> None:
    """Each group of pairs must have noise at the noise end, and not at the other."""
    if not len(pairs):
        return
    x_T, x_0 = (
        end.reshape(-1, group, *end.shape[1:]).astype(np.float64) for end in (pairs.x_T, pairs.x_0)
    )
    test = NoiseTest(survey.noise_std)
    is_noise, is_both = test.passes(x_T), test.passes(x_0)
    # If the user stated it, only a group with clearly exchanged ends contradicts that.
    is_wrong = (
        ~is_noise & is_both if survey.is_stated else ~is_noise | (survey.data_differ & is_both)
    )
    wrong = np.flatnonzero(is_wrong)
    if len(wrong):
        rows = pairs.index[wrong[0] * group : (wrong[0] + 1) * group]
        which = (bool(is_noise[wrong[0]]), bool(is_both[wrong[0]]))
        raise ValueError(_foreign(survey, rows, which))


def _count(survey: Survey, pairs: PairBatch) -> None:
    x_T = pairs.x_T.astype(np.float64)
    survey.noise_power += float((x_T * x_T).sum())
    survey.num_numbers += x_T.size


def _foreign(survey: Survey, rows: NDArray[np.int64], which: tuple[bool, bool]) -> str:
    side, other = ("first", "last") if survey.conversion.noise_is_first else ("last", "first")
    found = {
        (True, True): "has that noise at both ends",
        (False, True): f"has that noise {other}",
        (False, False): f"doesn't have that noise {side}",
    }[which]
    place = survey.source.place(int(rows[0]))
    if len(rows) > 1:
        place += f" to {survey.source.place(int(rows[-1]))}"
    return (
        f"the set has noise of standard deviation {survey.noise_std:.4g} {side} and data {other}, "
        f"but {place} {found}: take out what does not belong to it"
    )
