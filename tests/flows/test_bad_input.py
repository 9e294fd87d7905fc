"""What a user may get wrong: one ValueError that says what is right, before any work."""

from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from conftest import Finished
from faults.commands import kdm, run
from faults.configs import KNOWN, complaint, overrides
from faults.here import run_here, train_here
from hypothesis import HealthCheck, given, settings

from flows.config.load import load_recipe

# Chosen by name and version, not options of a plugin.
NO_OPTIONS = ("plugin", "version")
KEYS = [path for path in KNOWN if not path.endswith(NO_OPTIONS) and not path[-1].isdecimal()]


@pytest.mark.parametrize("path", KEYS)
def test_a_misspelt_key_at_any_level_names_the_nearest(tmp_path: Path, path: str) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump(load_recipe("tiny").document()))  # with all that has a default
    parent, _, key = path.rpartition(".")
    wrong = f"{key[:-1]}{key[-1]}{key[-1]}"
    with pytest.raises(ValueError, match=rf"unknown key '{wrong}'; did you mean '{key}'\?"):
        load_recipe(str(file), overrides=[f"{parent}.{wrong}=1".lstrip(".")])


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("pairs", "write it as --set a.b=value"),
        ("=3", "write it as --set a.b=value"),
        ("pairs.train.deeper=1", "'deeper' is below a plain value"),
        ("title.a.b=1", "'a' is below a plain value"),
        ("students.9.name=x", "no item '9'; known: kdm"),
        ("students.kdn.name=x", "no item 'kdn'; did you mean 'kdm'?"),
        ("filters.near-copi.fpr=0", "no item 'near-copi'; did you mean 'near-copy'?"),
        ("title=[", "the value is not readable YAML"),
        (
            "title={a: 1, b: 2, a: 3}",
            "the key 'a' appears twice, in line 1 and in line 1; keep one",
        ),
        ("title=&a [*a]", "the value is not readable YAML"),
        ("pairs.train=many", "pairs.train: Input should be a valid integer"),
        ("pairs.train=1:30", "pairs.train: Input should be a valid integer (got '1:30')"),
        ("pairs.train=1_000", "pairs.train: Input should be a valid integer (got '1_000')"),
        ("pairs.train='400'", "pairs.train: Input should be a valid integer (got '400')"),
        ("students.kdm.training.seed=true", "training.seed: Input should be a valid integer"),
        ("students.kdm.training.seed=2.0", "training.seed: Input should be a valid integer"),
        ("students.kdm.model.version=1.0", "asked for 1.0"),
        ("pairs.pairs.shape=[2.0]", "pairs.pairs.shape.0: Input should be a valid integer"),
        ("filters.near-copy.fpr=false", "filters.0.fpr: Input should be a valid number"),
        ("privacy.required=yes", "privacy.required: Input should be a valid boolean (got 'yes')"),
        ("privacy.required=1", "privacy.required: Input should be a valid boolean (got 1)"),
        ("pairs.train=0", "pairs.train: Input should be greater than or equal to 1"),
        ("pairs.train=.nan", "pairs.train: Input should be a valid integer (got nan)"),
        ("pairs.layout=wds-3", "pairs.layout: layout 'wds-3': the shard size must be a power of"),
        ("pairs.layout=tar-4", "storage.formats has no plugin 'tar'; known: wds"),
        ("pairs.kind=foreign", "expected tags: 'generated', 'imported'"),
        ("pairs.sampler=midpointt", "no plugin 'midpointt'; did you mean 'midpoint'?"),
        ("pairs.sampler={}", "a plugin is chosen by 'plugin: NAME'"),
        ("pairs.sampler.version=7", "asked for 7; install the version of this project"),
        ("teacher.model.plugin=flow-matchin", "did you mean 'flow-matching'?"),
        ("students.kdm.model.plugin=kmd", "did you mean 'kdm"),
        ("filters=near-copy", "filters: Input should be a valid tuple"),
        ("filters.near-copy.fpr=1", "filters.0.fpr: Input should be less than 1"),
        ("evaluation.metrics=[cell]", "has no plugin 'cell'; did you mean 'cells'?"),
        ("name=../../etc", "name: String should match pattern"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_would_be_right(
    override: str, says: str
) -> None:
    with pytest.raises(ValueError, match=r"tiny|--set") as refusal:
        load_recipe("tiny", overrides=[override])
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        (["teacher=null"], "generated pairs need a 'teacher'"),
        (["dataset=null"], "a teacher that is trained needs a 'dataset'"),
        (["teacher.training=null"], "needs training; add 'training'"),
        (["teacher.model={plugin: gaussian}"], "is known in closed form; remove 'training'"),
        (
            ["filters=[]"],
            "privacy.required is true, but the recipe lacks a filter that finds copies",
        ),
        (["pairs.pairs.shape=[3]"], "pairs have shape (3,), the data set has (2,)"),
        (["pairs.pairs.x_0_dtype=uint8"], "with rounding, 'half-even' or 'floor'"),
        (["pairs.pairs.num_states=4"], "in 4 steps passes 3"),
        (["pairs.pairs.noise.kind=stored"], "are derived, not 'stored'"),
        (["pairs.pairs.label={rule: stored, num_classes: 2}"], "are derived, not 'stored'"),
        (["pairs.pairs.value_range=[1, -1]"], "the lower end comes first"),
        (["evaluation.metrics=[cells, cells]"], "take each metric once"),
    ],
)
def test_parts_that_do_not_fit_are_refused_before_any_work(choices: list[str], says: str) -> None:
    with pytest.raises(ValueError, match="recipe 'tiny'") as refusal:
        load_recipe("tiny", overrides=choices)
    assert says in str(refusal.value)


def test_students_of_one_name_are_refused() -> None:
    twice = [student.model_dump(mode="json") for student in load_recipe("tiny").students] * 2
    with pytest.raises(ValueError, match="different names"):
        load_recipe("tiny", overrides=[f"students={twice}".replace("None", "null")])


def test_an_unknown_recipe_stage_or_student_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no recipe 'checkerbord'; did you mean 'checkerboard'\?"):
        load_recipe("checkerbord")
    with pytest.raises(ValueError, match=r"no stage 'distil'; did you mean 'distill'\?"):
        run_here(tmp_path, until="distil")
    with pytest.raises(ValueError, match=r"has no student 'kd'; did you mean 'kdm'\?"):
        run_here(tmp_path, students=["kd"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "name: x\n\tbad", "\x00", "a: &x [*x]"])
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"mine\.yaml"):
        load_recipe(str(file))


@pytest.mark.parametrize("section", ["students", "train"])
def test_a_recipe_in_which_a_key_stands_twice_is_refused_with_both_lines(
    tmp_path: Path, section: str
) -> None:
    text = (files("flows.recipes") / "tiny.yaml").read_text(encoding="utf-8")
    first = next(line for line in text.split("\n") if line.strip().startswith(f"{section}:"))
    space = first[: -len(first.lstrip())]
    lines = text.replace(first, f"{space}{section}:\n{first}", 1).split("\n")
    (tmp_path / "mine.yaml").write_text("\n".join(lines), encoding="utf-8")
    at = lines.index(f"{space}{section}:") + 1
    says = f"the key '{section}' appears twice, in line {at} and in line {at + 1}; keep one"
    with pytest.raises(ValueError, match=says):
        load_recipe(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize(
    ("text", "says"), [("", "it is empty"), ("- a", "it is a list"), ("a", "it is a single value")]
)
def test_a_recipe_without_keys_is_told_what_it_is(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(
        ValueError, match=rf"must be a mapping, with lines like 'name: mine'; {says}$"
    ):
        load_recipe(str(tmp_path / "mine.yaml"))


def test_a_recipe_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(b"name: x\ntitle: \xe9t\xe9\n")
    with pytest.raises(ValueError, match=r"mine\.yaml' is not UTF-8: line 2 has the byte 0xe9"):
        load_recipe(str(tmp_path / "mine.yaml"))


def test_an_override_changes_the_place_that_it_names_and_no_alias_of_it(tmp_path: Path) -> None:
    document = load_recipe("tiny").document()
    document["students"].append({**document["students"][0], "name": "other"})
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(document))  # both students name one mapping, by an alias
    after = load_recipe(str(file), overrides=["students.kdm.training.num_steps=7"])
    assert after.students[0].training.num_steps == 7
    assert after.students[1].training.num_steps == 200


def test_the_command_ends_with_a_sentence_and_writes_nothing(tmp_path: Path) -> None:
    ended = run(kdm(tmp_path / "home", "--set", "pairs.trian=5"))
    assert ended.code == 2
    assert ended.said.splitlines() == [
        "error: recipe 'tiny': pairs: unknown key 'trian'; did you mean 'train'?"
    ]
    assert not (tmp_path / "home").exists()


def test_a_mask_that_leaves_nothing_is_told_with_what_to_do(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_here(monkeypatch)
    home = finished.copy(tmp_path / "home", "students", "reports")
    with pytest.raises(ValueError, match=r"milder threshold$"):
        run_here(home, "filters.near-copy.threshold=1000000")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(overrides)
def test_whatever_is_typed_is_a_recipe_or_a_sentence(typed: list[str]) -> None:
    assert complaint(typed) == ""


@pytest.mark.parametrize("more", [("--set", ""), ("--home=",), ("--until", " ")])
def test_an_empty_value_is_refused_and_not_passed_over(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    ended = run(kdm(tmp_path / "home", *more))
    assert ended.code == 2
    assert (
        f"{more[0].rstrip('=')} is given an empty value; give it one, or leave it out" in ended.said
    )
