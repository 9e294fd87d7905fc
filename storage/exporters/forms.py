"""The forms in which pairs are exported, by name."""

from collections.abc import Callable, Mapping

from storage.did_you_mean import nearest
from storage.exporters.as_kdm_npz import export_kdm_npz
from storage.exporters.as_per_sample import export_per_sample
from storage.exporters.as_pictures import export_npz, export_png
from storage.exporters.as_rectified_flow import export_rectified_flow

PICTURES = ("png", "npz")  # without noise
_FORMS: Mapping[str, Callable[..., int]] = {
    "kdm-npz": export_kdm_npz,
    "per-sample": export_per_sample,
    "rectified-flow": export_rectified_flow,
    "png": export_png,
    "npz": export_npz,
}


def exporter(form: str) -> Callable[..., int]:
    """What writes chosen pairs in this form and returns their number; a ValueError if there is none."""
    if form not in _FORMS:
        raise ValueError(f"no export '{form}'; {nearest(form, list(_FORMS))}")
    return _FORMS[form]
