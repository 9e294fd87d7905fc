"""`kdm teacher …`: what a user types to bring a teacher along, and what they are told."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from click.testing import Result
from PIL import Image
from published import MLP
from typer.testing import CliRunner

from flows.cli import app
from flows.commands.teacher_picture import grid_png
from kdm.networks.build import build_edm, build_guided

EDM = {"img_resolution": 8, "img_channels": 3, "label_dim": 4, "model_channels": 16}
EDM |= {"model_type": "SongUNet", "channel_mult": [1], "num_blocks": 1, "attn_resolutions": []}
FLOW = {"dim": [1, 8, 8], "num_channels": 32, "num_res_blocks": 1, "channel_mult": [1]}
FLOW |= {"attention_resolutions": "4"}


def invoked(*words: object) -> Result:
    return CliRunner().invoke(app, ["teacher", *map(str, words)])


def said(*words: object) -> str:
    """What a command says that must end well."""
    ended = invoked(*words)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return ended.output


def refused(*words: object) -> str:
    """The sentence of the user's error."""
    error = invoked(*words).exception
    assert isinstance(error, ValueError), error
    return str(error)


def golden(path: Path, *, factor: float = 1.0) -> Path:
    """A golden of one velocity by the checkerboard's MLP, or one that is wrong by a factor."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(*sides) for sides in ((3, 8), (8, 8), (8, 8), (8, 8), (8, 2))]
    x, arrays = torch.randn(4, 2), dict[str, np.ndarray]()
    for number, layer in enumerate(layers):
        arrays[f"w/main.{2 * number}.weight"] = layer.weight.detach().numpy()
        arrays[f"w/main.{2 * number}.bias"] = layer.bias.detach().numpy()
    silent = [each for layer in layers for each in (layer, torch.nn.SiLU())][:-1]
    with torch.no_grad():
        v = torch.nn.Sequential(*silent)(torch.cat([x, torch.full((4, 1), 0.5)], 1)) * factor
    meta = json.dumps({"init_kwargs": {"hidden_dim": 8, "input_dim": 2}})
    arrays |= {"noise": x.numpy(), "t": np.array([0.5], np.float32), "velocity": v[None].numpy()}
    np.savez(path, meta=np.array(meta), edm_grid10=np.array([0.0, 1.0]), **arrays)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def edm(tmp_path: Path) -> tuple[object, ...]:
    """The words that import a state dict whose network a YAML file tells."""
    torch.manual_seed(0)
    torch.save(build_edm("EDMPrecond", EDM).state_dict(), tmp_path / "Mine_1.pt")
    preset = tmp_path / "mine.yaml"
    preset.write_text(yaml.safe_dump({"precond": "EDMPrecond", "init_kwargs": EDM}))
    return "import", tmp_path / "Mine_1.pt", "--preset", preset, "--home", tmp_path / "home"


def the_teacher(home: Path) -> Path:
    (found,) = (home / "teachers").iterdir()
    return found


def card(home: Path) -> str:
    return (the_teacher(home) / "card.md").read_text()


def test_a_teacher_is_stored_with_its_card_and_its_picture(
    home: Path, edm: tuple[object, ...]
) -> None:
    planned = said(*edm, "--dry-run")
    assert not home.exists()
    assert "EDMPrecond of SongUNet" in said(*edm)
    folder = the_teacher(home)
    assert planned == f"{folder}: would be stored; nothing was written\n"
    assert said(*edm, "--dry-run") == f"{folder}: is there; nothing was written\n"
    assert folder.name.rpartition("-")[0] == "mine-1"
    assert {file.name for file in folder.iterdir()} == {
        *("model.safetensors", "config.json", "card.md", "samples.png")
    }
    with Image.open(folder / "samples.png") as picture:
        assert picture.size == (532, 532)
    for words in ("35 evaluations", "3 × 8 × 8, 4 classes", "σ from 0 to inf", "license: unknown"):
        assert words in card(home)
    listed = CliRunner().invoke(app, ["ls", "--home", str(home)]).output
    assert folder.name in listed
    assert "imported" in listed


def test_importing_again_changes_nothing_but_what_was_not_known(
    home: Path, edm: tuple[object, ...]
) -> None:
    said(*edm, "--no-samples")
    before = {file: file.read_bytes() for file in the_teacher(home).iterdir()}
    said(*edm, "--no-samples")
    assert {file: file.read_bytes() for file in the_teacher(home).iterdir()} == before
    said(*edm, "--no-samples", "--license", "cc-by-4.0")
    assert "license: cc-by-4.0" in card(home)
    said(*edm)
    assert "license: cc-by-4.0" in card(home)
    assert "samples.png" in card(home)


def test_a_flow_matching_checkpoint_is_its_average(home: Path, tmp_path: Path) -> None:
    average = build_guided(FLOW).state_dict()
    raw = {name: torch.zeros_like(held) for name, held in average.items()}
    torch.save({"net_model": raw, "ema_model": average, "step": 4}, tmp_path / "icfm.pt")
    preset = tmp_path / "grey.yaml"
    preset.write_text(yaml.safe_dump({"init_kwargs": FLOW, "license": "mit"}))
    said("import", tmp_path / "icfm.pt", "--preset", preset, "--name", "grey", "--home", home)
    assert "averaged over training (EMA)" in card(home)
    assert "100 evaluations" in card(home)
    assert "license: mit" in card(home)


def test_what_is_no_teacher_is_refused_in_a_sentence(
    home: Path, tmp_path: Path, edm: tuple[object, ...]
) -> None:
    _, file, _, preset, *at = edm
    text = tmp_path / "notes.txt"
    text.write_text("no network")
    for words, sentence in (
        ((tmp_path / "none.pkl",), "no such file"),
        ((text,), "it is not a checkpoint"),
        ((file,), "does not say what its network is"),
        ((file, "--preset", "edm-cifar10-32x32-cond-pv"), "did you mean"),
        ((file, "--preset", "edm-cifar10-32x32-cond-vp"), "are not those of the network"),
        ((file, "--preset", tmp_path / "none.yaml"), "no such file"),
        ((file, "--preset", preset, "--name", "My Teacher"), "My Teacher"),
        ((file, "--preset", preset, "--license", "Ask Me"), "write its identifier"),
    ):
        told = refused("import", *words, *at)
        assert sentence in told, told
        assert "\n" not in told
    assert not (home / "teachers").exists()


def test_a_golden_is_told_array_by_array_and_past_the_tolerance_the_exit_code_is_1(
    tmp_path: Path,
) -> None:
    right, wrong = golden(tmp_path / "right.npz"), golden(tmp_path / "wrong.npz", factor=1.001)
    assert "agrees" in said("check", right)
    ended = invoked("check", right, wrong)
    assert ended.exit_code == 1
    assert "9.99e-04" in ended.output
    assert "DIFFERS" in ended.output


def test_what_is_no_golden_is_refused_in_a_sentence(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    np.savez(tmp_path / "odd.npz", meta=np.array("{}"))
    (tmp_path / "text.npz").write_text("text")
    assert "lacks the array 'meta'" in refused("check", tmp_path / "other.npz")
    assert "isn't a golden" in refused("check", tmp_path / "odd.npz")
    assert "isn't a .npz" in refused("check", tmp_path / "text.npz")
    assert "no such file" in refused("check", tmp_path / "none.npz")


def test_published_goldens_agree() -> None:
    assert "DIFFERS" not in said("check", MLP)


@pytest.mark.parametrize("num_channels", [1, 3, 4])
def test_a_grid_has_four_rows_of_four(num_channels: int) -> None:
    images = np.arange(16, dtype=np.uint8)[:, None, None, None] * 16
    data = grid_png(np.broadcast_to(images, (16, num_channels, 8, 8)).copy())
    assert data[:4] == b"\x89PNG"
    assert data == grid_png(np.broadcast_to(images, (16, num_channels, 8, 8)).copy())
