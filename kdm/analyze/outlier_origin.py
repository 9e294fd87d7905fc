"""Where outliers come from, and whether steepness finds them (arXiv 2505.13358, Sec. 6.1, Figs. 5c and 13).

The paper names two sources: (1) the tails of the Gaussian noise and (2) borders between the pieces of
noise that land in different regions. Each becomes a score of the noise alone, and its area under the
ROC curve says how well it tells outliers from the rest (0.5: not at all):

    tail       ‖x_T‖
    border     −(distance to the nearest noise that lands in another region)          (points only)
    steepness  ‖J_G(x_T)‖_F of the student, which needs no teacher                    (`steepness`)

An outlier is, of points, one outside every dark square; of anything else, one that is farther from the
teacher's other samples of its class than 99 % of a second set of the teacher's are.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.analyze.analysis import Analysis, Drawing, Findings, Found, Subject
from kdm.analyze.roc import auc, roc
from kdm.analyze.steepness import steepness
from kdm.metrics.metric import Meaning
from kdm.metrics.outliers import Outliers
from kdm.metrics.samples import Classes, Points

OUTSIDE = -1


def _nearest_distance(x: Points, others: Points) -> NDArray[np.float64]:
    """The distance of each of [n, *shape] to the nearest of [m, *shape]; [n]."""
    from scipy.spatial import cKDTree  # half a second, which listing names need not wait for

    tree = cKDTree(others.reshape(len(others), -1).astype(np.float64))
    found, _ = tree.query(x.reshape(len(x), -1).astype(np.float64))
    return np.asarray(found)


def is_far(
    x: Points,
    label: Classes | None,
    others: tuple[Points, Points],
    other_label: Classes | None,
    quantile: float,
) -> NDArray[np.bool_]:
    """Which of x [n, *shape] are farther from the first of two sets than this quantile of the second is.

    Within each class, if there are any.
    """
    first, second = others
    rows = np.zeros(len(x), np.int64) if label is None or other_label is None else label
    known = np.zeros(len(first), np.int64) if label is None or other_label is None else other_label
    far = np.zeros(len(x), np.bool_)
    for each in np.unique(rows):
        here, there = rows == each, known == each
        if there.any():
            usual = np.quantile(_nearest_distance(second[there], first[there]), quantile)
            far[here] = _nearest_distance(x[here], first[there]) > usual
    return far


def border_score(x_T: Points, region: NDArray[np.int64]) -> NDArray[np.float64]:
    """−distance of each noise [n, *shape] to the nearest that lands in another region; [n].

    Noises outside all regions are nobody's neighbours: the border between two pieces is where
    they would be.
    """
    score = np.full(len(x_T), -np.inf)
    inside = region != OUTSIDE
    for each in np.unique(region):
        others = inside & (region != each) if each != OUTSIDE else inside
        if others.any():
            rows = region == each
            score[rows] = -_nearest_distance(x_T[rows], x_T[others])
    return score


class OutlierOrigin(Analysis):
    """Outliers of student and teacher, and the areas under ROC curves of three scores of the noise."""

    plugin: ClassVar[str] = "outlier-origin"
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "outlier_share": Meaning(
            "outliers",
            "samples outside every dark square; of pictures, those farther from the teacher’s other samples "
            "of the class than 99 % of the teacher’s own",
            "lower",
            "heldout",
            is_fraction=True,
            is_ranked=False,
        ),
        "lonely_share": Meaning(
            "outliers by DBSCAN",
            "samples of points that DBSCAN calls noise at a distance of 0.15, as in the paper, or "
            "that are far out",
            "lower",
            "heldout",
            is_fraction=True,
            is_ranked=False,
        ),
        "inherited": Meaning(
            "inherited",
            "share of the teacher’s outliers whose noise makes an outlier of the student too",
            "higher",
            "heldout",
            is_ranked=False,
        ),
        "auc_tail": Meaning(
            "AUC, tails",
            "area under the ROC curve of ‖x_T‖ for the student’s outliers; 0.5 is chance",
            "higher",
            "heldout",
            is_ranked=False,
        ),
        "auc_border": Meaning(
            "AUC, borders",
            "the same of the nearness of noise that lands elsewhere",
            "higher",
            "heldout",
            is_ranked=False,
        ),
        "auc_steepness": Meaning(
            "AUC, steepness",
            "the same of the norm of the student’s Jacobian, which needs no teacher",
            "higher",
            "heldout",
            is_ranked=False,
        ),
    }

    num_noises: int = Field(2048, ge=10)  # held-out noises that are looked at
    num_directions: int = Field(4, ge=1)  # of finite differences
    step: float = Field(0.01, gt=0)  # of finite differences, in standard deviations of the noise
    quantile: float = Field(0.99, gt=0, lt=1)  # of the teacher's own distances
    seed: int = Field(0, ge=0, le=2**32 - 1)  # of directions

    def find(self, subject: Subject) -> Findings:
        """Shares and areas, ROC curves, and for points what the trace of outliers draws."""
        x_T, label = subject.first(self.num_noises)
        student, teacher = (
            each[: self.num_noises] for each in (subject.samples.x_0_hat, subject.samples.x_0)
        )
        is_student, is_teacher = (
            self._outliers(subject, each, label) for each in (student, teacher)
        )
        numbers, own = self._shares(student, is_student), self._shares(teacher, is_teacher)
        if is_teacher.any():
            numbers["inherited"] = float(is_student[is_teacher].mean())
            own["inherited"] = 1.0
        arrays: dict[str, NDArray[np.generic]] = {}
        intervals: dict[str, tuple[float, float]] = {}
        if 0 < is_student.sum() < len(is_student):
            for name, score in self._scores(subject, x_T, label, student).items():
                area = auc(score, is_student)
                numbers[f"auc_{name}"] = area.value
                intervals[f"auc_{name}"] = (area.low, area.high)
                arrays[f"false_{name}"], arrays[f"true_{name}"] = roc(score, is_student)
        if x_T.shape[1:] == (2,):
            arrays |= {"x_T": x_T, "x_0_student": student, "x_0_teacher": teacher}
            arrays |= {"outlier_student": is_student, "outlier_teacher": is_teacher}
        return Findings(numbers, own, intervals, arrays)

    def draw(self, found: Found) -> list[Drawing]:
        """ROC curves, and of points the outliers with the noise they came from."""
        from kdm.analyze.outlier_figures import roc_curves, traces  # matplotlib

        return [*roc_curves(found), *traces(found)]

    def _outliers(self, subject: Subject, x_0: Points, label: Classes | None) -> NDArray[np.bool_]:
        if subject.regions is not None:
            return np.asarray(subject.regions(x_0) == OUTSIDE)
        samples = subject.samples
        sets = (samples.reference, samples.second_reference)
        return is_far(x_0, label, sets, samples.fresh_label, self.quantile)

    def _shares(self, x_0: Points, is_outlier: NDArray[np.bool_]) -> dict[str, float]:
        shares = {"outlier_share": float(is_outlier.mean())}
        if x_0.shape[1:] == (2,):
            shares["lonely_share"] = float(Outliers().find(x_0).mean())
        return shares

    def _scores(
        self, subject: Subject, x_T: Points, label: Classes | None, x_0: Points
    ) -> dict[str, NDArray[np.float64]]:
        """Of noises [n, *shape], each [n]; a higher score is a likelier outlier."""
        scores = {"tail": np.linalg.norm(x_T.reshape(len(x_T), -1).astype(np.float64), axis=1)}
        if subject.regions is not None:
            scores["border"] = border_score(x_T, subject.regions(x_0))
        scores["steepness"] = steepness(
            subject.student,
            x_T,
            label,
            step=self.step * subject.noise_scale,
            num_directions=self.num_directions,
            seed=self.seed,
        )
        return scores
