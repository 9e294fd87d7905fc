"""What the report page says, as plain data: `flows` fills it, the page draws it.

Nothing here knows of HTML or of stores. Mappings are by the name of a number, as `Metric.meanings` name
it, or by what their comment says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kdm.report.budgets import Budget


@dataclass(frozen=True)
class Picture:
    """A PNG with the words that replace it.

    `alt` describes the picture to a reader who doesn't see it, with its numbers.
    """

    png: bytes
    alt: str  # for a reader who doesn't see it


@dataclass(frozen=True)
class Gallery:
    """Pictures that are looked at side by side, under one title and one explanation.

    The explanation says what to look for, and what a good student's picture looks like.
    """

    title: str
    explanation: str
    pictures: tuple[Picture, ...]
    is_narrow: bool = False  # pictures of one panel, four in a row
    is_wide: bool = False  # one picture takes the width of the page


@dataclass(frozen=True)
class Rate:
    """How fast one sampler runs, and the machine it ran on: rates of two machines don't compare.

    CPU seconds count all threads of the process, and other programs on the machine change them little.
    """

    who: str
    nfe: int
    samples_per_second: float | None  # wall time; None if it wasn't measured
    samples_per_cpu_second: float | None
    machine: str


@dataclass(frozen=True)
class Numbers:
    """What a row of the table of numbers prints: the teacher’s, one student’s, or a mean over seeds.

    `values` are by the name of a number, as are `intervals` and `deviations`. The last two and `drawn_on`
    come from the metrics document (`kdm.evaluate.evaluate`) and decide which rows can be told apart.
    """

    name: str
    values: Mapping[str, float]
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)  # low and high, 95 %
    note: str = ""  # small print below the name
    # What resampled rows do to a number, over the noise of which `drawn_on` holds a digest a side; and
    # each seed's own number if the row is the mean of several.
    deviations: Mapping[str, Sequence[float]] = field(default_factory=dict)
    drawn_on: Mapping[str, str] = field(default_factory=dict)
    by_seed: Mapping[str, Sequence[float]] = field(default_factory=dict)
    absent: str = "not measured"  # small print without a number
    of: tuple[str, ...] = ()  # the names of the students behind it


@dataclass(frozen=True)
class StudentEntry:
    """One student: its numbers by name, its size and its settings.

    Two sizes, because some parameters serve training only (an encoder of data, a critic).
    """

    name: str
    digest: str
    values: Mapping[str, float]
    num_trainable_parameters: int
    num_inference_parameters: int
    settings: Mapping[str, Any]  # nested; shown as written
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)  # low and high, 95 %
    deviations: Mapping[str, Sequence[float]] = field(default_factory=dict)  # as in `Numbers`
    drawn_on: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SplitCounts:
    """What became of the requested indices, in one split: attempted = kept + masked + dropped.

    Dropped ones aren't stored (never, or no longer since a purge); masked ones are stored, and readers
    leave them out.
    """

    split: str
    attempted: int
    kept: int
    dropped: Mapping[str, int]  # by reason; all that isn't stored
    masked: int = 0  # of those stored, what the filters' decisions leave out for readers

    @property
    def stored(self) -> int:
        """Pairs in the shards."""
        return self.kept + self.masked


@dataclass(frozen=True)
class FilterCounts:
    """One filter's decisions over a split.

    If the threshold was calibrated, `false_positive_rate` states what share of held-out real data
    the filter would drop by chance.
    """

    filter: str
    split: str
    judged: int
    kept: int
    dropped: Mapping[str, int]  # by reason
    threshold: float
    # Stated: the share of held-out real points it would drop; None for a threshold set by hand.
    false_positive_rate: float | None
    calibration: str = (
        ""  # in words: on what it was measured, with its interval; decisions of old lack it
    )

    @property
    def stated_rate(self) -> str:
        """The false-positive rate in words."""
        if self.false_positive_rate is None:
            return "not calibrated"
        rate = f"{100 * self.false_positive_rate:.2f}%"
        return f"{rate}: {self.calibration}" if self.calibration else rate


@dataclass(frozen=True)
class Ancestor:
    """A thing that the students come from, or a student: kind, name and whole digest."""

    kind: str  # teacher, pairs, mask, student, …
    name: str
    digest: str


@dataclass(frozen=True)
class ReportContent:
    """All that a report page says.

    Every report has the first eight fields; the others are empty if a run lacks them. Only
    `made_at` and `rates` differ between two runs of one recipe on one machine.
    """

    title: str
    made_at: str  # ISO 8601; the only field that a repeated run changes beside rates
    command: str  # reproduces the run
    num_heldout: int  # samples behind the numbers on held-out noise
    num_fresh: int  # samples behind the numbers on fresh noise
    references: tuple[Numbers, ...]  # in the student’s place: the teacher, then other samples
    students: tuple[StudentEntry, ...]
    galleries: tuple[Gallery, ...]
    command_notes: tuple[str, ...] = ()  # what the command needs and does not bring along
    summary: str = ""  # a sentence or two, in plain words
    teacher: str = "teacher"
    judge: str = ""  # a sentence: who judged, and how well it tells real samples
    rates: tuple[Rate, ...] = ()
    budgets: tuple[Budget, ...] = ()
    splits: tuple[SplitCounts, ...] = ()
    filters: tuple[FilterCounts, ...] = ()
    lineage: tuple[Ancestor, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    worse: tuple[str, ...] = ()  # sentences: what became worse since the training before


@dataclass(frozen=True)
class EvaluationEvent:
    """A row of the overview's history: one student, evaluated once.

    A student that is trained again has another digest, and its evaluations begin another line.
    """

    when: str  # ISO 8601
    student: str
    digest: str
    pairs: str
    values: Mapping[str, float]
    report: str = ""  # relative address of its report, if any
    # What tells whether two evaluations differ by more than chance; documents of older versions lack it.
    recipe: str = ""
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)  # as in `Numbers`
    deviations: Mapping[str, Sequence[float]] = field(default_factory=dict)
    drawn_on: Mapping[str, str] = field(default_factory=dict)
    num_samples: Mapping[str, int] = field(default_factory=dict)  # 'heldout' and 'fresh'
    # How numbers of published networks were measured, in words, by the digits that a column's head ends in.
    protocols: Mapping[str, str] = field(default_factory=dict)
