"""One checkpoint file to arrays: nothing in it is imported or executed, and sizes are bounded.

| first bytes | format | read by |
|---|---|---|
| 80 (PROTO) | a bare pickle, as EDM writes | storage/inert/pickles, then `edm_pickle` |
| PK (zip), or torch's older magic number | `torch.save` | storage/inert/saved, then `saved` |
| a length and "{" | .safetensors | storage/inert/safetensors |

The numbers of tensors stay in the file until all names have been accepted; then each tensor is read
once, and must be inside its own storage. A file that is written to meanwhile is refused, since size
and time of its last change are compared before and after.
"""

import hashlib
import os
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pairgen.checkpoints.calls import CHECKPOINT, NETWORK, STUDENT
from pairgen.checkpoints.checkpoint import Checkpoint
from pairgen.checkpoints.edm_pickle import Network, holds_network, network_in
from pairgen.checkpoints.saved import network_of, require_names
from storage.inert.dialect import Dialect
from storage.inert.numbers import Budget, read_array
from storage.inert.pickles import described_in
from storage.inert.safetensors import is_safetensors, read_safetensors
from storage.inert.saved import is_saved, read_saved
from storage.inert.stand_ins import require_file_itself
from storage.inert.storages import Stored
from storage.inert.streams import MARK, decoded, nested_storage
from storage.inert.values import Blob, Source, TensorName

_MAX_BYTES = 4 * 2**30  # of one network's numbers; the largest released has 1.2 GB
_PICKLE = b"\x80"


def read_checkpoint(path: Path) -> Checkpoint:
    """A teacher's: an EDM network pickle, or the tensors in a file of torch.save or a .safetensors.

    For anything else a ValueError of one sentence, which begins with the path.
    """
    return _opened(path, _read)


def read_student(path: Path) -> Checkpoint:
    """A published student's: a whole module or a state dict by torch.save, or a .safetensors.

    For anything else a ValueError of one sentence, which begins with the path.
    """
    return _opened(path, _read_student)


def _opened(path: Path, read: Callable[[BufferedReader], Checkpoint]) -> Checkpoint:
    """What `read` makes of the file; every error begins with the path, a changing file is one."""
    try:
        with path.open("rb") as file:
            before = _stamp(file)
            found = read(file)
            if _stamp(file) != before:
                raise ValueError("it changed while it was read; read it again")
            return found
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _read(file: BufferedReader) -> Checkpoint:
    """A teacher's file, by its first bytes; torch.save may hold EDM's network too."""
    require_file_itself(file)
    head = file.read(len(MARK))
    if is_saved(head) or is_safetensors(head):
        value, storages = _saved(file, head, CHECKPOINT)
        if holds_network(value):
            return _networks(file, network_in(value), storages)
        return _read_tensors(file, value, storages)
    if head.startswith(_PICKLE):
        return _read_network(file)
    raise ValueError(
        "it is not a checkpoint; give a .pkl of EDM, a .pt of torch.save or a .safetensors"
    )


def _read_student(file: BufferedReader) -> Checkpoint:
    """A student's file; a bare pickle isn't one."""
    require_file_itself(file)
    head = file.read(len(MARK))
    if not (is_saved(head) or is_safetensors(head)):
        raise ValueError("it is not a student; give a .pt of torch.save or a .safetensors")
    return _read_tensors(file, *_saved(file, head, STUDENT))


def _read_network(file: BufferedReader) -> Checkpoint:
    """EDM's bare pickle, which must end with the file."""
    file.seek(0)
    network = network_in(described_in(file, NETWORK).value)
    if file.read(1):
        raise ValueError("it goes on after its pickle")
    return _networks(file, network, {})


def _networks(file: BufferedReader, network: Network, storages: dict[str, Stored]) -> Checkpoint:
    """The checkpoint of an EDM network, with the arguments of its two classes."""
    tensors = _arrays(file, network.tensors, storages)
    digest = _sha256(file)
    weights, parts, attributes, _ = network
    return Checkpoint("edm-pickle", weights, parts, attributes, tensors, digest)


def _saved(file: BufferedReader, head: bytes, dialect: Dialect) -> tuple[Any, dict[str, Stored]]:
    """The value that a torch.save or .safetensors describes, and where its storages are."""
    if not is_safetensors(head):
        return read_saved(file, dialect)
    tensors, storages = read_safetensors(file)
    require_names(tensors)
    return tensors, storages


def _read_tensors(file: BufferedReader, value: Any, storages: dict[str, Stored]) -> Checkpoint:
    """The checkpoint of a state dict, anywhere inside the value."""
    kind, weights, attributes, names = network_of(value)
    tensors = _arrays(file, names, storages)
    return Checkpoint(kind, weights, (), attributes, tensors, _sha256(file))


def _arrays(
    file: BufferedReader, names: dict[str, TensorName], storages: dict[str, Stored]
) -> dict[str, NDArray[Any]]:
    """The tensors by name. Together they may take at most the file's own size: no zip bombs."""
    limit = min(os.fstat(file.fileno()).st_size, _MAX_BYTES)
    numbers, text = Budget(limit), Budget(limit)
    arrays = {}
    for name, tensor in names.items():
        try:
            source, stored = _stored(file, tensor, storages, text)
            arrays[name] = read_array(source, tensor, stored, numbers)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return arrays


def _stored(
    file: BufferedReader, tensor: TensorName, storages: dict[str, Stored], text: Budget
) -> tuple[Source, Stored]:
    """Where a tensor's storage is: in the file itself, or in bytes that a pickle holds as text."""
    if not isinstance(tensor.storage, Blob):
        return file, storages[tensor.storage.key]
    text.spend(tensor.storage.num_bytes if tensor.storage.is_text else 0)
    source, blob = decoded(file, tensor.storage)
    return source, nested_storage(source, blob)


def _stamp(file: BufferedReader) -> tuple[int, int]:
    """Size and time of the last change: other ones mean that somebody wrote to the file."""
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def _sha256(file: BufferedReader) -> str:
    """Of the whole file: the identity of the source, which an import records."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()
