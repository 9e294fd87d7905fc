"""Pairs made by several workers: the same set, what it costs said first, and nothing lost."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
import yaml
from faults.digests import assert_equal, digests_of

import flows.generation.prepared_maker
from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.config.teacher_recipe import TeacherRecipe
from flows.progress import Progress
from flows.stage import Run
from flows.stages.sequence import run_stages
from kdm.objective import Objective
from pairgen.teachers.plugin import TeacherPlugin
from pairgen.teachers.teacher import Teacher
from storage.folders import Folder, folder_at
from storage.store import PairStore

RECIPE = """
name: pictures
title: Pictures from a field known in closed form
teacher: {name: gaussian, model: {plugin: gaussian, mean: -0.5, std: 0.5}}
pairs:
  kind: generated
  name: pictures
  sampler: {plugin: euler, num_steps: 2}
  pairs: {shape: [1, 8, 8], noise: {seed: 1, scale: 1.0}, label: {rule: cycle, num_classes: 10}}
  train: 1500
  heldout: 100
  sampling_batch: 100
  layout: wds-256
"""


class WeakField(Teacher):
    """Points to zero, but for more samples than it holds, and no more often than so many times."""

    t_noise = noise_scale = 1.0
    num_answers = 10**6

    def __init__(self, options: "WeakTeacher") -> None:
        super().__init__()
        self._options, self._num_asked = options, 0

    def velocity(self, x: torch.Tensor, t: torch.Tensor, label: Any = None) -> torch.Tensor:
        self._num_asked += 1
        if len(x) > self._options.most:
            raise torch.OutOfMemoryError
        if self._num_asked > self.num_answers:
            raise RuntimeError("it has answered often enough")
        return x / 2


class WeakTeacher(TeacherPlugin):
    """Breaks where its options say."""

    plugin = "weak"
    is_trained: ClassVar[bool] = False

    most: int = 4096

    @property
    def noise_scale(self) -> float:
        return WeakField.noise_scale

    def build(self, shape: tuple[int, ...]) -> WeakField:
        return WeakField(self)

    def objective(self, shape: tuple[int, ...]) -> Objective:
        raise ValueError("it is known")


def recipe(folder: Path, **pairs: Any) -> Recipe:
    document = yaml.safe_load(RECIPE)
    document["pairs"].update(pairs)
    path = folder / "pictures.yaml"
    path.write_text(yaml.safe_dump(document))
    return load_recipe(str(path))


def weak(folder: Path, **options: int) -> Recipe:
    teacher = TeacherRecipe(name="weak", model=WeakTeacher(**options))
    return recipe(folder).model_copy(update={"teacher": teacher})


def made(run: Run) -> Path:
    *_, pairs = run_stages(run, until="generate-pairs")
    return folder_at(pairs.folder).path


def test_the_set_is_the_same_from_one_two_or_three_workers(tmp_path: Path) -> None:
    sets = []
    for num_workers in (1, 2, 3):
        home = folder_at(str(tmp_path / str(num_workers)))
        sets.append(digests_of(made(Run(recipe(tmp_path, num_workers=num_workers), home))))
    assert_equal(sets[1], sets[0])
    assert_equal(sets[2], sets[0])


def test_progress_counts_pairs_to_the_last(tmp_path: Path, home: Folder) -> None:
    told: list[Progress] = []
    made(Run(recipe(tmp_path), home, told.append))
    train = [each for each in told if each.name == "pictures train"]
    assert (train[-1].done, train[-1].total, train[-1].unit) == (1536, 1536, "pairs")
    assert [each.done for each in train] == sorted(each.done for each in train)
    assert len(train) == 1 + 6 * 3  # batches of 100, 100 and 56


def test_costs_are_said_before_the_first_pair_is_made(
    tmp_path: Path, home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows.generation.prepared_maker, "PAIRS_WORTH_SAYING", 1000)
    told: list[Progress | str] = []
    run = Run(recipe(tmp_path), home, told.append, say=told.append)
    made(run)
    assert str(told[0]).startswith("1,792 pairs at 2 evaluations: 3.58e+03 evaluations, ")
    assert str(told[0]).endswith(" kB")
    told.clear()
    made(run)
    assert told == []  # nothing is missing, so nothing costs anything


def test_tf32_without_a_gpu_is_refused_before_a_pair_is_made(tmp_path: Path, home: Folder) -> None:
    with pytest.raises(ValueError, match=r"pairs\.precision is 'tf32', which needs a GPU, not cpu"):
        made(Run(recipe(tmp_path, precision="tf32"), home, device="cpu"))
    assert not list(home.path.rglob("*.tar"))


def test_few_pairs_that_take_no_time_are_made_without_a_word(tmp_path: Path, home: Folder) -> None:
    said: list[str] = []
    made(Run(recipe(tmp_path), home, say=said.append))
    assert said == []


def test_what_a_sampler_warns_of_is_said(tmp_path: Path, home: Folder) -> None:
    said: list[str] = []
    made(Run(recipe(tmp_path, sampler={"plugin": "dopri5"}), home, say=said.append))
    assert "chooses its steps by a whole batch" in said[0]


def test_a_halved_batch_is_said_and_recorded(tmp_path: Path, home: Folder) -> None:
    said: list[str] = []
    folder = made(Run(weak(tmp_path, most=30), home, say=said.append))
    assert any("going on with 25" in sentence for sentence in said)
    store = PairStore.open(folder_at(str(folder)), split="train", layout="wds-256")
    assert {store.record(shard).environment["sampling_batch"] for shard in range(6)} == {25}


def test_an_error_of_a_worker_stops_the_stage_and_loses_nothing_that_was_made(
    tmp_path: Path, home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WeakField, "num_answers", 30)
    with pytest.raises(RuntimeError, match="often enough"):
        made(Run(weak(tmp_path), home))
    kept = sorted(file.name for file in home.path.rglob("train/*/records/*.json"))
    assert 1 <= len(kept) < 6
    assert kept == [f"{shard:06d}.json" for shard in range(len(kept))]
    monkeypatch.undo()
    unbroken = folder_at(str(tmp_path / "unbroken"))
    assert_equal(
        digests_of(made(Run(weak(tmp_path), home))), digests_of(made(Run(weak(tmp_path), unbroken)))
    )


def test_a_recipe_names_what_makes_its_shards_unless_the_user_does(tmp_path: Path) -> None:
    home = folder_at(str(tmp_path))
    assert Run(recipe(tmp_path), home).made_on == "threads"
    run = Run(recipe(tmp_path, on="processes"), home)
    assert run.made_on == "processes"
    assert replace(run, on="dask").made_on == "dask"
    with pytest.raises(ValueError, match="'threads' or 'processes'"):
        recipe(tmp_path, on="dask")
