"""A program as a file of torch.export, which `torch.export.load` opens without this project.

Facts about the student are its extra file `student.json`.
"""

import io
import json
import zipfile
from typing import Any

import torch
from numpy.typing import NDArray
from torch.export import ExportedProgram

from kdm.exporters.form import Facts, Run

FACTS = "student.json"
_SMALL = 2**16  # bytes of a tensor


def pt2_bytes(program: ExportedProgram, facts: Facts) -> bytes:
    """The file."""
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={FACTS: json.dumps(dict(facts))})
    return _packed(file)


def open_pt2(data: bytes) -> Run:
    """The program of a file's bytes, on the CPU."""
    module = torch.export.load(io.BytesIO(data)).module()

    def run(x_T: NDArray[Any], label: NDArray[Any] | None) -> NDArray[Any]:
        given = [torch.from_numpy(each) for each in (x_T, label) if each is not None]
        with torch.no_grad():
            made: NDArray[Any] = module(*given).numpy()
        return made

    return run


def _packed(file: io.BytesIO) -> bytes:
    """The same archive with its list of operations compressed, which torch's reader unpacks: a twentieth.

    So are small tensors, whose headers would otherwise be a share of a small student's file.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(file) as given, zipfile.ZipFile(packed, "w") as made:
        for member in given.infolist():
            is_packed = member.filename.endswith(".json") or member.file_size <= _SMALL
            entry = zipfile.ZipInfo(member.filename, member.date_time)
            how = zipfile.ZIP_DEFLATED if is_packed else zipfile.ZIP_STORED
            made.writestr(entry, given.read(member), compress_type=how)
    return packed.getvalue()
