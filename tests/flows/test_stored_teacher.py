"""Pairs of teachers that are stored already: imported, copied from another home, or trained before."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from click.testing import Result
from conftest import Finished
from small_teachers import FLOW, edm_pickle, flow_checkpoint
from typer.testing import CliRunner

from flows.cli import app
from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from kdm.networks.preconditioning import Preconditioner
from kdm.published.golden_samplers import edm_solve
from kdm.trained import read_config
from pairgen.teachers.teacher import load_teacher
from storage.errors import StoreError
from storage.folders import folder_at
from storage.noise import derive_noise
from storage.plugins import configure
from storage.records import NoiseRule
from storage.store import PairStore

TINY = ("--set", "pairs.pairs.shape=[3, 8, 8]", "--layout", "wds-16", "--batch", "8")
TINY += ("--set", "pairs.heldout=16", "--count", "16", "--direct")


def invoked(*words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words)])


def said(*words: object) -> str:
    ended = invoked(*words)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return ended.output


def refused(*words: object) -> str:
    """The sentence of the user's error."""
    error = invoked(*words).exception
    assert isinstance(error, ValueError | StoreError), error
    assert "\n" not in str(error)
    return str(error)


def pairs_of(home: Path) -> PairStore:
    """The training pairs of the one set at a home."""
    (folder,) = (home / "pairs").iterdir()
    return PairStore.open(folder_at(str(folder)), split="train", layout="wds-16")


def teacher_of(home: Path) -> Path:
    (folder,) = (home / "teachers").iterdir()
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one imported teacher of 10 classes, `net`. Copy it, never change it."""
    place = tmp_path_factory.mktemp("imported")
    file = edm_pickle(place / "net.pkl")
    said("teacher", "import", file, "--no-samples", "--home", place / "home")
    return place / "home"


@pytest.mark.parametrize(
    ("precond", "scale"),
    [("EDMPrecond", 80), ("VPPrecond", 80), ("VEPrecond", 80), ("iDDPMPrecond", 80.2037)],
)
def test_pairs_of_an_imported_teacher_are_what_the_goldens_solver_makes(
    home: Path, tmp_path: Path, precond: str, scale: float
) -> None:
    file = edm_pickle(tmp_path / "net.pkl", precond)
    said("teacher", "import", file, "--no-samples", "--home", home)
    chosen = ("--set", "pairs.sampler={plugin: edm-heun, num_steps: 6}")
    exact = ("--set", "pairs.pairs.x_0_dtype=float32")
    said("generate-pairs", "cifar10", "--teacher", "net", *TINY, *chosen, *exact, "--home", home)
    store = pairs_of(home)
    assert store.schema.noise.scale == pytest.approx(scale, abs=1e-4)
    pairs = store.load(16).pairs
    unit = derive_noise(NoiseRule(seed=1), "train", pairs.index, (3, 8, 8))
    one_hot = torch.eye(10)[torch.from_numpy(pairs.index % 10)]
    golden = edm_solve(net_of(home), torch.from_numpy(unit), one_hot, num_steps=6).end.numpy()
    assert np.abs(pairs.x_0 - golden).max() <= 1e-5 * np.abs(golden).max()


def net_of(home: Path) -> Preconditioner:
    folder = folder_at(str(teacher_of(home)))
    config = read_config(folder)
    plugin, digest = configure("pairgen.teachers", config["model"]), config["weights"]["sha256"]
    weights = folder.read("model.safetensors")
    return load_teacher(plugin, (3, 8, 8), weights=weights, digest=digest).denoiser


def test_what_a_recipe_does_not_say_is_the_teachers(imported: Path, tmp_path: Path) -> None:
    words = ("--teacher", "net", "--set", "pairs.pairs.shape=[3, 8, 8]", "--home", imported)
    (tmp_path / "mine.yaml").write_text(said("show", "cifar10", *words))
    recipe = load_recipe(str(tmp_path / "mine.yaml"))  # whole without the home
    assert recipe.pairs.sampler.nfe == 35
    assert recipe.pairs.pairs.label.num_classes == 10
    assert (recipe.pairs.pairs.noise.scale, recipe.licence()) == (80.0, "cc-by-nc-sa-4.0")
    again = said("show", tmp_path / "mine.yaml", "--home", imported)
    assert again == (tmp_path / "mine.yaml").read_text()


def test_the_teachers_sampler_takes_another_number_of_steps(imported: Path) -> None:
    steps = ("--set", "pairs.sampler.num_steps=3", "--set", "pairs.pairs.shape=[3, 8, 8]")
    shown = yaml.safe_load(said("show", "cifar10", "--teacher", "net", *steps, "--home", imported))
    sampler = shown["pairs"]["sampler"]
    assert (sampler["plugin"], sampler["num_steps"]) == ("edm-heun", 3)


def test_a_recipe_without_a_teacher_at_the_home_says_what_to_import(home: Path) -> None:
    told = refused("generate-pairs", "cifar10", "--home", home)
    for words in (
        "nvlabs-fi-cdn.nvidia.com/edm/pretrained/edm-cifar10-32x32-cond-vp.pkl",
        "--teacher",
    ):
        assert words in told
    assert not home.exists()


def test_a_checkpoints_file_is_imported_first_without_samples(home: Path, tmp_path: Path) -> None:
    file = edm_pickle(tmp_path / "net.pkl")
    said("generate-pairs", "cifar10", "--teacher", file, *TINY, "--home", home)
    held = {each.name for each in teacher_of(home).iterdir()}
    assert held == {"model.safetensors", "config.json", "card.md"}
    card = next((home / "pairs").glob("*/card.md")).read_text()
    assert "license: cc-by-nc-sa-4.0" in card
    assert "35 evaluations" in card
    torch.save({"w": torch.zeros(2)}, tmp_path / "bare.pt")
    told = refused("show", "cifar10", "--teacher", tmp_path / "bare.pt", "--home", home)
    assert "does not say what its network is" in told
    assert "'kdm teacher import'" in told


def test_a_flow_matching_checkpoint_makes_pairs_by_midpoint(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"init_kwargs": FLOW, "license": "mit"}))
    words = ("--preset", tmp_path / "mine.yaml", "--no-samples", "--home", home)
    said("teacher", "import", flow_checkpoint(tmp_path / "icfm.pt"), *words)
    shown = yaml.safe_load(said("show", "cifar10", "--teacher", "icfm", *TINY[:2], "--home", home))
    assert (shown["pairs"]["sampler"]["plugin"], shown["teacher"]["license"]) == ("midpoint", "mit")
    assert shown["pairs"]["pairs"]["noise"]["scale"] == 1.0
    chosen = ("--set", "pairs.sampler={plugin: midpoint, num_steps: 2}")
    said("generate-pairs", "cifar10", "--teacher", "icfm", *TINY, *chosen, "--home", home)
    assert len(pairs_of(home).load(16).pairs) == 16


def test_another_homes_teacher_is_copied_whole(imported: Path, home: Path) -> None:
    folder = teacher_of(imported)
    said("generate-pairs", "cifar10", "--teacher", folder, *TINY, "--home", home)
    copied = teacher_of(home)
    assert copied.name == folder.name
    assert {file.name: file.read_bytes() for file in copied.iterdir()} == {
        file.name: file.read_bytes() for file in folder.iterdir()
    }
    again = said("generate-pairs", "cifar10", "--teacher", folder, *TINY, "--home", home)
    assert "done" not in again


def test_a_damaged_teacher_is_refused_and_nothing_is_copied(
    imported: Path, tmp_path: Path, home: Path
) -> None:
    folder = shutil.copytree(teacher_of(imported), tmp_path / "net-0123456789ab")
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    ended = invoked("show", "cifar10", "--teacher", folder, *TINY[:2], "--home", home)
    assert "is not what config.json says" in str(ended.exception)
    assert not list(home.glob("teachers/*/config.json"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--teacher", "nett"), "did you mean 'net'?"),
        (("--teacher", "./"), "holds no finished teacher"),
        (("--teacher", "none.pkl"), "no such file"),
        (("--teacher", "net"), "have shape (3, 32, 32), but teacher net-"),
        (
            ("--teacher", "net", *TINY[:2], "--set", "pairs.pairs.label=null"),
            "pairs have no classes",
        ),
        (
            ("--teacher", "net", *TINY[:2], "--set", "pairs.pairs.noise.scale=1"),
            "starts from noise of standard deviation 80.0",
        ),
        (("--teacher", "net", *TINY[:2], "--set", "teacher.weights=0"), "has weights 0"),
        (("--teacher", "net", "--set", "pairs={kind: imported}"), "not generated by a teacher"),
        (("--teacher", "net", "--data", "cifar10.zip"), "reads no real data"),
        (("--batch", "0"), "give a whole number of samples (1 or more)"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    imported: Path, words: tuple[str, ...], sentence: str
) -> None:
    before = sorted(imported.rglob("*"))
    named = () if "--teacher" in words else ("--teacher", "net", *TINY[:2])
    told = refused("generate-pairs", "cifar10", *named, *words, "--home", imported)
    assert sentence in told, told
    assert sorted(imported.rglob("*")) == before


def test_a_teacher_without_classes_takes_no_labels(home: Path, tmp_path: Path) -> None:
    file = edm_pickle(tmp_path / "net.pkl", num_classes=0)
    label = ("--set", "pairs.pairs.label={num_classes: 10}")
    told = refused("show", "cifar10", "--teacher", file, *TINY[:2], *label, "--home", home)
    assert "isn't class-conditional, but the pairs have 10" in told


def test_a_recipe_of_pairs_only_says_where_to_end(imported: Path) -> None:
    told = refused("run", "ffhq64", "--teacher", "net", *TINY, "--home", imported)
    assert "stop with --until filter-pairs" in told


def test_data_are_named_where_a_recipe_reads_some(imported: Path) -> None:
    told = refused("run", "tiny", "--data", "cifar10.zip", "--home", imported)
    assert "which needs no file; leave --data out" in told
    read = ("--set", "dataset={kind: image-folder, shape: [3, 8, 8]}")
    assert "name them with --data PATH" in refused("run", "tiny", *read, "--home", imported)
    shown = yaml.safe_load(said("show", "cifar10-small", "--data", "2024", "--home", imported))
    assert shown["dataset"]["source"] == "2024"


def test_a_teacher_of_this_project_makes_by_name_the_very_set_of_its_recipe(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home")
    before = sorted(home.glob("pairs/*/*/*/shards/*"))
    said("generate-pairs", "tiny", "--teacher", teacher_of(home), "--direct", "--home", home)
    assert sorted(home.glob("pairs/*/*/*/shards/*")) == before
    student = next((home / "students").iterdir())
    told = refused("show", "tiny", "--teacher", student, "--home", home)
    assert "not a teacher" in told


def test_a_set_of_an_imported_teacher_is_mended_and_checked(imported: Path, tmp_path: Path) -> None:
    home = shutil.copytree(imported, tmp_path / "home")
    said("generate-pairs", "cifar10", "--teacher", "net", *TINY, "--home", home)
    name = next((home / "pairs").iterdir()).name
    shard = next(home.glob("pairs/*/train/*/shards/*.tar"))
    data = shard.read_bytes()
    shard.unlink()
    said("pairs", "repair", name, "--home", home)
    assert shard.read_bytes() == data
    assert "4 of 4 pairs are bit-equal" in said(
        "pairs", "spot-check", name, "-k", 4, "--home", home
    )


def test_recipes_of_old_keep_their_digests() -> None:
    recipe = load_recipe("tiny")
    assert isinstance(recipe, Recipe)
    assert {"stored", "weights"}.isdisjoint(recipe.document()["teacher"])
