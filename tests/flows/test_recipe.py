"""A recipe refuses what cannot end well, and a home remembers what became of it."""

from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from conftest import Finished
from faults.here import without_galleries

from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.config.recipe_files import recipe_names
from flows.stage import Run
from flows.stages.refresh import refresh_home
from flows.stages.sequence import run_stages
from pairgen.teachers.gaussian import GaussianTeacher
from storage.folders import folder_at
from storage.options import parse


class ConditionalTeacher(GaussianTeacher):
    """A teacher that would be told a class and be trained."""

    plugin = "conditional"
    is_trained: ClassVar[bool] = True

    num_classes: int = 0


OPEN = {"afhqv2-64", "cifar10", "ffhq64"}  # until a home has their teacher


@pytest.mark.parametrize("name", sorted({*recipe_names()} - OPEN))
def test_every_recipe_reads_back_as_itself(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(recipe.document()))
    assert load_recipe(str(tmp_path / "again.yaml")).digest() == recipe.digest()


def test_noise_of_another_scale_than_the_teachers_is_refused_before_any_work() -> None:
    with pytest.raises(ValueError, match=r"starts from noise of standard deviation 1\.0"):
        load_recipe("tiny", overrides=["pairs.pairs.noise.scale=80"])


def test_pictures_are_stored_as_bytes_unless_the_recipe_says_otherwise() -> None:
    def stored_as(*overrides: str) -> tuple[str, str]:
        schema = load_recipe("scale", overrides=overrides).pairs.pairs
        return schema.x_0_dtype, schema.rounding

    assert stored_as() == ("uint8", "half-even")
    assert stored_as("pairs.pairs.x_0_dtype=float32") == ("float32", "none")
    assert stored_as("pairs.pairs.shape=[4, 32, 32]") == ("float32", "none")


def with_classes(pairs: int | None, data: str, teacher: int = 10) -> Recipe:
    document = load_recipe("tiny", overrides=["privacy.required=false"]).document()
    document["dataset"] = {"kind": data}
    document["pairs"]["pairs"]["shape"] = [1, 8, 8] if data == "digits" else [2]
    if pairs is not None:
        document["pairs"]["pairs"]["label"] = {"rule": "cycle", "num_classes": pairs}
    document["teacher"]["model"] = ConditionalTeacher(num_classes=teacher)
    return parse(Recipe, document, "recipe")


def test_a_teacher_of_classes_learns_and_samples_as_many() -> None:
    assert with_classes(10, "digits").teacher
    assert with_classes(None, "checkerboard", teacher=0).teacher
    for pairs, said in ((None, "pairs have no classes"), (7, "pairs have 7 classes")):
        with pytest.raises(
            ValueError, match=f"conditioned on 10 classes, but {said}; set pairs.pairs"
        ):
            with_classes(pairs, "digits")
    for data, teacher, said in (("checkerboard", 10, "no"), ("digits", 7, "10")):
        with pytest.raises(ValueError, match=f"but the data set has {said} classes; take a data"):
            with_classes(teacher, data, teacher)


def test_where_a_data_set_lies_and_what_it_may_take_is_in_no_digest() -> None:
    def digest(**options: object) -> str:
        given = {"kind": "arrays", "source": "a/set.npz", "shape": [1, 8, 8], "num_heldout": 9}
        document = load_recipe("tiny", overrides=["privacy.required=false"]).document()
        document["pairs"]["pairs"]["shape"] = [1, 8, 8]
        return parse(Recipe, {**document, "dataset": {**given, **options}}, "recipe").digest()

    assert digest(source="/b/set.npz", license="mit", in_memory_bytes=10**6) == digest()
    assert len({digest(), digest(source="a/other.npz"), digest(num_heldout=8)}) == 3


def test_a_count_for_imported_pairs_is_refused_in_the_users_words() -> None:
    with pytest.raises(ValueError, match="count is 5, but imported pairs cannot grow"):
        load_recipe("checkerboard-import", count=5)


def test_a_student_that_was_only_distilled_is_found_by_the_scheduled_report(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_galleries(monkeypatch)
    home = folder_at(str(finished.copy(tmp_path / "home", "reports")))
    run_stages(Run(load_recipe("tiny"), home), until="distill")
    assert [result.state for result in refresh_home(home)] == ["done"]
    assert home.exists("reports/overview.html")
    assert [result.state for result in refresh_home(home)] == ["cached"]
