"""Which metrics may judge a finished student: those over other features than the ones that it optimised.

A distance over features that a training has lowered no longer tells how good samples are: FID falls by
matching its own network's features, without better pictures (Kynkäänniemi et al. 2023).
"""

from collections.abc import Iterable

from kdm.finish.finish_options import FinishOptions
from kdm.metrics.metric import Metric
from kdm.metrics.network_metric import INCEPTION, PYTORCH_FID
from kdm.pretrained import fault_of, sha256_of_weights

_INCEPTIONS = {INCEPTION, PYTORCH_FID}  # the same weights, in two forms


def require_other_features(
    student: str, finish: FinishOptions, metrics: Iterable[Metric], *, network: str | None = None
) -> None:
    """Raise a ValueError, naming the metric, if one sees through the network that a finish optimised.

    `network` is the sha256 of the optimised network's file; without it that of the file that is there.
    """
    file = finish.features.file
    if file is None:  # random features, which no metric of this project uses
        return
    own = network or _sha256(file)
    for metric in metrics:
        for other in metric.files():
            both = {file, other}
            if len(both) == 1 or both == _INCEPTIONS or (own and own == _sha256(other)):
                raise ValueError(
                    f"student '{student}' was finished by the features of {file}, so metric "
                    f"'{metric.plugin}', which sees through them too, can't judge it; leave the metric out "
                    "of evaluation.metrics, or choose other finish.features"
                )


def _sha256(file: str) -> str | None:
    return None if fault_of(file) else sha256_of_weights(file)
