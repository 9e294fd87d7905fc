"""A recipe refuses what cannot end well, and a home remembers what became of it."""

from pathlib import Path

import pytest
import yaml
from conftest import Finished

from flows.recipe import load_recipe, recipe_names
from flows.sequence import run_stages
from flows.stages.eval_report import refresh_home
from flows.stages.run import Run
from storage.fs import Folder


@pytest.mark.parametrize("name", recipe_names())
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


def test_a_count_for_imported_pairs_is_refused_in_the_users_words() -> None:
    with pytest.raises(ValueError, match="count is 5, but imported pairs cannot grow"):
        load_recipe("checkerboard-import", count=5)


def test_a_student_that_was_only_distilled_is_found_by_the_scheduled_report(
    finished: Finished, tmp_path: Path
) -> None:
    home = Folder.at(str(finished.copy(tmp_path / "home", "reports")))
    run_stages(Run(load_recipe("tiny"), home), until="distill")
    assert [result.state for result in refresh_home(home)] == ["done"]
    assert home.exists("reports/overview.html")
    assert [result.state for result in refresh_home(home)] == ["cached"]
