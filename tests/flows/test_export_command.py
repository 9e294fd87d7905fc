"""`kdm export`: the file, what it says of its student, and what is refused."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from flows.cli import app
from kdm.export import load_student, write_model
from kdm.students.regression import Regression
from storage.folders import Folder, folder_at
from storage.plugins import describe
from storage.records import LabelRule, NoiseRule, PairSchema

SCHEMA = PairSchema(shape=(3, 8, 8), noise=NoiseRule(scale=80), label=LabelRule(num_classes=3))
PLUGIN = Regression(
    network={"kind": "song-unet", "model_channels": 8, "channel_mult": (1,), "num_blocks": 1}
)
# Programs of a user whose machine lacks this project; each prints the facts.
WITHOUT = """
import json, sys
import numpy as np
for name in {missing}:
    sys.modules[name] = None
given = np.load("given.npz")
"""
TORCH = """
import torch
files = {"student.json": ""}
program = torch.export.load("small.pt2", extra_files=files).module()
made = program(*(torch.from_numpy(each) for each in given.values())).numpy()
print(files["student.json"])
"""
ONNX = """
import onnxruntime
session = onnxruntime.InferenceSession("small.onnx")
(made,) = session.run(["x_0"], dict(given))
facts = session.get_modelmeta().custom_metadata_map
print(json.dumps({name: json.loads(value) for name, value in facts.items()}))
"""
OURS = ("kdm", "storage", "pairgen", "flows")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A trained student of three classes, or so it looks."""
    torch.manual_seed(0)
    student = PLUGIN.build(SCHEMA)
    for each in student.parameters():
        each.data.add_(0.1 * torch.randn_like(each))
    config = {
        "group": "kdm.students",
        "model": describe(PLUGIN),
        "schema": SCHEMA.model_dump(mode="json"),
    }
    folder = folder_at(str(tmp_path / "student"))
    write_model(folder, student.state_dict(), config=config)
    folder.replace("card.md", b"---\nlicense: cc-by-4.0\n---\n")
    return folder


def refused(folder: Folder, *words: str) -> str:
    error = CliRunner().invoke(app, ["export", folder.url, *words]).exception
    assert isinstance(error, ValueError), error
    return str(error)


@pytest.mark.parametrize(
    ("form", "ending", "lines", "missing"),
    [
        ("torch-export", "pt2", TORCH, OURS),
        pytest.param("onnx", "onnx", ONNX, (*OURS, "torch"), marks=pytest.mark.peers),
    ],
)
def test_a_program_that_does_not_know_this_project_runs_the_file(
    folder: Folder, tmp_path: Path, form: str, ending: str, lines: str, missing: tuple[str, ...]
) -> None:
    out = tmp_path / f"small.{ending}"
    ended = CliRunner().invoke(
        app, ["export", folder.url, "--to", form, "--as-bytes", "--out", str(out)]
    )
    assert ended.exit_code == 0, ended.exception
    assert f"{out.stat().st_size:,} bytes" in ended.output
    x_T, label = 80 * torch.randn(5, *SCHEMA.shape), torch.arange(5) % 3
    np.savez(tmp_path / "given.npz", x_T=x_T, label=label)
    program = f"{WITHOUT.format(missing=missing)}{lines}\nnp.save('made.npy', made)"
    alone = [sys.executable, "-c", program]
    facts = json.loads(subprocess.run(alone, cwd=tmp_path, capture_output=True, check=True).stdout)
    wanted = load_student(folder).generate(x_T, label).numpy()
    wanted = np.clip(np.rint(127.5 * wanted + 127.5), 0, 255)
    made = np.load(tmp_path / "made.npy")
    assert made.dtype == np.uint8
    assert len(np.unique(made)) > 50
    assert np.abs(made - wanted).max() <= 1
    assert (made == wanted).mean() >= 0.99
    config = json.loads(folder.read("config.json"))
    assert facts.pop("made_by").startswith("kdm-offline ")
    assert facts == {
        "student": "student",
        "weights_sha256": config["weights"]["sha256"],
        "shape": [3, 8, 8],
        "noise_scale": 80,
        "value_range": None,
        "num_classes": 3,
        "nfe": 1,
        "rounding": "half-even",
        "licence": "cc-by-4.0",
    }


def test_what_cannot_be_exported_is_refused_before_any_work(folder: Folder, tmp_path: Path) -> None:
    to = ["--to", "torch-export"]
    assert "--to tflite: choose onnx, torch-export or diffusers" in refused(
        folder, "--to", "tflite"
    )
    assert "name a file that ends in .pt2" in refused(folder, *to, "--out", f"{tmp_path}/x.onnx")
    said = refused(folder, *to, "--out", f"{tmp_path}/x.pt2", "--num-steps", "4")
    assert "student doesn't sample in steps" in said
    assert not (tmp_path / "x.pt2").exists()
    folder.remove("model.safetensors")  # so that it can't be loaded
    assert "name a file that ends in .pt2" in refused(folder, *to, "--out", f"{tmp_path}/x.onnx")
