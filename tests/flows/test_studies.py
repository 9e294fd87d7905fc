"""Studies: files are checked before any work, points are ordinary students, a killed study goes on."""

import time
from pathlib import Path

import pytest
import yaml
from conftest import Finished
from faults.commands import finish, kill_alone, start, wait_until_alone
from faults.here import train_here
from local_prefect import BIN
from typer.testing import CliRunner

from flows.cli import app
from flows.config.overrides import apply_override
from flows.config.recipe_files import read_recipe
from flows.config.student_recipe import StudentRecipe
from flows.documents.measured import read_metrics
from flows.study.costs import COSTS
from flows.study.made_trial import found_trial, make_trial
from flows.study.planning import StudyRequest, overrides_of, planned
from flows.study.results import write_results
from flows.study.study import Study
from flows.study.study_files import read_study, study_names
from flows.study.trials import Plan
from kdm.evaluate.evaluate import meanings_of
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.presets.preset_choice import with_preset
from storage.folders import folder_at
from storage.options import parse

STUDY = {
    "name": "mine",
    "title": "Two steps and one",
    "seeds": [0],
    "varies": "steps",
    "points": [
        {"name": "200", "at": 200},
        {"name": "60", "at": 60, "set": {"student.training.num_steps": 60}},
    ],
    "analysis": "beside-teacher",
    "paper": {
        "source": "Table 0",
        "data": "nothing",
        "columns": ["FID"],
        "rows": {"60": [1.5], "9": [2]},
    },
    "on": {"tiny": {"measure": ["same_cell", "paired_mse", "finds_own"]}},
}
OF_THE_PAPER = [
    *("losses", "matrix-size", "parameters", "data-size", "cost", "local-structure"),
    *("noise-semantics", "outliers", "spectrum", "teacher-beside-student"),
]
NAMES = [*OF_THE_PAPER, "better-students"]
ON = [
    *((name, on) for name in OF_THE_PAPER for on in ("checkerboard", "digits")),
    *(("better-students", on) for on in ("digits", "cifar16")),
]


def written(place: Path, **changes: object) -> str:
    file = place / "mine.yaml"
    file.write_text(yaml.safe_dump({**STUDY, **changes}, sort_keys=False))
    return str(file)


def plan_at(home: Path, study: str) -> Plan:
    return planned(StudyRequest(study, "tiny", str(home), "cpu"))


def files_of(home: Path) -> dict[str, bytes]:
    """What a study leaves beside its students: its folder and its findings."""
    kept = [*home.glob("studies/*/*"), *home.glob("analyses/*")]
    return {str(file.relative_to(home)): file.read_bytes() for file in kept}


def refusal(study: str, on: str = "tiny") -> str:
    ended = CliRunner().invoke(app, ["study", study, "--on", on, "--dry-run", "--home", "nowhere"])
    assert isinstance(ended.exception, ValueError), ended.output
    return str(ended.exception)


def test_the_papers_studies_are_listed_in_its_order_and_then_others_with_a_line_each() -> None:
    assert study_names() == NAMES
    said = CliRunner().invoke(app, ["study", "list"]).output
    helped = CliRunner().invoke(app, ["study", "--help"]).output
    for name in NAMES:
        assert f"\n{name} " in said
        assert f"  {name} " in helped


@pytest.mark.parametrize(("name", "on"), ON)
def test_every_point_of_a_study_that_comes_along_is_a_valid_recipe(
    name: str, on: str, tmp_path: Path
) -> None:
    plan = planned(StudyRequest(name, on, str(tmp_path / "home"), "cpu"))
    assert len(plan.trials) == 3 * len(plan.study.points_on(on))
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("name", OF_THE_PAPER)
def test_every_student_on_cifar10_is_valid_as_well(name: str) -> None:
    """Without its teacher, which must be imported first."""
    study = parse(Study, read_study(name), name)
    for point in study.points_on("cifar10"):
        student, overrides = overrides_of(study, "cifar10", point, seed=0)
        document = read_recipe("cifar10")
        for override in overrides:
            apply_override(document, override)
        (chosen,) = [each for each in document["students"] if each["name"] == student]
        parse(StudentRecipe, with_preset(chosen), point.name)
        asked = parse(EvaluationOptions, document["evaluation"], point.name)
        on, analysis = study.on["cifar10"], study.analysis_on("cifar10")
        known = {*meanings_of(asked.metrics), *COSTS, *(analysis.meanings if analysis else ())}
        assert {*on.measure, *(on.figure or ())} <= known


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"points": []}, "on.tiny: there are no points"),
        ({"points": [{"name": "a"}, {"name": "a"}]}, "different names"),
        ({"points": [{"name": "a", "set": {"student.model.widht": 3}}]}, "point 'a'"),
        ({"points": [{"name": "a", "set": {"student.training.num_steps": "many"}}]}, "num_steps"),
        ({"points": [{"name": "a", "student": "kmd"}]}, "did you mean 'kdm'"),
        ({"seeds": [1, 1]}, "seeds must differ"),
        ({"on": {}}, "on:"),
        ({"on": {"tiny": {"measure": ["same_sell"]}}}, "on.tiny.measure: nothing measures 'same_sell'"),
        ({"on": {"tiny": {"recipe": "tinny"}}}, "no recipe 'tinny'"),
        ({"on": {"digits": {}}}, "no settings on 'tiny'"),
        ({"analysis": "local-stucture"}, "local-structure"),
        ({"paper": {"source": "T", "data": "d", "columns": ["a"], "rows": {"x": [1, 2]}}}, "row 'x'"),
    ],
)  # fmt: skip
def test_a_fault_in_a_study_is_named_before_any_work(
    changes: dict[str, object], words: str, tmp_path: Path
) -> None:
    said = refusal(written(tmp_path, **changes))
    assert words in said
    assert "mine" in said or "recipe" in said


def test_a_study_that_is_not_there_is_told_the_nearest() -> None:
    assert "losses" in refusal("loses", "digits")
    assert "no settings on 'digts'" in refusal("losses", "digts")
    assert "must be a mapping" in refusal_of_text("- a\n- b\n")


def refusal_of_text(text: str) -> str:
    file = Path("mine.yaml").resolve()
    file.write_text(text)
    try:
        return refusal(str(file))
    finally:
        file.unlink()


def test_a_grid_makes_a_point_of_each_combination(tmp_path: Path) -> None:
    grid = {"student.training.num_steps": [10, 20], "student.model.networks.width": [8, 16]}
    study = written(tmp_path, points=[], on={"tiny": {"grid": grid}}, paper=None)
    names = [trial.point.name for trial in plan_at(tmp_path / "home", study).trials]
    assert names[0] == "num_steps 10, width 8"
    assert len(names) == 4


def test_the_papers_lpips_and_its_baseline_are_measured_on_pictures_of_its_size() -> None:
    study = parse(Study, read_study("teacher-beside-student"), "teacher-beside-student")
    on = study.on["cifar10"]
    assert on.measure[:4] == ("lpips", "lpips_shuffled", "mse", "mse_shuffled")
    assert study.paper.rows["kdm"][1:] == (0.13, 0.48, 0.009, 0.57)


def test_a_killed_study_goes_on_and_ends_with_the_same_bytes(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = written(tmp_path)
    here, home = tmp_path / "here", tmp_path / "home"
    for place in (here, home):
        finished.copy(place, "reports")
    command = [str(BIN / "kdm"), "study", study, "--on", "tiny", "--home", str(home), "--jobs", "2"]
    first = start(command)
    # Of two students one is there; the other's training begins, and then its command dies.
    while len(list(home.glob("students/*"))) < 2 and first.poll() is None:
        time.sleep(0.02)
    kill_alone(first)
    wait_until_alone(home)
    assert files_of(home).keys() & {"numbers.json"} == set()
    ended = finish(start(command))
    assert ended.code == 0, ended.said
    train_here(monkeypatch)
    plan = plan_at(here, study)
    write_results(plan, [make_trial(trial.run(plan.home), plan.analysis) for trial in plan.trials])
    assert files_of(home) == files_of(here)
    _check_results(plan_at(home, study), ended.said)


def test_points_that_differ_in_what_is_measured_alone_are_each_measured_once(
    finished: Finished, tmp_path: Path
) -> None:
    points = [{"name": str(num), "set": {"evaluation.num_fresh": num}} for num in (64, 128)]
    plain = {key: STUDY[key] for key in ("name", "title", "seeds")}
    file = tmp_path / "mine.yaml"
    on = {"tiny": {"measure": ["paired_mse"]}}
    file.write_text(yaml.safe_dump({**plain, "points": points, "on": on}))
    plan = plan_at(finished.copy(tmp_path / "home", "reports"), str(file))
    made = [make_trial(trial.run(plan.home), None) for trial in plan.trials]
    found = [found_trial(trial.run(plan.home), None) for trial in plan.trials]
    numbers = [each.student.facts["num_fresh"] for each in made]
    assert [each and each.student.facts["num_fresh"] for each in found] == numbers == [64, 128]
    assert [each and each.student.facts["values"] for each in found] == [
        each.student.facts["values"] for each in made
    ]
    (student,) = (tmp_path / "home" / "students").iterdir()
    assert read_metrics(folder_at(str(student)))["num_fresh"] == 128  # the last is what others read


def _check_results(plan: Plan, said: str) -> None:
    """The page has the paper's numbers, all is cached now, and the recipe's own student was used."""
    page = (plan.folder.read("index.html")).decode()
    assert ">1.5<" in page
    assert "in the paper only" in page
    listed = CliRunner().invoke(app, ["ls", "--home", plan.home.url]).output
    assert f"  {plan.name}  2         1      20" in listed
    assert "on tiny: Two steps and one" in listed
    assert "2 results of analyses of students" in listed
    assert "Two steps and one" in said
    made = [found_trial(trial.run(plan.home), plan.analysis) for trial in plan.trials]
    assert all(each is not None for each in made)
    assert len(list(Path(plan.home.local_path()).glob("students/*"))) == 2
    assert {name.rsplit(".")[-1] for name in plan.folder.names()} >= {"png", "svg", "md", "csv"}
