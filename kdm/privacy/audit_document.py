"""What of an audit may be shown, and what is private, as documents.

Public are shares, quantiles and bins of at least twenty samples, test statistics and counts. Private is
everything of a single sample: how near it is, to which training sample, in which cluster.
"""

from typing import Any

from kdm.metrics.bootstrap import Estimate
from kdm.privacy.audit import Audit, Row
from kdm.privacy.copying_test import Copying
from kdm.privacy.membership import Membership
from kdm.privacy.mirrored_views import is_picture
from kdm.privacy.public_numbers import histogram, quantiles, rounded
from kdm.privacy.subjects import CONTROL

SHARE_DIGITS = 4


def public_document(audit: Audit) -> dict[str, Any]:
    """JSON of numbers that stand for at least twenty samples each."""
    real = audit.real
    return {
        "shape": list(real.training.shape[1:]),
        "is_picture": is_picture(real.training.shape[1:]),
        "num_training": len(real.training),
        "num_beside": len(real.beside),
        "num_members": len(real.members),
        "rows": {name: _public_row(row) for name, row in audit.rows.items()},
        "membership_control": _membership(audit.membership_control),
    }


def private_document(audit: Audit) -> dict[str, Any]:
    """JSON of every subject's samples, the nearest first; rows of the control are held-out samples."""
    return {"rows": {name: _private_row(name, row) for name, row in audit.rows.items()}}


def _public_row(row: Row) -> dict[str, Any]:
    distances = row.neighbours.distance
    return {
        "num_samples": len(row.samples),
        "quantiles": quantiles(distances),
        "histogram": [
            [rounded(each.low), rounded(each.high), each.num] for each in histogram(distances)
        ],
        "closer": _share(row.closer),
        "near": _share(row.near),
        "copying": _copying(row.copying),
        "membership": None if row.membership is None else _membership(row.membership),
        "duplicates": None if row.duplicates is None else row.duplicates._asdict(),
    }


def _share(share: Estimate | None) -> dict[str, float] | None:
    if share is None:
        return None
    ends = {"share": share.value, "low": share.low, "high": share.high}
    return {name: round(value, SHARE_DIGITS) for name, value in ends.items()}


def _copying(found: Copying | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "value": rounded(found.value),
        "num_cells": found.num_cells,
        "share": round(found.share, SHARE_DIGITS),
    }


def _membership(test: Membership) -> dict[str, float]:
    return {name: rounded(value) for name, value in test._asdict().items()}


def _private_row(name: str, row: Row) -> dict[str, Any]:
    near, order = row.neighbours, row.neighbours.distance.argsort(kind="stable")
    samples = [
        {
            "sample": int(each),
            "distance": float(near.distance[each]),
            "training": int(near.row[each]),
            "is_mirrored": bool(near.is_mirrored[each]),
            **({} if row.cluster is None else {"cluster": int(row.cluster[each])}),
        }
        for each in order
    ]
    return {"of": "held-out real samples" if name == CONTROL else "samples", "samples": samples}
