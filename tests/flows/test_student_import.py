"""`kdm student import`: published KDM files become students that sample, and nothing in them is run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from click.testing import Result
from PIL import Image
from published import STEP, published
from published_students import KDM, LABELLED, module_of, state_of, student, write_module
from typer.testing import CliRunner

from flows.cli import app
from flows.hub.model_cargo import Lineage, model_cargo
from kdm.coders.mlp_coders import MlpCoders
from kdm.hub.hub_address import HubAddress
from kdm.published.tensor_names import to_published
from kdm.students.koopman import Koopman
from kdm.students.koopman_student import KoopmanStudent
from kdm.trained import read_config
from storage.digest import seal, unseal
from storage.folders import folder_at
from storage.records import PairSchema

VARIANTS: dict[str, dict[str, Any]] = {
    "dense": {},
    "labels": LABELLED,
    "labels in the networks": {"label_dim": 3, "cond_type": "OnlyEncDec"},
    "factorised": {"is_factorised": True, "out_channels": 2},
    "linear": {"linear_proj": 24, "channel_mult": [1, 2, 2]},
}


EDM = ("--noise-scale", "80")  # which a state dict does not say


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return __import__("os").system, ("touch canary",)


def kdm(*words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words)])


def imported(file: Path, home: Path, *words: str) -> Path:
    ended = kdm("student", "import", file, "--home", home, *words)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return next((home / "students").iterdir())


def refused(file: Path, home: Path, *words: str) -> str:
    error = kdm("student", "import", file, "--home", home, *words).exception
    assert isinstance(error, ValueError), error
    assert not (home / "students").exists()
    return str(error)


def noise() -> torch.Tensor:
    return 80 * torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def _of_points(name: str) -> str:
    """'encoder_T.layers.2.weight' as published: 'xT_observables_encoder.main.4.weight'."""
    child, kind, *number, leaf = name.split(".")
    (theirs,) = to_published({f"{child}.{leaf}": torch.zeros(1)}, has_linear=False)
    if kind == "linear":
        return f"koopman_operator.{leaf}"
    return theirs.replace(f".{leaf}", f".main.{2 * int(number[0])}.{leaf}")


@pytest.mark.parametrize("form", ["module", "state"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_published_file_samples_what_its_weights_sample(
    variant: str, form: str, tmp_path: Path
) -> None:
    made, file = student(**VARIANTS[variant]), tmp_path / "KDM_best.pt"
    if form == "module":
        write_module(file, module_of(made))
    else:
        torch.save(state_of(made), file)
    folder = imported(file, tmp_path / "home", *(EDM if form == "state" else ()))
    label = torch.tensor([2, 0, 1]) if made.num_classes else None
    found = KoopmanStudent.from_pretrained(folder)
    assert folder.name.startswith("kdm-best-")
    assert torch.equal(found.generate(noise(), label), made.generate(noise(), label))


def test_the_published_step_is_sampled_from_its_own_weights(tmp_path: Path) -> None:
    with np.load(published(STEP)) as golden:
        arrays = {name: torch.from_numpy(golden[name]) for name in golden if name != "meta"}
    state = {name[2:]: each for name, each in arrays.items() if name.startswith("w/")}
    torch.save(state, tmp_path / "golden.pt")
    made = KoopmanStudent.from_pretrained(imported(tmp_path / "golden.pt", tmp_path / "home", *EDM))
    wanted = arrays["out/x0_pushed_hat"]
    assert (made.generate(arrays["xT"]) - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_the_checkerboards_student_is_imported_too(tmp_path: Path) -> None:
    coders = MlpCoders(latent_dim=6, width=8, num_encoder_layers=3, num_decoder_layers=4)
    made = Koopman(networks=coders).build(PairSchema(shape=(2,))).requires_grad_(False)
    points = tmp_path / "points.pt"
    torch.save({_of_points(name): each for name, each in made.state_dict().items()}, points)
    found = KoopmanStudent.from_pretrained(imported(points, tmp_path / "home"))
    x_T = torch.randn(5, 2)
    assert torch.equal(found.generate(x_T), made.generate(x_T))


def test_its_folder_tells_what_it_is_and_whose(tmp_path: Path) -> None:
    made = student(**LABELLED)
    file = write_module(tmp_path / "mine.pt", module_of(made, noisy_latent=0.2))
    words = ("student", "import", file, "--home", tmp_path / "home", "--name", "theirs")
    planned = kdm(*words, "--dry-run").output
    assert not (tmp_path / "home").exists()
    folder = imported(file, tmp_path / "home", "--name", "theirs", "--student", "kdm")
    assert planned == f"{folder}: would be stored; nothing was written\n"
    before = {each: each.read_bytes() for each in folder.iterdir()}
    card = (folder / "card.md").read_text()
    assert {each.name for each in before} == {"model.safetensors", "config.json", "card.md"}
    for words in ("license: unknown", "comes without a licence", "3 × 16 × 16, 3 classes", "KDM"):
        assert words in card
    assert f"{made.requires_grad_().num_trainable_parameters():,} trainable" in card
    assert imported(file, tmp_path / "home", "--name", "theirs") == folder
    assert {each: each.read_bytes() for each in folder.iterdir()} == before


def test_folders_of_the_machine_that_a_file_was_made_on_do_not_leave_by_a_push(
    tmp_path: Path,
) -> None:
    said = {"data_dir": "/home/ada/data", "out": "runs/7", "cache": "C:\\data", "note": "third try"}
    file = write_module(tmp_path / "mine.pt", module_of(student(), **said))
    folder = folder_at(str(imported(file, tmp_path / "home")))
    cargo = model_cargo(folder, HubAddress.of("student", "ada/mine"), Lineage())
    sent = unseal(cargo.sources["config.json"], "what is sent")
    kept = read_config(folder)
    assert said.items() <= kept["source"]["settings"].items()
    assert {*kept["source"]["settings"]} - {*sent["source"]["settings"]} == {*said} - {"note"}
    assert {k: v for k, v in sent.items() if k not in ("digest", "source")} == {
        k: v for k, v in kept.items() if k not in ("digest", "source")
    }
    for key in ("digest", "stamp_digest"):
        kept.pop(key, None)
    folder.replace("config.json", seal({**kept, "model": {**kept["model"], "file": "~/mine.pt"}}))
    with pytest.raises(
        ValueError, match=r"config\.json of mine-.* says model\.file '~/mine\.pt', a place"
    ):
        model_cargo(folder, HubAddress.of("student", "ada/mine"), Lineage())


def test_an_imported_student_is_sampled_by_its_name(tmp_path: Path) -> None:
    made, home = student(**LABELLED), tmp_path / "home"
    imported(write_module(tmp_path / "mine.pt", module_of(made)), home)
    words = ("--label", "all", "--grid", tmp_path / "grid.png", "--out", tmp_path / "out.npy")
    ended = kdm("sample", "mine", "-n", 7, *words, "--home", home)
    assert ended.exit_code == 0, ended.exception
    with Image.open(tmp_path / "grid.png") as picture:  # a column a class
        assert picture.size == (3 * 68 + 4, 3 * 68 + 4)
    assert np.load(tmp_path / "out.npy").shape == (7, 3, 16, 16)
    assert "mine-" in kdm("ls", "--home", home).output


def test_what_is_no_published_student_is_refused_in_a_sentence(tmp_path: Path) -> None:
    state, home = state_of(student()), tmp_path / "home"
    without = {name: each for name, each in state.items() if "koopman" not in name}
    whole = {name: each.long() for name, each in state.items()}
    for name, held, sentence in (
        ("none", {"w": torch.zeros(2)}, "a published KDM student"),
        ("without", without, "operator.linear.weight is missing, and 1 more"),
        ("more", {**state, "vgg.weight": torch.zeros(1)}, "part of a published KDM student"),
        ("whole", whole, "holds torch.int64; a student's tensors hold float numbers"),
    ):
        torch.save(held, tmp_path / f"{name}.pt")
        assert sentence in refused(tmp_path / f"{name}.pt", home, *EDM)
    (tmp_path / "text.pt").write_text("no student")
    torch.save(state, tmp_path / "sound.pt")
    assert "it is not a student" in refused(tmp_path / "text.pt", home)
    assert "no such file" in refused(tmp_path / "nothing.pt", home)
    assert "kind 'kdm', not 'kdm-f'" in refused(
        tmp_path / "sound.pt", home, "--student", "kdm-f", *EDM
    )
    assert "write it as 'my-own'" in refused(tmp_path / "sound.pt", home, "--name", "My Own")


@pytest.mark.parametrize("place", ["beside its tensors", "in a module", "alone"])
def test_a_hostile_file_is_refused_and_does_nothing(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outer: Any = Hostile() if place == "alone" else module_of(student())
    if isinstance(outer, KDM):
        held = outer if place == "beside its tensors" else outer.koopman_operator
        held.trap = Hostile()
    file = write_module(tmp_path / "hostile.pt", outer)
    sentence = refused(file, tmp_path / "home")
    assert "names 'posix.system', which isn't allowed in a student" in sentence
    assert "\n" not in sentence
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("form", ["pt", "safetensors"])
def test_the_scale_of_noise_is_asked_for_where_the_file_does_not_say_it(
    form: str, tmp_path: Path
) -> None:
    file, home = tmp_path / f"flow.{form}", tmp_path / "home"
    state = {name: each.contiguous() for name, each in state_of(student()).items()}
    (torch.save if form == "pt" else safetensors.torch.save_file)(state, file)
    assert "doesn't say the scale of its noise" in refused(file, home)
    folder = imported(file, home, "--noise-scale", "1")
    assert json.loads((folder / "config.json").read_text())["schema"]["noise"]["scale"] == 1


def test_a_scale_of_noise_that_contradicts_the_file_is_refused(tmp_path: Path) -> None:
    file = write_module(tmp_path / "flow.pt", module_of(student(), initial_noise_factor=1))
    assert "its noise has scale 1, not 80; leave" in refused(file, tmp_path / "home", *EDM)
    imported(file, tmp_path / "home", "--noise-scale", "1")
