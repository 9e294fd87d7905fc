"""`import kdm`: what it offers, what it costs, and how it answers what a newcomer gets wrong."""

import ast
import inspect
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Finished, filled_store
from faults.commands import KDM, succeed
from torch import Tensor, nn
from wheel import run_outside

import kdm
from flows.api.places import home_around
from flows.care.spot_check import spot_check
from flows.commands.hub_pull import pull_thing
from flows.config.load import load_recipe
from kdm.hub import hub_cache
from kdm.hub.hub_address import HubAddress, is_on_hub
from kdm.students.koopman_student import KoopmanStudent
from storage.folders import Folder, folder_at
from storage.store import PairStore

ROOT = Path(__file__).parents[2]
LIGHT = """
import sys, time
began = time.process_time()
import kdm
took = time.process_time() - began
heavy = {"torch", "prefect", "numpy", "pydantic", "flows"} & sys.modules.keys()
assert not heavy, heavy
assert dir(kdm) == kdm.__all__
print(took)
"""


class Shrinking(kdm.Teacher):
    """dx/dt = rate · x: x_0 = e^{−rate} x_T."""

    t_noise, noise_scale = 1.0, 1.0

    def __init__(self, rate: float = 0.5) -> None:
        super().__init__()
        self.register_buffer("rate", torch.tensor(rate))

    def velocity(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        return self.rate * x


class Hidden(Shrinking):
    """The same with a rate that isn't a tensor."""

    plain = 0.5

    def velocity(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        return self.plain * x


@pytest.fixture
def at_home(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = finished.copy(tmp_path / "kdm-home", "reports")
    monkeypatch.chdir(tmp_path)
    return home


def shrunk(name: str, teacher: kdm.Teacher | None = None, **settings: Any) -> kdm.PairSet:
    few = {"layout": "wds-256", "sampler": {"plugin": "rk4", "num_steps": 4}, **settings}
    teacher = teacher or Shrinking()
    return kdm.generate_pairs(teacher, name, train=256, heldout=256, shape=(2,), settings=few)


def test_importing_it_takes_a_moment_and_nothing_else_with_it(
    from_wheel: Path, tmp_path: Path
) -> None:
    runs = [run_outside(from_wheel, tmp_path, "-c", LIGHT) for _ in range(2)]
    assert [run.stderr for run in runs] == ["", ""]
    assert min(float(run.stdout) for run in runs) <= 0.15


def test_every_public_name_is_there_and_has_a_docstring() -> None:
    for name in kdm.__all__:
        assert getattr(kdm, name).__doc__, name
    assert kdm.__version__ == version("kdm-offline")


def test_no_public_name_is_a_module_which_its_import_would_put_in_its_place() -> None:
    below = {path.stem for path in (ROOT / "kdm").iterdir()}
    assert below & {*kdm.__all__} == set()


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match="did you mean 'open_pairs'"):
        _ = kdm.open_pair
    assert not hasattr(kdm, "no_such_thing")


def test_a_type_checker_sees_each_name_where_a_program_finds_it() -> None:
    tree = ast.parse((ROOT / "kdm" / "__init__.py").read_text())
    (for_types,) = (each for each in tree.body if isinstance(each, ast.If))
    imports = [each for each in for_types.body if isinstance(each, ast.ImportFrom)]
    seen = {name.name: each.module for each in imports for name in each.names}
    assert seen == kdm._PLACES
    assert {*seen, "__version__"} == {*kdm.__all__}


def test_a_set_is_opened_by_name_path_and_url(at_home: Path) -> None:
    by_name = kdm.open_pairs("tiny")
    (place,) = (at_home / "pairs").iterdir()
    for name in (place, str(place), f"file://{place}", by_name.name):
        assert kdm.open_pairs(name) == by_name
    assert (by_name.shape, by_name.num_classes, by_name.noise_scale) == ((2,), 0, 1.0)


def test_it_gives_the_pairs_that_no_filter_dropped(at_home: Path) -> None:
    pairs, all_of_them = kdm.open_pairs("tiny"), kdm.open_pairs("tiny", masks=())
    assert len(pairs) == len(pairs.read()) < len(all_of_them) == all_of_them.num_indices == 2048
    few = kdm.open_pairs("tiny", count=100)
    assert len(few) == len(few.read()) <= 100
    assert torch.equal(few.read().index, pairs.read(100).index)
    assert pairs.heldout().split == "heldout"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"name": "tinny"}, "has no 'tinny'"),
        ({"name": "./nowhere"}, "holds no set of pairs"),
        ({"name": 3}, "name is 3; it must be a name, a path or a URL"),
        ({"name": ""}, "name is ''"),
        ({"name": "tiny", "split": "test"}, "no split 'test'; known: heldout, train"),
        ({"name": "tiny", "count": 0}, "count is 0; it must be a whole number from 1 to 2,048"),
        ({"name": "tiny", "count": 1e3}, "count is 1000.0"),
        ({"name": "tiny", "masks": "abcd"}, "'abcd' is the beginning of 0 decisions"),
        ({"name": "tiny", "masks": [3]}, r"masks is \[3\]"),
        ({"name": "tiny", "split": 3}, "split is 3"),
        ({"name": "tiny", "home": 3}, "home is 3"),
        ({"name": "tiny", "home": "a\0b"}, "home is 'a"),
        ({"name": "pairs/name"}, "holds no set of pairs"),
        ({"name": "hf://name"}, "is not the name of a repository on the Hub"),
    ],
    ids=str,
)
def test_what_is_not_there_is_refused_with_what_is(
    asked: dict[str, Any], says: str, at_home: Path
) -> None:
    with pytest.raises(ValueError, match=says):
        kdm.open_pairs(**asked)


def test_students_of_pairs_are_stored_beside_them_but_never_in_the_cache_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert home_around(f"{tmp_path}/theirs/pairs/a-0", "").url == f"{tmp_path}/theirs"
    assert home_around(f"{tmp_path}/theirs/pairs/a-0", Path("mine")).url == f"{tmp_path}/mine"
    cached = hub_cache._cache() / "ada--tiny" / "pairs" / "a-0"
    assert home_around(str(cached), "").url == f"{tmp_path}/kdm-home"


def test_a_folder_that_is_there_is_not_looked_for_on_the_hub(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_on_hub("user/name")
    Path("user/name").mkdir(parents=True)
    assert not is_on_hub("user/name")
    assert not is_on_hub("./user/name")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ada/model", "main"),
        ("hf://ada/model", "main"),
        ("ada/model@v1", "v1"),
        ("hf://ada/model@v1", "v1"),
    ],
)
def test_every_way_in_takes_the_same_names_of_the_hub(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[HubAddress] = []

    def brought(address: HubAddress) -> Folder:
        asked.append(address)
        return folder_at(str(tmp_path))

    for module in ("flows.api.places", "kdm.hub.hub_cache"):
        monkeypatch.setattr(f"{module}.hub_folder", brought)
    monkeypatch.setattr("flows.commands.hub_pull.look", brought)
    for load in (
        lambda: kdm.load_student(name),
        lambda: KoopmanStudent.from_pretrained(name),
        lambda: pull_thing("student", [name], "", revision="", is_dry=True, as_json=True),
    ):
        with pytest.raises((ValueError, AttributeError)):  # nothing is brought here
            load()
    assert asked == [HubAddress("student", "ada/model", meant)] * 3
    with pytest.raises(ValueError, match="names a revision, and 'v2' is another"):
        HubAddress.named("student", "ada/model@v1", "v2")


def test_a_student_is_sampled_as_the_command_samples_it(at_home: Path) -> None:
    student = kdm.load_student("kdm")
    succeed([KDM, "sample", "kdm", "-n", "50", "--out", "samples.npy", "--home", str(at_home)])
    drawn = student.sample(50)
    assert np.array_equal(drawn.numpy(), np.load(at_home.parent / "samples.npy"))
    x_T = torch.ones(3, 2)
    assert torch.equal(student(x_T), student.module.generate(x_T))
    with pytest.raises(ValueError, match=r"x_T has shape \(3, 1\)"):
        student(x_T[:, :1])


# What no argument is meant to be, but for those of `RIGHT`.
WRONG: dict[str, Any] = {
    "None": None,
    "five": 5,
    "a fraction": 2.5,
    "NaN": float("nan"),
    "True": True,
    "bytes": b"x",
    "an object": object(),
    "a class": object,
    "a function": lambda x_T: x_T,
    "a path": Path("nowhere"),
    "a text": "No such thing",
    "no text": "",
    "a zero byte": "a\0b",
    "a list": [object()],
    "a mapping": {5: object()},
    "a generator": (each for each in "ab"),
    "a tensor": torch.zeros(2),
}
NUMBER, PLACE = frozenset({"five"}), frozenset({"no text", "a text", "a path"})
NONE = frozenset({"None"})
RIGHT: dict[str, frozenset[str]] = {
    **dict.fromkeys(("train", "heldout", "num_classes", "num_fresh", "num"), NUMBER),
    **dict.fromkeys(("seed", "num_workers", "batch_size", "train_student.num_steps"), NUMBER),
    **dict.fromkeys(("num_steps", "num_epochs", "count"), NUMBER | NONE),
    **dict.fromkeys(("masks", "layout", "rank", "ranks", "dataset"), NONE),
    **dict.fromkeys(("settings", "metrics", "label"), NONE),
    "home": PLACE,
    **dict.fromkeys(("open_pairs.home", "load_student.home"), frozenset({"no text"})),
    "train_student.name": frozenset({"no text"}),
    "run_recipe.students": frozenset({"a text"}),  # which `run_stages` refuses
    "evaluate_student.student": frozenset({"a function"}),
    "PairTensors.to.non_blocking": frozenset({"True"}),
}


@pytest.fixture
def calls(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Every public function and method that takes an argument, with arguments that are right."""
    for module in ("recipe_run", "pairs_from_teacher", "student_training", "measured_student"):
        monkeypatch.setattr(
            f"flows.api.{module}.run_stages", None
        )  # what is wrong is refused before
    pairs, student = kdm.open_pairs("tiny"), kdm.load_student("kdm")
    batches, read = pairs.batches(4), pairs.read(3)
    numbers = kdm.Evaluation({"a": 1.0}, {}, {}, {})
    return {
        "open_pairs": (kdm.open_pairs, {"name": "tiny"}),
        "generate_pairs": (
            kdm.generate_pairs,
            {"teacher": Shrinking(), "name": "a", "train": 9, "shape": (2,)},
        ),
        "train_student": (kdm.train_student, {"pairs": pairs, "num_steps": 1}),
        "load_student": (kdm.load_student, {"name": "kdm"}),
        "evaluate_student": (kdm.evaluate_student, {"student": student, "pairs": pairs}),
        "run_recipe": (kdm.run_recipe, {"recipe": "tiny"}),
        "PairSet.read": (pairs.read, {}),
        "PairSet.batches": (pairs.batches, {"batch_size": 4, "num_steps": 1}),
        "PairBatches.load_state_dict": (batches.load_state_dict, {}),
        "PairTensors.to": (read.to, {"device": "cpu"}),
        "TrainedStudent.__call__": (student.__call__, {"x_T": read.x_T}),
        "TrainedStudent.sample": (student.sample, {"num": 1}),
        "Evaluation.__getitem__": (numbers.__getitem__, {}),
    }


def taking_arguments() -> set[str]:
    """Of `kdm`: its functions, and the methods that its own classes define."""
    found = set()
    for name in kdm.__all__:
        each = getattr(kdm, name)
        if inspect.isfunction(each):
            found.add(name)
        if inspect.isclass(each) and each.__module__.startswith("flows.api"):
            methods = {k: v for k, v in vars(each).items() if inspect.isfunction(v)}
            found |= {
                f"{name}.{key}"
                for key, method in methods.items()
                if (key[0] != "_" or key in ("__call__", "__getitem__"))
                and len(inspect.signature(method).parameters) > 1
            }
    return found


def test_every_argument_of_every_function_that_is_wrong_is_answered_in_a_sentence(
    calls: dict[str, Any], at_home: Path
) -> None:
    assert {*calls} == taking_arguments()
    before = sorted(at_home.rglob("*"))
    faults = []
    for name, (function, arguments) in calls.items():
        for argument in inspect.signature(function).parameters:
            right = RIGHT.get(f"{name}.{argument}", RIGHT.get(argument, frozenset()))
            for kind, value in WRONG.items():
                if kind not in right:
                    answer = answered(function, {**arguments, argument: value}, argument)
                    faults += [f"{name}({argument}={kind}): {answer}"] if answer else []
    assert not faults, "\n".join(faults)
    assert sorted(at_home.rglob("*")) == before


def answered(function: Any, arguments: dict[str, Any], argument: str) -> str:
    """What is wrong with the answer to a wrong argument; nothing if it is one sentence that names it."""
    try:
        return f"takes it and gives {function(**arguments)!r:.60}"
    except (ValueError, kdm.StoreError) as error:
        said = str(error)
    except KeyError as error:  # as any mapping's
        said = f"name: {error.args[0]}"
    except (TypeError, AttributeError, RuntimeError, IndexError, AssertionError) as error:
        return repr(error)[:200]
    names_it = argument.rstrip("s") in said or "No such thing" in said or "nowhere" in said
    return "" if names_it and "\n" not in said and "pydantic" not in said else said[:200]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"num": 0}, "num is 0"),
        ({"num": 2, "seed": -1}, "seed is -1"),
        ({"num": 2, "label": 1}, "isn't class-conditional"),
    ],
    ids=str,
)
def test_samples_that_cannot_be_drawn_are_refused(
    asked: dict[str, int], says: str, at_home: Path
) -> None:
    with pytest.raises(ValueError, match=says):
        kdm.load_student("kdm").sample(**asked)


def test_a_recipe_that_is_done_is_found(at_home: Path) -> None:
    run = kdm.run_recipe("tiny", until="distill")
    assert run.pairs == kdm.open_pairs("tiny", count=2000)
    assert [student.name for student in run.students] == [kdm.load_student("kdm").name]
    with pytest.raises(ValueError, match="did you mean 'students'"):
        kdm.run_recipe("tiny", settings={"studnts": []})
    with pytest.raises(ValueError, match="settings is 'a=b'"):
        kdm.run_recipe("tiny", settings="a=b")  # type: ignore[arg-type]


def test_numbers_are_of_the_held_out_pairs_and_of_the_student(at_home: Path) -> None:
    student, pairs = kdm.load_student("kdm"), kdm.open_pairs("tiny")
    found = kdm.evaluate_student(student, pairs, metrics=["paired", "variance"])
    heldout = pairs.heldout().read()
    error = (student(heldout.x_T) - heldout.x_0).double().square().mean()
    assert found["paired_mse"] == pytest.approx(float(error), rel=1e-6)
    assert found.floor["paired_mse"] == 0
    low, high = found.intervals["variance_over_teachers"]
    assert low < found["variance_over_teachers"] < high
    assert str(found).splitlines()[1].startswith("paired MSE")


def test_any_function_is_measured_and_what_it_gives_is_checked(at_home: Path) -> None:
    pairs = kdm.open_pairs("tiny")
    layer = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.9))
    before = [each.clone() for each in layer.parameters()]
    first, second = (kdm.evaluate_student(layer, pairs, metrics=["paired"]) for _ in range(2))
    assert first.values == second.values  # without dropout
    assert layer.training
    assert all(map(torch.equal, before, layer.parameters()))
    with pytest.raises(ValueError, match="gives shape"):
        kdm.evaluate_student(lambda x_T: x_T[:, :1], pairs, metrics=["paired"])
    with pytest.raises(ValueError, match="NaN"):
        kdm.evaluate_student(lambda x_T: x_T / 0, pairs, metrics=["paired"])
    with pytest.raises(ValueError, match="student is 3; give what"):
        kdm.evaluate_student(3, pairs)
    with pytest.raises(
        ValueError, match=r"can't be called with \(x_T\): the pairs have no classes"
    ):
        kdm.evaluate_student(lambda x_T, label: x_T, pairs)


def test_pairs_of_an_object_are_what_its_field_makes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    teacher, threads = Shrinking(), torch.get_num_threads()
    teacher.train()
    pairs = shrunk("shrinking", teacher)
    read = pairs.read()
    assert len(read) == len(pairs) == 256
    assert torch.allclose(read.x_0, read.x_T * np.exp(-0.5), atol=1e-5)
    assert teacher.training  # the program's own object is as it was
    assert torch.get_num_threads() == threads
    assert "license: unknown" in (Path(pairs.url) / "card.md").read_text()


def test_the_same_object_makes_nothing_twice_and_another_makes_another_set(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pairs = shrunk("shrinking")
    stamps = {path: path.stat().st_mtime_ns for path in Path(pairs.url).rglob("*.tar")}
    assert shrunk("shrinking") == pairs
    assert stamps == {path: path.stat().st_mtime_ns for path in Path(pairs.url).rglob("*.tar")}
    assert shrunk("shrinking", Shrinking(0.7)).name != pairs.name


def test_a_stored_teacher_is_the_same_by_name_and_by_path(at_home: Path) -> None:
    (teacher,) = (at_home / "teachers").iterdir()
    few = {"layout": "wds-256", "sampler": {"plugin": "rk4", "num_steps": 2}}
    sets = [
        kdm.generate_pairs(given, "again", train=256, heldout=256, settings=few)
        for given in (teacher, teacher.name)
    ]
    assert sets[0] == sets[1]


def test_another_field_of_the_same_name_is_found_out(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    pairs = shrunk("hidden", Hidden())
    monkeypatch.setattr(Hidden, "plain", 0.6)
    with pytest.raises(kdm.StoreError, match="Give its class another `version`"):
        shrunk("hidden", Hidden())
    monkeypatch.setattr(Hidden, "version", 2, raising=False)
    assert shrunk("hidden", Hidden()).name != pairs.name


@pytest.mark.parametrize(
    ("teacher", "asked", "says"),
    [
        (Shrinking, {}, "give an object of it"),
        (nn.Linear(2, 2), {}, "derive its class from kdm.Teacher"),
        (Shrinking(), {"shape": None}, "shape is None.*give the shape of one sample"),
        (Shrinking(), {"settings": {"sampler.num_stps": 3}}, "did you mean 'num_steps'"),
        (Shrinking(), {"settings": {"train.x": 3}}, "below a plain value"),
        (Shrinking(), {"train": 0}, "train is 0; it must be a whole number from 1"),
        (Shrinking(), {"shape": 2}, "shape is 2"),
        (Shrinking(), {"num_classes": -1}, "num_classes is -1"),
        (Shrinking(), {"name": "My pairs"}, "name is 'My pairs'; it must be a text of a-z"),
        (Path("nobody"), {"shape": None}, "/nobody holds no finished teacher"),
        ("nobody", {"shape": None}, "has no 'nobody'"),
        ("nobody", {}, "leave shape and num_classes out"),
    ],
    ids=str,
)
def test_pairs_that_cannot_be_made_are_refused_before_any_work(
    teacher: object, asked: dict[str, Any], says: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=says):
        kdm.generate_pairs(teacher, **{"name": "pairs", "train": 256, "shape": (2,), **asked})
    assert not Path("kdm-home").exists()


def test_a_teacher_that_does_not_say_its_noise_is_refused() -> None:
    class Nameless(kdm.Teacher):
        t_noise = 1.0

        def velocity(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
            return x

    with pytest.raises(ValueError, match="noise_scale None; it must be a number above 0"):
        kdm.generate_pairs(Nameless(), "pairs", train=256, shape=(2,))


def test_a_program_that_is_gone_is_named_where_its_teacher_would_be_needed(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pairs = shrunk("shrinking")
    store = PairStore.open(folder_at(pairs.url), split="train", layout="wds-256")
    with pytest.raises(ValueError, match="the object 'Shrinking' of a Python program"):
        spot_check(store, folder_at("kdm-home"), num_pairs=2, seed=0)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"student": "regressor"}, "did you mean 'regression'"),
        ({"pairs": 3}, "pairs is 3; it must be a name"),
        ({"settings": [1]}, r"settings is \[1\]"),
        ({"settings": {"training.batch_sise": 3}}, "did you mean 'batch_size'"),
        ({"num_steps": 0}, "num_steps is 0"),
        (
            {"settings": {"training.num_steps": 3}},
            "num_steps is 5 and training.num_steps of settings is 3",
        ),
    ],
    ids=str,
)
def test_a_student_that_cannot_be_trained_is_refused_before_any_work(
    asked: dict[str, Any], says: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    filled_store(folder_at("set"), 512)
    words = {"pairs": kdm.open_pairs(Path("set")), "num_steps": 5, **asked}
    with pytest.raises(ValueError, match=says):
        kdm.train_student(**words)
    assert not Path("kdm-home").exists()


def test_held_out_pairs_are_not_learned_from(at_home: Path) -> None:
    with pytest.raises(ValueError, match="give its training split"):
        kdm.train_student(kdm.open_pairs("tiny").heldout(), num_steps=5)
    with pytest.raises(ValueError, match="give its training split"):
        kdm.evaluate_student(lambda x_T: x_T, kdm.open_pairs("tiny").heldout())


def test_a_student_that_the_recipe_has_trained_is_found_by_the_same_options(at_home: Path) -> None:
    (entry,) = load_recipe("tiny").students
    described = entry.model_dump(mode="json")
    described["model"].pop("version")
    training = {f"training.{key}": value for key, value in described["training"].items()}
    pairs = kdm.open_pairs("tiny", count=2000)
    found = kdm.train_student(pairs, described["model"], num_steps=200, settings=training)
    assert found.name == kdm.load_student("kdm").name
