"""What a stage refuses, leaves out, or shares with another process."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from conftest import Finished
from faults.commands import finish, kdm, start
from faults.digests import assert_equal, digests_of
from faults.here import run_here, train_here

from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.config.teacher_recipe import TeacherRecipe
from flows.stage import Run, StageResult
from flows.stages.sequence import run_stages
from kdm.objective import Objective
from pairgen.teachers.plugin import TeacherPlugin
from pairgen.teachers.teacher import Teacher
from storage.errors import InvalidPairsError, MismatchError
from storage.folders import Folder, folder_at
from storage.noise import derive_noise
from storage.records import NoiseRule
from storage.store import PairStore

LAYOUT = "wds-256"


class FaultyField(Teacher):
    """Points to zero, but for some noise whose answer is wrong."""

    t_noise = 1.0
    noise_scale = 1.0

    def __init__(self, options: "FaultyTeacher") -> None:
        super().__init__()
        index = np.array(options.indices, np.int64)
        x_T = derive_noise(NoiseRule(seed=1), options.split, index, (2,))
        self._options = options
        self._x_T = torch.from_numpy(x_T)

    def velocity(self, x: torch.Tensor, t: torch.Tensor, label: Any = None) -> torch.Tensor:
        if self._options.fault == "shape":
            return torch.cat([x, x], dim=1)
        is_chosen = (x[:, None] == self._x_T).all(dim=2).any(dim=1)
        wrong = float(self._options.fault) * torch.ones_like(x)
        return torch.where(is_chosen[:, None], wrong, x)


class FaultyTeacher(TeacherPlugin):
    """A field that is wrong at these indices of a split."""

    plugin = "faulty"
    is_trained: ClassVar[bool] = False

    fault: str = "nan"
    split: str = "train"
    indices: tuple[int, ...] = ()

    @property
    def noise_scale(self) -> float:
        return FaultyField.noise_scale

    def build(self, shape: tuple[int, ...]) -> FaultyField:
        return FaultyField(self)

    def objective(self, shape: tuple[int, ...]) -> Objective:
        raise ValueError("it is known")


def faulty_recipe(**options: Any) -> Recipe:
    # One step of Euler's: x_0 = x_T − v, so that what is wrong with v is wrong with x_0.
    recipe = load_recipe("tiny", overrides=["pairs.sampler={plugin: euler, num_steps: 1}"])
    teacher = TeacherRecipe(name="faulty", model=FaultyTeacher(**options))
    return recipe.model_copy(update={"teacher": teacher})


def generate(home: Folder, recipe: Recipe) -> StageResult:
    *_, pairs = run_stages(Run(recipe, home), until="generate-pairs")
    return pairs


def stored(pairs: StageResult, split: str = "train") -> PairStore:
    return PairStore.open(folder_at(pairs.folder), split=split, layout=LAYOUT)


@pytest.mark.parametrize(("fault", "reason"), [("nan", "nan"), ("inf", "inf"), ("1e3", "range")])
def test_an_invalid_pair_is_recorded_by_index_and_reason_and_left_out(
    home: Folder, fault: str, reason: str
) -> None:
    pairs = generate(home, faulty_recipe(fault=fault, indices=(3, 700)))
    store = stored(pairs)
    assert store.record(0).dropped == {reason: [3]}
    assert store.record(2).dropped == {reason: [700]}
    assert pairs.facts["train"]["attempted"] - pairs.facts["train"]["kept"] == 2
    loaded = store.load(2000)
    assert loaded.row_of_index[[3, 700]].tolist() == [-1, -1]
    assert np.isfinite(loaded.pairs.x_0).all()


def test_more_than_one_invalid_pair_in_a_thousand_fails_the_stage(home: Folder) -> None:
    with pytest.raises(
        InvalidPairsError, match=r"3 of 2560 pairs are invalid .*first at 3, 4, 900"
    ):
        generate(home, faulty_recipe(indices=(3, 4, 900)))
    records = [file.name for file in home.path.rglob("records/*.json")]
    assert sorted(records) == ["000000.json", "000001.json", "000002.json"]
    assert not list(home.path.rglob("manifests/*"))


def test_a_resumed_stage_counts_invalid_pairs_as_an_unbroken_one(home: Folder) -> None:
    recipe = faulty_recipe(indices=(3, 2047))
    store = stored(generate(home, recipe))
    before = digests_of(home.path)
    store.records_folder.remove("000007.json")
    generate(home, recipe)
    assert_equal(digests_of(home.path), before)


def test_a_velocity_of_another_shape_fails_the_stage_and_writes_no_pair(home: Folder) -> None:
    with pytest.raises(InvalidPairsError, match=r"velocity is torch.float32 \[256, 4\], but x is"):
        generate(home, faulty_recipe(fault="shape"))
    assert not list(home.path.rglob("shards/*"))


def test_growth_leaves_a_reader_in_another_process_alone(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "students", "reports")
    (folder,) = (home / "pairs").iterdir()
    reader = PairStore.open(folder_at(str(folder)), split="train", layout=LAYOUT)
    contents, x_0 = reader.content_digests(2000), reader.load(2000).pairs.x_0
    writer = start(kdm(home, "--count", "6000", "--until", "generate-pairs"))
    for read in until_ended(writer, reader):
        assert np.array_equal(read, x_0)
    assert reader.content_digests(2000) == contents
    assert reader.ledger.manifests.names() == ["000008.json", "000024.json"]


def until_ended(writer: Any, reader: PairStore) -> Iterator[Any]:
    while writer.poll() is None:
        fresh = PairStore.open(reader.folder, split="train", layout=LAYOUT)
        yield fresh.load(2000).pairs.x_0
    assert finish(writer).code == 0


def test_another_spec_at_the_same_address_is_refused_by_the_differing_field(
    finished: Finished, tmp_path: Path
) -> None:
    home = finished.copy(tmp_path / "home", "students", "reports")
    (mine,) = (home / "pairs").iterdir()
    other = tmp_path / "other"
    shutil.copytree(home / "teachers", other / "teachers")
    steps = "pairs.sampler.num_steps=1"
    folder = Path(run_here(other, steps, until="generate-pairs")[-1].folder)
    shutil.rmtree(folder)
    shutil.copytree(mine, folder)
    before = digests_of(other)
    with pytest.raises(MismatchError, match=r"differ in sampler\.num_steps"):
        run_here(other, steps, until="generate-pairs")
    assert_equal(digests_of(other), before)


def test_another_training_at_the_same_address_is_refused_by_the_differing_field(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    home = finished.copy(tmp_path / "home", "reports")
    (mine,) = (home / "students").iterdir()
    rate = "students.kdm.training.learning_rate=0.001"
    short = "students.kdm.training.num_steps=1"
    folder = Path(run_here(home, rate, short, until="distill")[-1].folder)
    shutil.rmtree(folder)
    shutil.copytree(mine, folder)
    with pytest.raises(
        MismatchError, match=r"differs in training\.learning_rate, training\.num_steps"
    ):
        run_here(home, rate, short, until="distill")


def test_the_report_of_a_run_shows_its_pictures(finished: Finished) -> None:
    (page,) = (finished.path / "reports").glob("tiny-*/report.html")
    text = page.read_text()
    assert text.count('src="data:image/png;base64,') >= 8  # galleries of samples, losses, scores
    assert 'alt=""' not in text
