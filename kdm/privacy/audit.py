"""An audit: what several sets of samples tell of a training set, each beside held-out real samples.

    subject ─ nearest ─► d_1 to the training set     quantiles, histogram; C_T and the share in the
                                                  tail, against the control
            ─ nearest ─► d_1 to equal sets           share that is closer to the training set
            ─ kernel ──► Δ                           membership test
            ─ duplicates ─► clusters                 of the student's samples and of the control

The control is a subject too: held-out real samples, which no training saw.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.bootstrap import Estimate
from kdm.privacy.closer_share import closer_share, near_share
from kdm.privacy.copying_test import Cells, Copying, copying
from kdm.privacy.duplicates import Duplicates, duplicates
from kdm.privacy.membership import Membership, MembershipTest
from kdm.privacy.mirrored_views import features, is_picture
from kdm.privacy.neighbours import Neighbours, nearest
from kdm.privacy.real_samples import RealSamples
from kdm.privacy.subjects import CONTROL, STUDENT

DUPLICATE_QUANTILE = 0.001  # of the control's distances, for pictures
DUPLICATE_DISTANCE = 1e-4  # of the control's standard deviation, for anything else
Report = Callable[[int, int], None]  # comparisons done, of how many


@dataclass(frozen=True)
class Row:
    """What one subject tells; an audit's numbers of single samples are in `neighbours` and `cluster`."""

    samples: NDArray[Any]
    neighbours: Neighbours
    closer: Estimate | None
    near: Estimate | None
    copying: Copying | None  # None of the control, which others are compared with, as is the next
    membership: Membership | None
    duplicates: Duplicates | None  # of the student and of the control
    cluster: NDArray[np.int64] | None


@dataclass(frozen=True)
class Audit:
    """Rows by subject, the control last, and the membership test's control: two held-out halves."""

    rows: Mapping[str, Row]
    real: RealSamples
    membership_control: Membership


def audited(
    subjects: Mapping[str, NDArray[Any]], real: RealSamples, *, seed: int, report: Report
) -> Audit:
    """The audit of subjects [n, *shape] by name; the student's samples are called `STUDENT`."""
    return _Auditor({**subjects, CONTROL: real.control}, real, seed, report).audit()


class _Auditor:
    """What the rows share."""

    def __init__(
        self, subjects: Mapping[str, NDArray[Any]], real: RealSamples, seed: int, report: Report
    ) -> None:
        self._subjects, self._real, self._report, self._seed = subjects, real, report, seed
        self._done, self._total = 0, self._num_comparisons()
        of_training = features(real.training[: 2 * 10**4])
        self._cells = Cells(of_training, seed=seed)
        self._near = self._nearest(real.control, real.training)
        self._control_cells = self._cells.of(features(real.control))

    def audit(self) -> Audit:
        """All rows, then the membership tests: their kernels are large."""
        found = {name: self._row(name, samples) for name, samples in self._subjects.items()}
        tests = self._memberships()
        rows = {
            name: Row(**{**vars(row), "membership": tests.get(name)}) for name, row in found.items()
        }
        return Audit(rows, self._real, self._membership_control())

    def _row(self, name: str, samples: NDArray[Any]) -> Row:
        real = self._real
        near = self._near if name == CONTROL else self._nearest(samples, real.training)
        beside = self._nearest(samples, real.beside_training), self._nearest(samples, real.beside)
        is_shown = name in (STUDENT, CONTROL)
        found, cluster = duplicates(samples, self.limit) if is_shown else (None, None)
        return Row(
            samples=samples,
            neighbours=near,
            closer=closer_share(beside[0].distance, beside[1].distance),
            near=near_share(near.distance, self._near.distance),
            copying=None if name == CONTROL else self._copying(samples, near),
            membership=None,
            duplicates=found,
            cluster=cluster,
        )

    def _copying(self, samples: NDArray[Any], near: Neighbours) -> Copying | None:
        own_cells = self._cells.of(features(samples))
        return copying((own_cells, near.distance), (self._control_cells, self._near.distance))

    @property
    def limit(self) -> float:
        """How near two samples are that count as near-duplicates, in the unit of d_1."""
        if is_picture(self._real.training.shape[1:]):
            distances = np.sort(self._near.distance)
            return float(distances[int(DUPLICATE_QUANTILE * len(distances))])
        return DUPLICATE_DISTANCE * float(features(self._real.control).std())

    def _memberships(self) -> dict[str, Membership]:
        real = self._real
        test = MembershipTest(features(real.members), features(real.others), seed=self._seed)
        self._advance((2 * len(real.members)) ** 2)
        found = {}
        for name, samples in self._subjects.items():
            if name != CONTROL:
                found[name] = test.of(features(samples))
                self._advance(2 * len(samples) * len(real.members))
        return found

    def _membership_control(self) -> Membership:
        one, other = self._real.halves
        num = min(len(one), len(other))
        test = MembershipTest(features(one[:num]), features(other[:num]), seed=self._seed)
        found = test.of(features(self._subjects[STUDENT]))
        self._advance(self._total - self._done)
        return found

    def _nearest(self, samples: NDArray[Any], reference: NDArray[Any]) -> Neighbours:
        return nearest(samples, reference, lambda num: self._advance(num * len(reference)))

    def _advance(self, num: int) -> None:
        self._done += num
        self._report(self._done, self._total)

    def _num_comparisons(self) -> int:
        """Of samples with real ones, and of a kernel's rows."""
        real, num = self._real, sum(map(len, self._subjects.values()))
        num_members, num_halves = 2 * len(real.members), 2 * len(real.halves[1])
        own = num_members**2 + num_halves**2 + num_halves * len(self._subjects[STUDENT])
        return num * (len(real.training) + 2 * len(real.beside) + num_members) + own
