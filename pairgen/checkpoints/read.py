"""One checkpoint file to arrays: nothing in it is imported or executed, and sizes are bounded."""

import hashlib
import os
from io import BufferedReader
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pairgen.checkpoints.checkpoint import Checkpoint
from pairgen.checkpoints.edm import network_in
from pairgen.checkpoints.numbers import Budget, Stored, read_array
from pairgen.checkpoints.pickles import CHECKPOINT, NETWORK, described_in
from pairgen.checkpoints.saved import network_of
from pairgen.checkpoints.streams import MAGIC, nested_storage, read_stream
from pairgen.checkpoints.values import Blob, TensorName
from pairgen.checkpoints.zips import read_zip

_MAX_BYTES = 4 * 2**30  # of one network's numbers; the largest released has 1.2 GB
_ZIP, _PICKLE = b"PK\3\4", b"\x80"
_STREAM = b"\x80\x02\x8a\x0a" + MAGIC.to_bytes(10, "little")  # the magic number's own pickle


def read_checkpoint(path: Path) -> Checkpoint:
    """An EDM network pickle, or what torch.save made of a flow-matching network or a state dict.

    A ValueError of one sentence, which begins with the path, for everything else.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _read(file: BufferedReader) -> Checkpoint:
    before = _stamp(file)
    head = file.read(len(_STREAM))
    if head.startswith(_PICKLE) and head != _STREAM:
        found = _read_network(file)
    elif head.startswith(_ZIP) or head == _STREAM:
        found = _read_saved(file, is_zip=head != _STREAM)
    else:
        raise ValueError("it is neither a pickle of a network nor a file of torch.save")
    if _stamp(file) != before:
        raise ValueError("it changed while it was read; read it again")
    return found


def _read_network(file: BufferedReader) -> Checkpoint:
    file.seek(0)
    network = network_in(described_in(file, NETWORK).value)
    if file.read(1):
        raise ValueError("it goes on after its pickle")
    tensors = _arrays(file, network.tensors, {})
    digest = _sha256(file)
    weights, parts, attributes, _ = network
    return Checkpoint("edm-pickle", weights, parts, attributes, tensors, digest)


def _read_saved(file: BufferedReader, *, is_zip: bool) -> Checkpoint:
    value, storages = read_zip(file) if is_zip else read_stream(file, CHECKPOINT)
    kind, weights, attributes, names = network_of(value)
    tensors = _arrays(file, names, storages)
    return Checkpoint(kind, weights, (), attributes, tensors, _sha256(file))


def _arrays(
    file: BufferedReader, names: dict[str, TensorName], storages: dict[str, Stored]
) -> dict[str, NDArray[Any]]:
    budget = Budget(min(os.fstat(file.fileno()).st_size, _MAX_BYTES))
    arrays = {}
    for name, tensor in names.items():
        try:
            stored = _stored(file, tensor, storages)
            arrays[name] = read_array(file, tensor, stored, budget)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return arrays


def _stored(file: BufferedReader, tensor: TensorName, storages: dict[str, Stored]) -> Stored:
    if isinstance(tensor.storage, Blob):
        return nested_storage(file, tensor.storage)
    return storages[tensor.storage.key]


def _stamp(file: BufferedReader) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def _sha256(file: BufferedReader) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()
