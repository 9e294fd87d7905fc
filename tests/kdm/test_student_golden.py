"""One published training step against goldens: the given one, and others made by plain formulas."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mutants import STEP, at_work
from published import STEP as STEP_GOLDEN
from published import published
from published_step import SMALL, write_golden
from typer.testing import CliRunner

from flows.cli import app
from kdm.published.golden_kinks import Kinks
from kdm.published.student_golden import GRADIENT_TOLERANCE, check_step, errors, unchecked
from kdm.published.student_options import student_of
from kdm.published.tensor_names import to_ours, to_published

EXACT = 1e-11  # what float64's round-off may be; of float32 it is 1e-7 at least
VARIANTS: dict[str, dict[str, Any]] = {
    "factorised": {"is_factorised": True},
    "factorised-uniform": {"is_factorised": True, "koopman_loss_type": "Uniform"},
    "factorised-gradual": {
        "is_factorised": True,
        "koopman_loss_type": "GradualUniform",
        "linear_proj": 24,
    },
    "factorised-circle": {
        "is_factorised": True,
        "koopman_loss_type": "OnTheCircle",
        "linear_proj": 24,
    },
    "dense-uniform": {"koopman_loss_type": "Uniform", "linear_proj": 24},
    "dense-circle": {"koopman_loss_type": "OnTheCircle", "linear_proj": 24},
    "linear": {"linear_proj": 24},
    "labels": {"label_dim": 3, "cond_type": "OnlyEncDec"},
    "adversary": {
        "label_dim": 3,
        "cond_type": "KoopmanMatrixAddition",
        "img_resolution": 32,
        "linear_proj": 24,
        "is_adversarial": True,
        "seed": 11,  # with no input of the critic next to a kink
    },
    "huber": {"rec_loss_type": "Huber", "out_channels": 2},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """A variant's golden, written once; `changed` makes another file of it."""
    place = tmp_path_factory.mktemp("goldens")
    return cache(lambda name: write_golden(place / f"{name}.npz", **VARIANTS[name]))


def changed(golden: str, place: Path, **arrays: Any) -> str:
    with np.load(golden) as file:
        np.savez(place / "changed.npz", **{**file, **arrays})
    return str(place / "changed.npz")


@pytest.mark.processor
def test_the_published_step_is_made_to_the_letter() -> None:
    golden = str(published(STEP_GOLDEN))
    compared = check_step(golden)
    assert len(compared) == 4 + 5 + 428
    assert [each.name for each in compared if not each.agrees] == []
    assert unchecked(golden) == []


@pytest.mark.parametrize(
    "variant",
    [pytest.param(each, marks=[pytest.mark.processor] * (each in STEP)) for each in VARIANTS],
)
def test_every_variant_of_the_step_agrees_with_plain_formulas(
    variant: str, written: Callable[[str], str]
) -> None:
    golden = written(variant)
    compared = check_step(golden)
    assert [each for each in compared if not each.agrees or each.error > EXACT] == []
    assert unchecked(golden) == []
    kinds = {each.name.split()[0] for each in compared}
    assert ("critic" in kinds) == (variant == "adversary")


@pytest.mark.processor
def test_no_input_of_the_critic_is_next_to_a_kink(tmp_path: Path) -> None:
    kinks = Kinks()
    write_golden(tmp_path / "golden.npz", kinks=kinks, **VARIANTS["adversary"])
    assert kinks.num == 0


def test_one_next_to_it_may_be_on_either_side_and_a_wrong_number_still_differs(
    tmp_path: Path,
) -> None:
    beside = {**VARIANTS["adversary"], "seed": 0}
    golden = write_golden(tmp_path / "golden.npz", kinks=Kinks(0), **beside)
    with np.load(golden) as file:
        meta = json.loads(str(file["meta"]))
    meta["grad_norms"]["koopman_operator.bias"] *= 1 + 1e-3
    compared = check_step(changed(golden, tmp_path, meta=json.dumps(meta)))
    assert [each.name for each in compared if not each.agrees] == ["gradient koopman_operator.bias"]
    assert any(each.agrees and each.error > 10 * GRADIENT_TOLERANCE for each in compared)


def test_a_golden_of_other_numbers_differs_by_name(
    written: Callable[[str], str], tmp_path: Path
) -> None:
    golden = written("linear")
    with np.load(golden) as file:
        meta, pushed = json.loads(str(file["meta"])), file["out/z0_pushed"]
    meta["losses"]["rec_loss"] *= 1 + 1e-4
    meta["grad_norms"]["koopman_operator.bias"] *= 1 + 1e-3
    other = changed(golden, tmp_path, meta=json.dumps(meta), **{"out/z0_pushed": pushed[:, :5]})
    names = {each.name for each in check_step(other) if not each.agrees}
    assert names == {"loss rec_loss", "gradient koopman_operator.bias", "out z0_pushed"}


def test_one_hot_rows_numbers_and_every_layout_of_targets_mean_the_same(tmp_path: Path) -> None:
    golden = write_golden(
        tmp_path / "golden.npz",
        is_factorised=True,
        koopman_loss_type="Uniform",
        linear_proj=24,
        label_dim=3,
        cond_type="OnlyEncDec",
    )
    with np.load(golden) as file:
        labels, vector = file["labels"].argmax(1), file["uniform_vec"]
    for targets in (np.stack([vector.real, vector.imag]), np.stack([vector.real, vector.imag], 1)):
        assert max(errors(changed(golden, tmp_path, uniform_vec=targets)).values()) <= EXACT
    assert max(errors(changed(golden, tmp_path, labels=labels)).values()) <= EXACT


def test_weights_and_the_turn_of_the_huber_distance_are_those_that_the_golden_names(
    tmp_path: Path,
) -> None:
    named = {"w_rec": 2.5, "w_latent": 0.5, "w_push": 3.0, "psudo_huber_c": 0.1}
    golden = write_golden(tmp_path / "golden.npz", rec_loss_type="Huber", linear_proj=24, **named)
    assert max(errors(golden).values()) <= EXACT


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("advers_w", 2, "advers_w is 2, which this project cannot set"),
        ("w_eigen", 1, "w_eigen is 1, which this project cannot set"),
        ("psudo_huber_c", 0.1, "psudo_huber_c is 0.1, but rec_loss_type is 'L2'"),
        ("w_rec", "much", "rec: Input should be a valid number"),
        ("w_push", float("nan"), "pred: Input should be a finite number"),
    ],
)
def test_a_weight_that_cannot_be_set_is_refused_by_its_name(
    key: str, value: object, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        student_of({**SMALL, key: value}, is_factorised=False)


def test_names_go_to_ours_and_back(written: Callable[[str], str]) -> None:
    golden = written("factorised-circle")
    with np.load(golden) as file:
        published = {
            name[2:]: torch.from_numpy(file[name]) for name in file if name.startswith("w/")
        }
    back = to_published(to_ours(published), has_linear=True)
    assert back.keys() == published.keys()
    assert all(torch.equal(back[name], published[name]) for name in back)


def test_a_tensor_that_no_student_has_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"vgg\.weight isn't part of a published KDM student"):
        to_ours({"vgg.weight": torch.zeros(1)})


def test_the_command_prints_each_error_and_fails_where_one_differs(
    written: Callable[[str], str], tmp_path: Path
) -> None:
    golden = written("linear")
    good = CliRunner().invoke(app, ["student", "check", golden])
    other = changed(golden, tmp_path, xT=np.zeros((3, 3, 16, 16), dtype=np.float32))
    bad = CliRunner().invoke(app, ["student", "check", other])
    assert good.exit_code == 0, good.output
    assert "loss push_rec_loss" in good.output
    assert bad.exit_code == 1
    assert "DIFFERS" in bad.output


@pytest.mark.parametrize("kind", ["missing", "text", "zip", "teacher"])
def test_what_is_no_golden_of_a_step_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "golden.npz"
    if kind == "text":
        path.write_text("no golden")
    elif kind == "zip":
        np.savez(path, x=np.zeros(1))
    elif kind == "teacher":
        np.savez(path, meta=json.dumps({"precond": "EDMPrecond"}))
    ended = CliRunner().invoke(app, ["student", "check", str(path)])
    assert isinstance(ended.exception, ValueError)
    assert "golden" in str(ended.exception)


@pytest.mark.parametrize(
    "variant",  # the float64 that finds them is the same at each level
    [pytest.param(each, marks=[pytest.mark.processor] * (each == "huber")) for each in STEP],
)
def test_a_wrong_sign_factor_index_or_term_is_found(
    variant: str, written: Callable[[str], str]
) -> None:
    golden, missed = written(variant), []
    for mutant in STEP[variant]:
        with at_work(mutant):
            missed += [mutant.name] * (max(errors(golden).values()) <= EXACT)
    assert missed == []
