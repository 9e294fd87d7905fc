"""The contract of an analysis: what it is told of a student, what it finds, and how that is drawn.

An analysis asks more of a student than a metric does: where *other* noise lands, near a pair's or
between two. So it is given the maps themselves, G: x_T → x_0 of the student and, if it `needs` it, of
the teacher. Arrays are float32 [n, *shape] in the pairs' units.
"""

import io
import json
import zipfile
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.metric import Meaning
from kdm.metrics.samples import Classes, EvaluationSamples, Points
from storage.plugins import Plugin

GROUP = "kdm.analyses"
NoiseMap = Callable[[Points, Classes | None], Points]  # x_T [n, *shape], classes [n] → x_0
_NUMBERS = "numbers.json"


@dataclass(frozen=True)
class Subject:
    """A student as an analysis sees it; `samples` are those that its metrics were measured on."""

    samples: EvaluationSamples  # held-out pairs and fresh noise
    noise_scale: float  # standard deviation of x_T
    student: NoiseMap  # x_0^ of x_T and classes
    teacher: NoiseMap | None = None  # if the analysis needs it
    # The number of the region that a sample shows (a dark square), -1 outside all; None without regions.
    regions: Callable[[Points], NDArray[np.int64]] | None = None
    # C [d, d] of a student that has one, or the eigenvalues [d], complex, of a normal C.
    operator: NDArray[np.inexact] | None = None

    def first(self, count: int) -> tuple[Points, Classes | None]:
        """The first held-out noises [≤ count, *shape] and their classes."""
        label = self.samples.label
        return self.samples.x_T[:count], None if label is None else label[:count]


@dataclass(frozen=True)
class Findings:
    """Numbers by name, the teacher's own in the student's place, and arrays that are drawn."""

    numbers: Mapping[str, float]  # by name
    teacher: Mapping[str, float] = field(default_factory=dict)  # the teacher's own, by name
    intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)  # 95 %, over samples
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # what is drawn

    def packed(self) -> bytes:
        """As a .npz; equal findings give equal bytes."""
        said = {
            "numbers": dict(self.numbers),
            "teacher": dict(self.teacher),
            "intervals": {name: list(each) for name, each in self.intervals.items()},
        }
        text = np.frombuffer(json.dumps(said, sort_keys=True).encode(), np.uint8)
        file = io.BytesIO()
        np.savez(file, **{_NUMBERS: text}, **dict(sorted(self.arrays.items())))  # type: ignore[arg-type]
        return file.getvalue()

    @classmethod
    def read(cls, data: bytes) -> Self | None:
        """What `packed` wrote; None if it is damaged."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as kept:
                arrays = {name: kept[name] for name in kept.files}
            said = json.loads(arrays.pop(_NUMBERS).tobytes())
            return cls(said["numbers"], said["teacher"], said["intervals"], arrays)
        except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError):
            return None


class Drawing(NamedTuple):
    """A figure as PNG and as SVG, with its title, what to look for, and words that replace it."""

    name: str  # of its files
    title: str  # above it
    explanation: str  # what to look for
    alt: str  # words that replace it
    png: bytes  # the file's bytes
    svg: bytes  # the file's bytes

    @property
    def width(self) -> int:
        """On a page, in its pixels: of the PNG's 160 to an inch 1.5 for each."""
        return round(int.from_bytes(self.png[16:20], "big") / 1.5)


Found = Mapping[str, Sequence[Findings]]  # by the point's name, one for each seed


class Analysis(Plugin):
    """A plugin of the group `kdm.analyses`; the same student gives the same bits."""

    meanings: ClassVar[Mapping[str, Meaning]]  # what each number says, by its name
    needs: ClassVar[frozenset[str]] = frozenset()  # of 'teacher', 'operator'

    @abstractmethod
    def find(self, subject: Subject) -> Findings:
        """Every number of `meanings`, of one student; a ValueError if it can't be analysed."""

    @abstractmethod
    def draw(self, found: Found) -> list[Drawing]:
        """Figures of all points of a study, in the order of the page."""
