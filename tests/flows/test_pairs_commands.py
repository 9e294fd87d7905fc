"""`kdm pairs …`: what a user types to look after a set, and what they are told."""

import json
import shutil
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import yaml
from click.testing import Result
from conftest import Finished
from faults.digests import assert_equal, digests_of
from faults.here import run_here, train_here
from faults.store_damage import Target, make_target
from typer.testing import CliRunner

from flows.care.remake import Remaker
from flows.cli import app
from storage.care.verify import faults
from storage.errors import StoreError
from storage.folders import folder_at
from storage.importers import import_pairs
from storage.mask_documents import decisions_of
from storage.masks import Mask
from storage.set_folder import splits_of
from storage.store import PairStore


def invoked(*words: str, says: str = "") -> Result:
    return CliRunner().invoke(app, list(words), input=says)


def pairs(*words: str, home: Path) -> str:
    """What `kdm pairs …` says where it must end well."""
    ended = invoked("pairs", *words, "--home", str(home))
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return ended.output


def failed(*words: str, home: Path) -> str:
    """What it says where it must end with exit code 1."""
    ended = invoked("pairs", *words, "--home", str(home))
    assert ended.exit_code == 1, (ended.output, ended.exception)
    return ended.output


def refused(*words: str, home: Path) -> str:
    """The sentence of the user's error."""
    error = invoked("pairs", *words, "--home", str(home)).exception
    assert isinstance(error, ValueError | StoreError)
    return str(error)


def the_set(home: Path) -> Path:
    (found,) = (home / "pairs").iterdir()
    return found


def shards(home: Path, place: str = "train/wds-256") -> list[Path]:
    return sorted(file for file in (the_set(home) / place / "shards").rglob("*") if file.is_file())


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.fixture
def home(finished: Finished, tmp_path: Path) -> Path:
    return finished.copy(tmp_path / "home", "students", "reports")


@pytest.fixture
def golden(home: Path) -> dict[str, str]:
    return digests_of(home)


def test_ls_and_show_tell_what_is_there(home: Path) -> None:
    assert "train/wds-256" in pairs("ls", home=home)
    said = yaml.safe_load(pairs("show", "tiny", home=home))
    assert said == json.loads(pairs("show", "tiny", "--json", home=home))
    train = said["splits"]["train/wds-256"]
    assert (train["shards"], train["attempted"], train["manifests"]) == (8, 2048, [8])
    assert train["masks"][0]["filter"]["plugin"] == "near-copy"
    assert (train["masks"][0]["judged_shards"], len(train["environments"])) == (8, 1)
    assert said["licence"] == "apache-2.0"


def test_a_sound_set_is_said_to_be_sound(home: Path) -> None:
    assert "train/wds-256: 8 shards sound (bytes, digests)" in pairs("verify", "tiny", home=home)
    said = pairs("verify", "tiny", "--deep", home=home)
    assert "8 shards sound (bytes, digests, contents, labels, values)" in said


def test_every_fault_is_named_and_the_exit_code_is_1(home: Path) -> None:
    flip(shards(home)[3])
    shards(home)[5].unlink()
    (the_set(home) / "train/wds-256/shards/notes.txt").write_text("?")
    said = failed("verify", "tiny", home=home)
    assert "train/wds-256: 3 faults, 2 of 8 shards affected" in said
    for kind, name in (("damaged", "000003-"), ("missing", "000005-"), ("foreign", "notes.txt")):
        assert any(line.startswith(f"{kind}: ") and name in line for line in said.splitlines())


def test_a_damaged_spec_is_told_and_nothing_else_is_trusted(home: Path) -> None:
    flip(the_set(home) / "spec.json")
    for command in ("verify", "repair"):
        said = failed(command, "tiny", home=home)
        assert said.startswith("damaged: ")
        assert "spec.json" in said


def test_repair_makes_anew_what_is_damaged_and_nothing_else(
    home: Path, golden: dict[str, str]
) -> None:
    base = the_set(home) / "train/wds-256"
    untouched = shards(home)[0].stat()
    flip(shards(home)[3])
    for file in (shards(home)[5], base / "records/000001.json", base / "manifests/000008.json"):
        file.unlink()
    flip(base / "records/000002.json")
    damaged = digests_of(home)
    planned = pairs("repair", "tiny", "--dry-run", home=home)
    assert "train/wds-256: shard 3: restored" in planned
    assert digests_of(home) == damaged
    said = pairs("repair", "tiny", home=home)
    assert "shard 3: restored from the teacher" in said
    assert "shard 2: restored from its own files" in said
    assert_equal(digests_of(home), golden)
    assert shards(home)[0].stat() == untouched
    assert "8 shards sound" in pairs("verify", "tiny", "--deep", home=home)


def test_repair_takes_another_layout_before_the_teacher(home: Path, golden: dict[str, str]) -> None:
    pairs("convert", "tiny", "--to", "zarr-64", home=home)
    shutil.rmtree(home / "teachers")
    shards(home)[2].unlink()
    assert "restored from layout zarr-64" in pairs("repair", "tiny", home=home)
    for file in shards(home, "train/zarr-64")[:40]:
        file.unlink()
    assert "restored from layout wds-256" in pairs("repair", "tiny", home=home)
    pairs("verify", "tiny", "--deep", home=home)


def test_a_shard_of_another_size_than_it_was_made_in_is_made_anew_by_the_teacher(
    home: Path,
) -> None:
    pairs("convert", "tiny", "--to", "wds-64", home=home)
    pairs("convert", "tiny", "--to", "wds-512", home=home)
    shutil.rmtree(the_set(home) / "train/wds-256")
    for layout in ("wds-64", "wds-512"):
        kept = the_set(home) / "train" / layout
        aside = the_set(home).parent.parent / "aside"
        others = [each for each in (the_set(home) / "train").iterdir() if each != kept]
        shutil.move(others[0], aside)
        file = shards(home, f"train/{layout}")[1]
        before = file.read_bytes()
        file.unlink()
        assert "restored from the teacher" in pairs("repair", "tiny", home=home)
        assert file.read_bytes() == before
        shutil.move(aside, others[0])


def test_without_the_teacher_repair_says_whose_weights_it_needs(home: Path) -> None:
    shutil.rmtree(home / "teachers")
    shards(home)[2].unlink()
    said = failed("repair", "tiny", home=home)
    assert "the teacher of these pairs, with weights" in said
    assert "copy its folder there" in said


def test_a_sound_shard_never_goes_for_want_of_its_record(home: Path) -> None:
    shutil.rmtree(home / "teachers")
    base = the_set(home) / "heldout/wds-256"
    for record in base.glob("records/*.json"):
        record.unlink()
    said = pairs("repair", "tiny", home=home)
    assert "its own files (the rest of its record is lost)" in said
    folder = folder_at(str(the_set(home)))
    store = PairStore.open(folder, split="heldout", layout="wds-256")
    assert faults(store, deep=True) == []
    assert store.record(0).environment == {"lost": True}


def test_what_comes_out_otherwise_than_it_was_frozen_replaces_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(shards(home)[2])
    before = digests_of(home)
    make = Remaker.make

    def another(remaker: Remaker, split: str, first: int, end: int) -> object:
        batch, invalid = make(remaker, split, first, end)
        batch.x_0[0] += 1
        return batch, invalid

    monkeypatch.setattr(Remaker, "make", another)
    said = failed("repair", "tiny", home=home)
    assert "nothing was replaced: restore it from a copy" in said
    assert digests_of(home) == before


def test_damaged_masks_are_removed_and_filter_pairs_makes_them_again(
    home: Path, golden: dict[str, str]
) -> None:
    for file in sorted(the_set(home).glob("train/*/masks/*/*/*/*.json"))[::3]:
        flip(file)
    said = pairs("repair", "tiny", home=home)
    assert "removed; run filter-pairs to restore it" in said
    run_here(home, until="filter-pairs")
    assert_equal(digests_of(home), golden)


def test_reasons_of_drop_at_write_are_judged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    home = tmp_path / "home"
    drop = "pairs.drop_at_write=[{filter: {plugin: near-copy}, fpr: 0.05}]"
    run_here(home, drop, "filters=[]", until="generate-pairs")
    golden = digests_of(home)
    audit, *_ = sorted(the_set(home).glob("train/*/audit/*.json"))
    record = the_set(home) / "train/wds-256/records" / audit.name
    flip(audit)
    said = pairs("repair", "tiny", home=home)
    assert f"audit/{audit.name}: restored" in said
    assert_equal(digests_of(home), golden)
    record.unlink()
    pairs("repair", "tiny", home=home)
    assert_equal(digests_of(home), golden)


def test_gc_asks_before_it_removes_what_nobody_reads(home: Path, golden: dict[str, str]) -> None:
    assert "nothing to remove" in pairs("gc", "--older-than", "0", home=home)
    stray = the_set(home) / "train/wds-256/shards/000000-0123456789ab.tar"
    stray.write_bytes(b"12345")
    assert "nothing to remove" in pairs("gc", home=home)  # it is younger than an hour
    words = ["pairs", "gc", "tiny", "--older-than", "0", "--home", str(home)]
    assert invoked(*words, says="n\n").exit_code == 1
    assert stray.exists()
    assert "freed 5 bytes" in pairs("gc", "--older-than", "0", "--yes", home=home)
    assert_equal(digests_of(home), golden)


def test_gc_touches_nothing_where_it_cannot_tell_what_is_whose(home: Path) -> None:
    flip(the_set(home) / "train/wds-256/records/000001.json")
    (the_set(home) / "train/wds-256/shards/x").write_bytes(b"")
    said = failed("gc", "--older-than", "0", "--yes", home=home)
    assert "run 'kdm pairs repair' first" in said
    (the_set(home) / "spec.json").unlink()
    assert "spec.json is missing" in failed("gc", "--older-than", "0", "--yes", home=home)
    assert (the_set(home) / "train/wds-256/shards/x").exists()


def test_convert_tells_what_it_did_and_does_it_once(home: Path) -> None:
    said = pairs("convert", "tiny", "--to", "zarr-256", home=home)
    assert "train/zarr-256: 8 shards from wds-256, with its masks" in said
    again = digests_of(home)
    pairs("convert", "tiny", "--to", "zarr-256", "--from", "wds-256", home=home)
    assert digests_of(home) == again
    said = pairs("convert", "tiny", "--to", "zarr-64", home=home)
    assert "so run filter-pairs for it" in said
    card = (the_set(home) / "card.md").read_text()
    assert "| train | zarr-64 |" in card
    assert "license: apache-2.0" in card
    assert "doesn't exist in layout wds-2" in refused(
        "convert", "tiny", "--to", "zarr-64", "--from", "wds-2", home=home
    )


def test_a_run_in_another_layout_has_the_same_contents(home: Path) -> None:
    words = ["generate-pairs", "tiny", "--layout", "zarr-256", "--direct", "--device", "cpu"]
    assert invoked(*words, "--home", str(home)).exit_code == 0
    folder = folder_at(str(the_set(home)))
    assert splits_of(folder) == [
        f"{split}/{layout}" for split in ("heldout", "train") for layout in ("wds-256", "zarr-256")
    ]
    one, other = (
        PairStore.open(folder, split="train", layout=layout) for layout in ("wds-256", "zarr-256")
    )
    assert one.content_digests(2048) == other.content_digests(2048)
    assert faults(other, deep=True) == []


def test_spot_check_compares_with_the_teacher(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = pairs("spot-check", "tiny", "-k", "32", "--seed", "5", home=home)
    assert "of 32 pairs are bit-equal" in said
    assert "within the tolerance" in said
    alone = Remaker.alone

    def another(remaker: Remaker, split: str, index: np.ndarray) -> object:
        batch = alone(remaker, split, index)
        batch.x_0[3] += 1
        return batch

    monkeypatch.setattr(Remaker, "alone", another)
    assert "BEYOND the tolerance" in failed("spot-check", "tiny", home=home)
    assert "doesn't have a 'test' split" in refused(
        "spot-check", "tiny", "--split", "test", home=home
    )


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Trajectories as they are published: the noise end comes first."""
    stream = np.random.RandomState(0)
    ends = stream.standard_normal((8000, 2)), stream.uniform(-4, 4, (8000, 2))
    np.save(tmp_path / "published.npy", np.stack(ends).astype(np.float32))
    return tmp_path / "published.npy"


def test_an_imported_set_has_a_card_with_its_licence_and_is_repaired_from_its_source(
    published: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    rows = ("--train", "0:6000", "--heldout", "6000:8000", "--layout", "wds-1024")
    planned = pairs("import", str(published), *rows, "--dry-run", home=home)
    assert not home.exists()
    said = pairs("import", str(published), *rows, "--license", "cc-by-4.0", home=home)
    assert "6,000 train, 2,000 heldout" in said
    assert planned.startswith(f"{the_set(home)}: would be stored by importer kdm-checkerboard")
    assert "is there" in pairs("import", str(published), *rows, "--dry-run", home=home)
    assert "license: cc-by-4.0" in (the_set(home) / "card.md").read_text()
    assert (the_set(home) / "pairs.png").exists()
    pairs("import", str(published), *rows, home=home)
    assert "license: cc-by-4.0" in (the_set(home) / "card.md").read_text()
    golden = digests_of(home)
    name = the_set(home).name
    assert "so no teacher can make it again" in refused("spot-check", name, home=home)
    shards(home, "train/wds-1024")[2].unlink()
    assert "give what it was imported from with --source" in failed("repair", name, home=home)
    said = pairs("repair", name, "--source", str(published), home=home)
    assert "restored from what it was imported from" in said
    assert_equal(digests_of(home), golden)


def test_an_export_leaves_out_what_filters_drop_unless_asked(home: Path, tmp_path: Path) -> None:
    store = PairStore.open(folder_at(str(the_set(home))), split="train", layout="wds-256")
    masks: list[Mask] = decisions_of(store.base / "masks")
    kept = len(store.load(2048, masks).pairs)
    assert kept < 2048
    for to in ("kdm-npz", "per-sample"):
        said = pairs("export", "tiny", str(tmp_path / to), "--to", to, home=home)
        assert f"{kept:,} pairs, without what {masks[0].decision[:12]} drops" in said
    words = ("export", "tiny", str(tmp_path / "all"), "--to", "per-sample", "--unmasked")
    assert "300 pairs, no mask applied" in pairs(*words, "--count", "300", home=home)
    assert "did you mean 'kdm-npz'" in refused(
        "export", "tiny", str(tmp_path / "x"), "--to", "kdm-np", home=home
    )


def test_a_set_on_s3_is_verified_repaired_converted_and_cleared(s3: str, tmp_path: Path) -> None:
    target: Target = make_target(tmp_path / "home", ("wds-64",))
    place = folder_at(f"{s3}/{uuid4().hex}/pairs/{target.name}")
    for name in folder_at(str(target.folder)).files():
        place.create(name, (target.folder / name).read_bytes())
    name = next(name for name in place.files() if name.endswith(".tar"))
    place.replace(name, b"x" + place.read(name)[1:])
    home = Path("nowhere")
    assert "has 61,440 bytes with sha256" in failed("verify", place.url, home=home)
    assert "restored from the teacher" in pairs("repair", place.url, home=home)
    assert "4 shards from wds-64, with its masks" in pairs(
        "convert", place.url, "--to", "zarr-64", home=home
    )
    assert "sound" in pairs("verify", place.url, "--deep", home=home)
    assert "nothing to remove" in pairs("gc", place.url, "--older-than", "0", home=home)


def test_imports_are_refused_with_a_sentence(published: Path, tmp_path: Path) -> None:
    for words, sentence in (
        (("--set", "x_0_dtyp=uint8"), "did you mean 'x_0_dtype'"),
        (("--set", "x"), "write it as --set NAME=VALUE"),
        (("--from", "kdm-npz"), "--name"),
        (("--license", "CC BY"), "write its identifier in lower case"),
        (("--train", "5"), "write rows as FIRST:END"),
    ):
        assert sentence in refused("import", str(published), *words, home=tmp_path / "home")


def test_a_means_of_import_gives_the_set_that_the_recipe_finds(
    published: Path, tmp_path: Path
) -> None:
    made = import_pairs(
        "kdm-checkerboard",
        published,
        folder_at(str(tmp_path / "home" / "pairs")),
        name="p",
        rows={"train": (0, 6000), "heldout": (6000, 8000)},
        layout="wds-1024",
    )
    rows = ("--train", "0:6000", "--heldout", "6000:8000", "--layout", "wds-1024")
    said = pairs("import", str(published), "--name", "p", *rows, home=tmp_path / "home")
    assert made.folder.url in said
