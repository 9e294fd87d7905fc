"""How sure a decision's false-positive rate is: as it's kept beside the decision, and in words."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what only reads decisions doesn't need them
    from flows.calibration import Calibration
    from pairgen.filters.share import Share

LEAVE_ONE_OUT = "leave-one-out"
# An upper end of this many times the rate: with 1 of 100 samples at 1 %, or 2 of 200, it is larger.
_TOO_UNSURE = 3.0
_ENOUGH = 10  # bad samples that are to be expected; their interval reaches 1.8 times the rate


def calibration_document(calibration: "Calibration") -> dict[str, Any]:
    """What the decision says of the samples that its threshold comes from."""
    found: dict[str, Any] = {"false_positives": _counted(calibration.own)}
    if calibration.together is not None:
        found["joint_false_positives"] = _counted(calibration.together)
    if calibration.leaves_one_out:
        found["calibrated_by"] = LEAVE_ONE_OUT
    return found


def _counted(share: "Share") -> dict[str, Any]:
    return {"count": share.count, "of": share.of, "interval": list(share.interval)}


def calibration_words(summary: Mapping[str, Any]) -> str:
    """'10 of 1,000 held-out samples, 95% interval 0.48 … 1.83%'; '' of a decision that says nothing of it."""
    counted = summary.get("false_positives")
    if not counted:
        return ""
    joint = summary.get("joint_false_positives")
    words = f"{_share_words(counted)} {_samples(summary)}, {_interval_words(counted)}"
    if joint:
        words += f"; all filters of its rate {_share_words(joint)}, {_interval_words(joint)}"
    return words


def unsure_rate(summary: Mapping[str, Any]) -> str:
    """A sentence if the calibrating samples are too few for the rate that was asked for, else ''."""
    counted = summary.get("joint_false_positives") or summary.get("false_positives")
    rate = summary.get("joint_fpr") or summary.get("fpr")
    if not counted or not rate:
        return ""
    upper = counted["interval"][1]
    if counted["of"] * rate >= 1 and upper < _TOO_UNSURE * rate:
        return ""
    return (
        f"{counted['of']:,} {_samples(summary)} are few for a false-positive rate of {100 * rate:g}%: "
        f"{counted['count']:,} of them are dropped, so that the rate may be up to {100 * upper:.2g}%; "
        f"{_more(summary, math.ceil(_ENOUGH / rate))}, or ask for a larger rate (--fpr)"
    )


def _more(summary: Mapping[str, Any], wanted: int) -> str:
    if summary.get("calibrated_by") == LEAVE_ONE_OUT:
        return f"name {wanted:,} or more that no teacher saw (dataset.heldout_source)"
    return f"hold out {wanted:,} or more (dataset.num_heldout, or dataset.heldout_source)"


def _samples(summary: Mapping[str, Any]) -> str:
    if summary.get("calibrated_by") == LEAVE_ONE_OUT:
        return "reference samples, each judged against the others (leave-one-out, the weaker way)"
    return "held-out samples"


def _share_words(counted: Mapping[str, Any]) -> str:
    return f"{counted['count']:,} of {counted['of']:,}"


def _interval_words(counted: Mapping[str, Any]) -> str:
    low, high = counted["interval"]
    return f"95% interval {100 * low:.2f} … {100 * high:.2f}%"
