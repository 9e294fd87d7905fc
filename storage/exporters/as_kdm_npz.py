"""A set as KDM's loaders read it: a folder of .npz, one pair each (see `importers.kdm_npz`).

Files are named by index, so sorted by name they are in order. Arrays are float32: bytes become
u/127.5 − 1. Import them with their types given, and the content is what it was.
"""

import io
import zipfile
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.exporters.export import Chosen, Report, begin
from storage.exporters.small_files import put_each
from storage.folders import Folder
from storage.records import PairBatch, PairSchema, as_numbers

LAYOUT = "kdm-npz"
_FIRST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # a time of day would make equal pairs unequal files


class Variant(NamedTuple):
    """One of the ways in which KDM's sets are laid out."""

    key: str
    noise_is_first: bool
    has_label: bool = False


VARIANTS: Final = {
    "cifar": Variant("arr_0", noise_is_first=True),
    "cifar-test": Variant("arr_0", noise_is_first=False),
    "cifar-fm": Variant("arr1", noise_is_first=False),
    "cifar-cond": Variant("endpoints", noise_is_first=False, has_label=True),
    "ffhq": Variant("arr_0", noise_is_first=False),
    "afhq": Variant("arr_0", noise_is_first=False),
}


def export_kdm_npz(
    chosen: Chosen, folder: Folder, *, variant: str = "", report: Report | None = None
) -> int:
    """Write the chosen pairs, a file each; the number of files.

    Without a variant it is `cifar`, or `cifar-cond` if the set has labels. What is already there
    stays, so a stopped export goes on.
    """
    schema = chosen.store.schema
    form = _variant(variant, schema)
    begin(folder, chosen, {"layout": LAYOUT, **form._asdict()})
    return sum(
        put_each(folder, len(pairs), partial(_file, pairs, form, schema))
        for pairs in chosen.batches(report)
    )


def _variant(name: str, schema: PairSchema) -> Variant:
    name = name or ("cifar" if schema.label is None else "cifar-cond")
    if name not in VARIANTS:
        raise ValueError(f"no variant '{name}'; there are: {', '.join(VARIANTS)}")
    if VARIANTS[name].has_label and schema.label is None:
        raise ValueError(f"variant '{name}' has labels, but this set doesn't; choose another")
    return VARIANTS[name]


def _file(pairs: PairBatch, form: Variant, schema: PairSchema, row: int) -> tuple[str, bytes]:
    between = [] if pairs.states is None else list(pairs.states[row])
    states = [pairs.x_T[row], *between, as_numbers(pairs.x_0[row])]
    ordered = states if form.noise_is_first else states[::-1]
    arrays = {form.key: np.stack([state.astype(np.float32) for state in ordered])}
    if form.has_label:
        assert pairs.label is not None and schema.label is not None  # noqa: PT018
        arrays["label"] = np.zeros(schema.label.num_classes, np.float32)
        arrays["label"][pairs.label[row]] = 1
    return f"{int(pairs.index[row]):09d}.npz", _npz(arrays)


def _npz(arrays: dict[str, NDArray[Any]]) -> bytes:
    """As np.savez writes it; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy", _FIRST_ZIP_DATE)
            member.create_system = 3  # Unix, on any system
            archive.writestr(member, content.getvalue())
    return buffer.getvalue()
