"""How different a student's and its teacher's pictures of the same noise look (arXiv 2505.13358, Sec. 5).

With d LPIPS (Zhang et al. 2018) over n held-out pairs, and j(i) another pair, of any class or of the same:

    lpips = (1/n) Σ_i d(x_0^(i), x_0(i)),      baselines: (1/n) Σ_i d(x_0^(i), x_0(j(i))),

and the same with the mean squared error. The paper prints .13 and .009 for CIFAR-10, against .48 and .57 of
shuffled pairs. Its network isn't named: the default here is that of the `lpips` package.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kdm.losses.lpips_trunks import TRUNKS, LpipsNet
from kdm.metrics.bootstrap import Estimate, by_shares
from kdm.metrics.metric import EstimatedMetric, Meaning
from kdm.metrics.perceived import Apart, Perceived, others
from kdm.metrics.protocol import Protocol
from kdm.metrics.samples import EvaluationSamples
from kdm.pretrained import weights_file
from storage.plugins import describe

_OTHERWISE = "leave it out of evaluation.metrics; 'paired-baselines' needs no file"


def _baseline(label: str, of: str) -> Meaning:
    return Meaning(
        label=label,
        explanation=f"the same to the teacher’s sample {of}: what a student scores that ignores the "
        "noise; it ranks nobody",
        better="lower",
        measured_on="heldout",
        is_ranked=False,
    )


class LpipsToTeacher(EstimatedMetric):
    """LPIPS and mean squared error to the teacher, and each to other samples of the teacher."""

    plugin: ClassVar[str] = "lpips-to-teacher"
    needs: ClassVar[frozenset[str]] = frozenset({"perceptual"})
    meanings: ClassVar[Mapping[str, Meaning]] = {
        "lpips": Meaning(
            label="LPIPS",
            explanation="how different a sample looks from the teacher’s of the same noise; the "
            "teacher's is 0 by construction",
            better="lower",
            measured_on="heldout",
        ),
        "lpips_shuffled": _baseline("LPIPS, shuffled", "of another noise"),
        "lpips_class_shuffled": _baseline(
            "LPIPS, shuffled in class", "of another noise, same class"
        ),
        "mse": Meaning(
            label="MSE",
            explanation="squared error against the teacher’s sample of the same noise, a pixel; the "
            "teacher's is 0 by construction",
            better="lower",
            measured_on="heldout",
        ),
        "mse_shuffled": _baseline("MSE, shuffled", "of another noise"),
        "mse_class_shuffled": _baseline("MSE, shuffled in class", "of another noise, same class"),
    }

    net: LpipsNet = "alex"  # the package's; published students are trained with VGG
    # Pixels a side that pictures are brought to, bilinearly; None for their own.
    resize: int | None = Field(None, ge=32, le=1024)
    # A file in the weights folder to use instead of torchvision's, its digest in its name.
    trunk: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*-[0-9a-f]{8}\.pth$")

    def files(self) -> tuple[str, ...]:
        """The trunk's."""
        return (self.trunk or TRUNKS[self.net].file,)

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """A ValueError if samples aren't pictures that the network can read."""
        least = 1 if self.resize else TRUNKS[self.net].smallest_side
        if len(shape) != 3 or shape[0] not in (1, 3) or min(shape[1:]) < least:
            raise ValueError(
                f"metric '{self.plugin}' with net {self.net} is for pictures [1 or 3, H, W] of at least "
                f"{least} pixels a side, not for samples of shape {list(shape)}; set its resize to 224, "
                f"or {_OTHERWISE}"
            )

    def require_files(self) -> None:
        """A ValueError if a package or the trunk's file is missing."""
        if find_spec("lpips") is None or find_spec("torchvision") is None:
            raise ValueError(
                f"metric '{self.plugin}' needs the packages lpips and torchvision; pip install "
                f"'kdm-offline[images]', or {_OTHERWISE}"
            )
        of = f"metric '{self.plugin}' with net {self.net}"
        weights_file(self.files()[0], of=of, otherwise=_OTHERWISE)

    def estimates(self, samples: EvaluationSamples) -> dict[str, Estimate]:
        """Distances, and squared data units a pixel."""
        looks = self._perceived(samples).own
        errors = _errors(samples)
        rows = {
            **dict(zip(("lpips", "lpips_shuffled", "lpips_class_shuffled"), looks, strict=True)),
            **dict(zip(("mse", "mse_shuffled", "mse_class_shuffled"), errors, strict=True)),
        }
        return {
            name: by_shares(float(each.mean()), each, samples.label) for name, each in rows.items()
        }

    def protocol(self, samples: EvaluationSamples, *, seed: int) -> Protocol:
        """All that its numbers depend on beside the student and the pairs."""
        return Protocol(
            metric=describe(self) | {"version": self.version},
            num_samples=samples.num_heldout,
            num_classes=None if samples.label is None else len(np.unique(samples.label)),
            seed=seed,
            network=self.files()[0],
            network_sha256=self._perceived(samples).sha256,
            mode=f"{self.resize or 'own'} pixels",
            quantised=False,
        )

    def _perceived(self, samples: EvaluationSamples) -> Perceived:
        return samples.perceived[self.plugin]


def _errors(samples: EvaluationSamples) -> Apart:
    """Squared errors a pixel."""

    teachers = samples.sets["x_0"]

    def error(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        errors = np.empty(len(rows))
        for some, own in samples.sets["x_0_hat"].batches():
            apart = own.astype(np.float64) - teachers[rows[some]]
            errors[some] = (apart.reshape(len(own), -1) ** 2).mean(axis=1)
        return errors

    x_T = samples.x_T
    same, anyone, alike = np.arange(len(x_T)), others(x_T), others(x_T, samples.label)
    return Apart(error(same), error(anyone), error(alike))
