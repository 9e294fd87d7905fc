"""A set as RectifiedFlow's reflow reads it: z0.npy, z1.npy (see `importers.rectified_flow`).

Both are float32 [n, *shape]: the noise at its scale, and x_0, bytes as u/127.5 − 1. Classes are one-hot
in label.npy. That code reads every folder of its data root, so the folder is one of those.
"""

from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.exporters.export import Chosen, Report, begin
from storage.exporters.large_files import npy_head, put_spooled, spool
from storage.folders import Folder
from storage.importers.rectified_flow import DATA, LABEL, NOISE
from storage.records import PairBatch, as_numbers

LAYOUT = "rectified-flow"


def export_rectified_flow(chosen: Chosen, folder: Folder, *, report: Report | None = None) -> int:
    """Write the ends of the chosen pairs; their number.

    Each file appears whole; started again, an export leaves the files that are right.
    """
    store = chosen.store
    begin(folder, chosen, {"layout": LAYOUT})
    num, label = chosen.num_pairs(), store.schema.label
    ends = (num, *store.schema.shape)
    shapes: dict[str, tuple[int, ...]] = {NOISE: ends, DATA: ends}
    if label is not None:
        shapes[LABEL] = (num, label.num_classes)
    num_bytes = sum(4 * int(np.prod(shape)) for shape in shapes.values())
    folder.require_space(2 * num_bytes, f"writing {num:,} pairs")
    with ExitStack() as stack:
        files = {name: stack.enter_context(spool(folder)) for name in shapes}
        for name, file in files.items():
            file.write(npy_head("<f4", shapes[name]))
        for pairs in chosen.batches(report):
            for name, file in files.items():
                file.write(_rows(pairs, name, shapes[name]).astype("<f4").tobytes())
        for name, file in files.items():
            put_spooled(folder, name, file)
    return num


def _rows(pairs: PairBatch, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    if name == NOISE:
        return pairs.x_T
    if name == DATA:
        return as_numbers(pairs.x_0)
    assert pairs.label is not None  # its schema has classes
    return np.asarray(pairs.label[:, None] == np.arange(shape[1]))
