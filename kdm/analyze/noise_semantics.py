"""Do neighbours in noise give similar samples? (arXiv 2505.13358, Sec. 4, Fig. 2)

The paper colours noise by the square where it lands: untrained, noise and data have nothing to do with
each other; a trained map cuts the noise into coherent pieces. With nn(i) the noise nearest to x_T(i), of
the same class if there are any,

    neighbour_ratio = E ‖x_0(i) − x_0(nn(i))‖² / E ‖x_0 − x_0'‖²       (1: none, → 0: all)
    same_region     = share of i whose neighbour lands in the same region     (chance: 1 / regions)

and `path_ratio` is how long the way between two samples is along a traversal of noise (`traversal`).
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.analyze.analysis import Analysis, Drawing, Findings, Found, NoiseMap, Subject
from kdm.analyze.traversal import path_ratio, traversed
from kdm.analyze.unrelated import square_distance, unrelated_square
from kdm.metrics.metric import Meaning
from kdm.metrics.samples import Classes, Points

_NUM_SHOWN = 4


def nearest_noise(x_T: Points, label: Classes | None = None) -> NDArray[np.int64]:
    """The row of the nearest other noise of the same class, of each of [n, *shape]; [n].

    A row that is alone in its class is its own neighbour.
    """
    from scipy.spatial import cKDTree  # half a second, which listing names need not wait for

    flat = x_T.reshape(len(x_T), -1).astype(np.float64)
    label = np.zeros(len(flat), np.int64) if label is None else label
    nearest = np.arange(len(flat))
    for each in np.unique(label):
        rows = np.flatnonzero(label == each)
        if len(rows) > 1:
            _, found = cKDTree(flat[rows]).query(flat[rows], k=2)
            nearest[rows] = rows[np.asarray(found)[:, 1]]
    return nearest


class NoiseSemantics(Analysis):
    """Neighbours in noise, and the way between two noises, of student and teacher."""

    plugin: ClassVar[str] = "noise-semantics"
    needs: ClassVar[frozenset[str]] = frozenset({"teacher"})
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "neighbour_ratio": Meaning(
            "neighbours’ distance",
            "mean square distance of samples whose noises are neighbours, over that of unrelated samples "
            "of a class; 1 without structure",
            "lower",
            "heldout",
            is_ranked=False,
        ),
        "same_region": Meaning(
            "neighbours in one region",
            "share of noises whose neighbour lands in the same dark square; 1/8 without structure",
            "higher",
            "heldout",
            is_fraction=True,
            is_ranked=False,
        ),
        "path_ratio": Meaning(
            "length of a traversal",
            "length of the samples’ path along a spherical interpolation of noise, over the distance of "
            "its ends; median over paths",
            "lower",
            "heldout",
            is_ranked=False,
        ),
    }

    num_paths: int = Field(32, ge=1)  # pairs of noises to go between
    num_steps: int = Field(16, ge=2)  # of a path

    def find(self, subject: Subject) -> Findings:
        """Numbers, and paths [steps + 1, 4, *shape] of both; of points also the noise and its regions."""
        assert subject.teacher is not None  # what `needs` asks for
        samples = subject.samples
        nearest = nearest_noise(samples.x_T, samples.label)
        first, second, label = self._ends(subject)
        arrays: dict[str, NDArray[np.generic]] = {}
        numbers: dict[str, dict[str, float]] = {}
        sides: dict[str, tuple[NoiseMap, Points]] = {
            "student": (subject.student, samples.x_0_hat),
            "teacher": (subject.teacher, samples.x_0),
        }
        for who, (apply, x_0) in sides.items():
            path = traversed(apply, first, second, label, num_steps=self.num_steps)
            ratio = square_distance(x_0, x_0[nearest]).mean() / unrelated_square(x_0, samples.label)
            numbers[who] = {
                "neighbour_ratio": float(ratio),
                "path_ratio": float(np.nanmedian(path_ratio(path))),
            }
            if subject.regions is not None:
                region = subject.regions(x_0)
                numbers[who]["same_region"] = float((region == region[nearest]).mean())
                arrays[f"region_{who}"] = region
            arrays[f"path_{who}"] = path[:, :_NUM_SHOWN]
        if subject.regions is not None:
            arrays["x_T"] = samples.x_T
        return Findings(numbers["student"], numbers["teacher"], arrays=arrays)

    def draw(self, found: Found) -> list[Drawing]:
        """Of points the noise by region, of pictures the traversals."""
        from kdm.analyze.semantics_figures import noise_by_region, traversals  # matplotlib

        return [*noise_by_region(found), *traversals(found)]

    def _ends(self, subject: Subject) -> tuple[Points, Points, Classes | None]:
        """Noises of one class at both ends of each path: the first and the second that are there."""
        x_T, label = subject.samples.x_T, subject.samples.label
        if label is None:
            count = min(self.num_paths, len(x_T) // 2)
            return x_T[:count], x_T[count : 2 * count], None
        rows = [np.flatnonzero(label == each) for each in np.unique(label)]
        firsts = np.concatenate([each[0 : len(each) // 2 * 2 : 2] for each in rows])
        seconds = np.concatenate([each[1 : len(each) // 2 * 2 : 2] for each in rows])
        order = np.argsort(firsts, kind="stable")[: self.num_paths]
        firsts, seconds = firsts[order], seconds[order]
        return x_T[firsts], x_T[seconds], label[firsts]
