"""`kdm export`: a student as one file, or a folder for diffusers, for programs without this project."""

from pathlib import Path

import torch
import typer

from flows.commands.exported_folder import free_folder, not_written, write_files
from flows.commands.exported_student import Export, loaded
from flows.home import found
from kdm.exporters.diffusers_student import student_files
from kdm.exporters.form import Form
from kdm.exporters.forms import FOLDER, form_named
from kdm.exporters.parity import difference
from kdm.exporters.traced import traced
from storage.folders import Folder, folder_at, local_file

__all__ = ["Export", "export_student"]


def export_student(student: str, home: str, wanted: Export) -> None:
    """Write the file or the folder, once its samples are those of the student; a dry run doesn't write it."""
    form = None if wanted.to == FOLDER else form_named(wanted.to)
    torch.set_num_threads(1)  # sums depend on the number of threads
    folder = found(home, "students", student)
    if form is None:
        _write_folder(folder, wanted)
    else:
        _write_file(folder, wanted, form)


def _write_file(folder: Folder, wanted: Export, form: Form) -> None:
    path = _path(wanted.out or f"{folder.name}{form.ending}", form)
    student = loaded(folder, wanted)
    rounding = student.byte_rounding() if wanted.as_bytes else "none"
    program = traced(student.model, student.schema, rounding=rounding)
    data = form.write(program, student.facts | {"rounding": rounding})
    apart = difference(student.model, form.open(data), student.schema, rounding=rounding)
    if not wanted.is_dry:
        folder_at(str(path.parent)).replace(path.name, data)
    typer.echo(f"{path}: {len(data):,} bytes; {_agreement(apart)}{not_written(wanted.is_dry)}")


def _write_folder(folder: Folder, wanted: Export) -> None:
    if wanted.as_bytes:
        raise ValueError(
            "--as-bytes: a pipeline of diffusers gives pictures by default; leave it out"
        )
    place = free_folder(wanted.out or f"{folder.name}-diffusers")
    student = loaded(folder, wanted)
    files, apart = student_files(student.model, student.schema, student.facts)
    size = write_files(place, files, is_dry=wanted.is_dry)
    typer.echo(f"{place.url}: {size:,} bytes; {_agreement(apart)}{not_written(wanted.is_dry)}")


def _agreement(apart: float) -> str:
    return f"at most {apart:.1e} of the range away from the student's own samples"


def _path(out: str, form: Form) -> Path:
    if not out.endswith(form.ending):
        raise ValueError(f"--out {out}: name a file that ends in {form.ending}")
    return local_file(out, "the exported file")
