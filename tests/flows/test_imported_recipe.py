"""A recipe imports any published layout by naming its importer, its folder and its rows."""

from pathlib import Path

import pytest
from published_sets import KDM_LAYOUTS, made, on_grid, write_get, write_kdm

from flows.config.imported_pairs import ImportedPairs
from flows.config.load import load_recipe
from flows.progress import Progress
from flows.stage import Run, StageResult
from flows.stages.sequence import run_stages
from storage.folders import Folder, folder_at
from storage.store import PairStore

ROWS = ["pairs.train_rows=[0,24]", "pairs.heldout_rows=[24,30]"]


def pairs_of(home: Folder, importer: str, source: Path, *overrides: str) -> StageResult:
    chosen = [f"pairs.importer={importer}", f"pairs.source={source}", *ROWS, *overrides]
    recipe = load_recipe("checkerboard-import", overrides=chosen)
    *_, pairs = run_stages(Run(recipe, home), until="generate-pairs")
    return pairs


def test_a_folder_of_npz_is_imported_and_then_there(home: Folder, tmp_path: Path) -> None:
    pairs = made(30)
    pairs.x_0 = on_grid(pairs.x_0)
    source = write_kdm(tmp_path / "set", pairs, KDM_LAYOUTS["cifar"])
    first = pairs_of(home, "kdm-npz", source, "pairs.options.x_0_dtype=uint8")
    again = pairs_of(home, "kdm-npz", source, "pairs.options.x_0_dtype=uint8")
    assert (first.state, again.state) == ("done", "cached")
    assert first.facts["heldout"]["kept"] == 6
    store = PairStore.open(folder_at(first.folder), split="train")
    assert (store.schema.x_0_dtype, store.schema.noise.scale) == ("uint8", 80)


def test_gets_files_are_imported_at_the_scale_that_is_given(home: Folder, tmp_path: Path) -> None:
    source = write_get(tmp_path / "set", made(30, scale=1.0))
    result = pairs_of(home, "get", source, "pairs.options.noise_scale=80")
    store = PairStore.open(folder_at(result.folder), split="train")
    assert store.schema.noise.scale == 80


def test_progress_is_told_in_pairs(home: Folder, tmp_path: Path) -> None:
    told: list[Progress] = []
    source = write_kdm(tmp_path / "set", made(30), KDM_LAYOUTS["cifar"])
    chosen = ["pairs.importer=kdm-npz", f"pairs.source={source}", *ROWS]
    recipe = load_recipe("checkerboard-import", overrides=chosen)
    run_stages(Run(recipe, home, report=told.append), until="generate-pairs")
    last = [each for each in told if each.stage == "generate-pairs"][-1]
    assert (last.done, last.total, last.unit) == (60, 60, "pairs")


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (
            "pairs.importer=npz",
            r"Input should be 'kdm-checkerboard', 'kdm-npz', 'get', 'rectified-flow' or 'per-sample'",
        ),
        ("pairs.options.x0_dtype=uint8", r"did you mean 'x_0_dtype'"),
    ],
)
def test_a_wrong_importer_or_option_is_refused_with_what_is_right(
    override: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        load_recipe("checkerboard-import", overrides=[override])


def test_a_recipe_without_options_has_none_in_its_document() -> None:
    pairs = load_recipe("checkerboard-import").pairs
    assert isinstance(pairs, ImportedPairs)
    assert "options" not in pairs.model_dump(mode="json")
