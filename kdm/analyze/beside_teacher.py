"""Is a student's sample its teacher's? (arXiv 2505.13358, Sec. 6.1, Figs. 4 and 6 to 9)

    own      = E ‖x_0^ − x_0‖² / E ‖x_0 − x_0'‖²       of the same noise, over unrelated samples of a class
    finds    = share of x_0^(i) whose nearest among all x_0 of its class is x_0(i)

The paper prints the mean square error and LPIPS on the same noise beside those of shuffled pairs (0.009
against 0.57, 0.13 against 0.48); `own` is the ratio of the two errors, here within classes, which is harder.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from kdm.analyze.analysis import Analysis, Drawing, Findings, Found, Subject
from kdm.analyze.unrelated import square_distance, unrelated_square
from kdm.metrics.metric import Meaning
from kdm.metrics.samples import Classes, Points

_NUM_SHOWN = 20
_NUM_POINTS_SHOWN = 2000


def share_found(x_0_hat: Points, x_0: Points, label: Classes | None = None) -> float:
    """The share of rows of [n, *shape] whose nearest teacher's sample of the class is their own."""
    from scipy.spatial import cKDTree  # half a second, which listing names need not wait for

    label = np.zeros(len(x_0), np.int64) if label is None else label
    hat, own = (each.reshape(len(each), -1).astype(np.float64) for each in (x_0_hat, x_0))
    num_hits = 0
    for each in np.unique(label):
        rows = np.flatnonzero(label == each)
        _, nearest = cKDTree(own[rows]).query(hat[rows])
        num_hits += int((np.asarray(nearest) == np.arange(len(rows))).sum())
    return num_hits / len(x_0)


class BesideTeacher(Analysis):
    """Student and teacher on the same held-out noise."""

    plugin: ClassVar[str] = "beside-teacher"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "own_over_unrelated": Meaning(
            "error over unrelated",
            "mean square error to the teacher’s sample of the same noise, over that of unrelated "
            "samples of a class",
            "lower",
            "heldout",
            is_ranked=False,
        ),
        "finds_own": Meaning(
            "finds its own",
            "samples whose nearest among all the teacher’s held-out samples of the class is that "
            "of the same noise",
            "higher",
            "heldout",
            is_fraction=True,
            is_ranked=False,
        ),
    }

    num_noises: int = Field(2048, ge=2)  # held-out noises that are looked at

    def find(self, subject: Subject) -> Findings:
        """Both numbers, and a few samples of each."""
        _, label = subject.first(self.num_noises)
        hat, own = (
            each[: self.num_noises] for each in (subject.samples.x_0_hat, subject.samples.x_0)
        )
        error = square_distance(hat, own).mean() / unrelated_square(own, label)
        shown = _NUM_POINTS_SHOWN if own.shape[1:] == (2,) else _NUM_SHOWN
        return Findings(
            {"own_over_unrelated": float(error), "finds_own": share_found(hat, own, label)},
            {"own_over_unrelated": 0.0, "finds_own": 1.0},
            arrays={"student": hat[:shown], "teacher": own[:shown]},
        )

    def draw(self, found: Found) -> list[Drawing]:
        """The samples of each point's first seed below the teacher's."""
        from kdm.analyze.beside_figures import samples_beside  # matplotlib

        return samples_beside(found)
