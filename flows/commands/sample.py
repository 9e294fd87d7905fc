"""`kdm sample`: a student's samples from noise of no pair."""

import io
from pathlib import Path

import numpy as np
import typer

from flows.commands.find import found
from kdm.analyze.sample_plots import samples_picture
from kdm.evaluate.draw import fresh_noise, push
from kdm.evaluate.options import EvaluationOptions
from kdm.evaluate.samples import Points
from kdm.export import CONFIG, load_student, read_config
from storage.fs import Folder
from storage.options import parse
from storage.records import PairSchema

MAX_VALUES_A_LINE = 16


def sample(student: str, home: str, *, count: int, seed: int, out: str) -> None:
    """Print `count` samples, or write them to a .npy file or a picture."""
    if out and not out.endswith((".npy", ".png")):
        raise ValueError(f"--out {out}: name a file that ends in .npy or .png")
    folder = found(home, "students", student)
    model = load_student(folder)
    x_T, label = fresh_noise(_schema(folder), seed=seed, count=count)
    x_0 = push(model, x_T, label, options=EvaluationOptions(seed=seed))
    if out:
        path = Path(out).expanduser().absolute()
        Folder.at(str(path.parent)).replace(path.name, _as_file(x_0, path.suffix, folder.name))
        typer.echo(f"{count:,} samples: {path}")
    elif x_0[0].size <= MAX_VALUES_A_LINE:
        typer.echo("\n".join(" ".join(f"{value:.6g}" for value in row.ravel()) for row in x_0))
    else:
        raise ValueError(f"a sample has shape {x_0.shape[1:]}; name a file with --out")


def _schema(folder: Folder) -> PairSchema:
    config = read_config(folder)
    assert config is not None  # the student was loaded
    return parse(PairSchema, config["schema"], f"{folder.url}/{CONFIG}: schema")


def _as_file(x_0: Points, suffix: str, name: str) -> bytes:
    if suffix == ".npy":
        file = io.BytesIO()
        np.save(file, x_0, allow_pickle=False)
        return file.getvalue()
    if x_0.shape[1:] != (2,):
        raise ValueError(f"a picture shows points in the plane, these have shape {x_0.shape[1:]}")
    return samples_picture(x_0, name.rpartition("-")[0] or name)  # the digest would not fit
