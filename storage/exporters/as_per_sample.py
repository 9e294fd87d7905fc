"""A set as tars with one record a sample, x_T inside: what plain webdataset and other trainers read.

Members `NNNNNNNNN.label.npy` (int64, if any), `.states.npy` (if any), `.x_0.npy` and `.x_T.npy`,
where N is the index; time, owner and mode are fixed. Pictures in bytes become float32 in [−1, 1].
"""

import io
import tarfile
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.digest import short
from storage.exporters.export import Chosen, Report, begin
from storage.exporters.small_files import put
from storage.folders import Folder
from storage.records import PairBatch, as_numbers
from storage.store import PairStore

LAYOUT = "per-sample"
SAMPLES_A_TAR = 1000
_MAX_TAR_BYTES = 2**29  # a tar is made in memory
_Sample = tuple[PairBatch, int]  # a row of a batch


def export_per_sample(
    chosen: Chosen,
    folder: Folder,
    *,
    samples_a_tar: int = SAMPLES_A_TAR,
    report: Report | None = None,
) -> int:
    """Write the chosen pairs, a thousand a tar; the number of samples.

    The tars are `SPLIT-DIGEST-000000.tar`, … in the order of indices. No other export has these
    names, because webdataset's `cache_dir` knows a tar by its name alone. What is there already
    stays, so a stopped export goes on.
    """
    store = chosen.store
    _require_size(store, samples_a_tar)
    form = {"version": 2, "layout": LAYOUT, "samples_a_tar": samples_a_tar}
    front = f"{store.split}-{short(begin(folder, chosen, form))}"
    samples = ((pairs, row) for pairs in chosen.batches(report) for row in range(len(pairs)))
    num_samples = 0
    num_tars = 0
    while group := list(islice(samples, samples_a_tar)):
        put(folder, f"{front}-{num_tars:06d}.tar", _tar(group))
        num_tars, num_samples = num_tars + 1, num_samples + len(group)
    return num_samples


def _require_size(store: PairStore, samples_a_tar: int) -> None:
    bytes_a_sample = 4 * store.schema.num_values * (2 + store.schema.num_states) + 4096
    largest = _MAX_TAR_BYTES // bytes_a_sample
    if not 1 <= samples_a_tar <= largest:
        raise ValueError(
            f"samples_a_tar is {samples_a_tar}; with {bytes_a_sample:,} bytes a sample it must be "
            f"1 to {largest:,}"
        )


def _tar(samples: list[_Sample]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for pairs, row in samples:
            for name, array in _fields(pairs, row):
                add_array(tar, f"{int(pairs.index[row]):09d}.{name}.npy", array)
    return buffer.getvalue()


def _fields(pairs: PairBatch, row: int) -> Iterator[tuple[str, NDArray[Any]]]:
    if pairs.label is not None:
        yield "label", np.array(pairs.label[row], np.int64)
    if pairs.states is not None:
        yield "states", pairs.states[row]
    yield "x_0", as_numbers(pairs.x_0[row])
    yield "x_T", pairs.x_T[row]


def add_array(tar: tarfile.TarFile, name: str, array: NDArray[Any]) -> None:
    """A member of a tar with an array as numpy.save writes it, in C order."""
    content = io.BytesIO()
    ordered = np.asarray(array, order="C")
    np.lib.format.write_array(content, ordered, version=(1, 0), allow_pickle=False)
    add_member(tar, name, content.getvalue())


def add_member(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """A member of a tar with fixed time, owner and mode."""
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(data), 0o644, 0
    tar.addfile(member, io.BytesIO(data))
