"""Exported students: the same samples in ONNX Runtime and in a torch that doesn't know this project."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kinds_of_students import Kind, every_kind
from torch import Tensor, nn

from kdm.exporters.form import Run
from kdm.exporters.forms import FORMS, form_named
from kdm.exporters.parity import MOST_APART, difference
from kdm.exporters.plain_code import plain_code
from kdm.exporters.traced import traced
from kdm.students.student import Student
from storage.records import to_bytes

KINDS = every_kind()


def written(form: str, student: Student, kind: Kind, **options: Any) -> bytes:
    return FORMS[form].write(traced(student, kind.schema, **options), {"student": "mine"})


def given(kind: Kind, num_classes: int, count: int) -> tuple[Tensor, Tensor | None]:
    x_T = torch.randn(count, *kind.schema.shape, generator=torch.Generator().manual_seed(count))
    return kind.schema.noise.scale * x_T, torch.arange(count) % num_classes if num_classes else None


def apart(run: Run, student: Student, kind: Kind, count: int) -> float:
    """Of the range of samples, over `count` of them."""
    x_T, label = given(kind, student.num_classes, count)
    wanted = student.generate(x_T, label).numpy()
    made = run(x_T.numpy(), None if label is None else label.numpy())
    assert made.dtype == np.float32
    assert made.shape == wanted.shape
    return float(np.abs(made - wanted).max() / np.ptp(wanted))


@pytest.mark.peers
@pytest.mark.parametrize("name", KINDS)
def test_a_file_of_any_form_gives_what_generate_does_in_any_batch(name: str) -> None:
    kind = KINDS[name]
    student = kind.made()
    program = traced(student, kind.schema)
    runs = [form.open(form.write(program, {"student": "mine"})) for form in FORMS.values()]
    code = plain_code(program)
    for run in (*runs, code.called):
        assert max(apart(run, student, kind, count) for count in (1, 2, 5)) <= MOST_APART
    x_T, label = given(kind, student.num_classes, 2)
    on_meta = [each.to("meta") for each in (x_T, label) if each is not None]
    assert code.module.to("meta")(*on_meta).is_meta  # it goes where its input is


@pytest.mark.peers
def test_an_onnx_file_gives_what_generate_does_and_names_no_folder() -> None:
    kind = KINDS["kdm-f, points"]
    student = kind.made()
    data = written("onnx", student, kind)
    assert apart(FORMS["onnx"].open(data), student, kind, 4) <= MOST_APART
    for said in (b'File "', str(Path(__file__).parents[2]).encode()):
        assert said not in data


@pytest.mark.peers
@pytest.mark.parametrize("rounding", ["half-even", "floor"])
def test_bytes_are_those_of_the_pairs(rounding: Any) -> None:
    kind = KINDS["kdm, pictures"]
    student = kind.made()
    x_T, _ = given(kind, 0, 64)
    wanted = to_bytes(student.generate(x_T).numpy(), rounding).astype(int)
    assert len(np.unique(wanted)) > 100
    for form in FORMS:
        data = written(form, student, kind, rounding=rounding)
        made = FORMS[form].open(data)(x_T.numpy(), None)
        assert made.dtype == np.uint8
        assert np.abs(made - wanted).max() <= 1
        assert (made == wanted).mean() >= 0.999


@pytest.mark.peers
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["checkerboard", "afhqv2-64", "cifar10-cond-kdm-f", "get-t"])
def test_a_file_is_hardly_larger_than_the_weights(name: str, form: str) -> None:
    from kdm.presets.presets import preset

    chosen = preset(name)
    kind = Kind(chosen.student, chosen.schema)
    student = kind.made()
    num_bytes = sum(
        each.nbytes for module in student.inference_modules() for each in module.parameters()
    )
    assert len(written(form, student, kind)) <= 1.03 * num_bytes


class Keys(nn.Module):
    """How the noise of GET begins."""

    def forward(self, x: Tensor) -> Tensor:
        bits = x.view(torch.int32).to(torch.int64)
        return torch.cat([bits, (bits * 0x61C88646_80B583EB).sum(1, keepdim=True)], 1)


@pytest.mark.peers
def test_bits_of_floats_and_sums_of_integers_are_exact_in_onnx() -> None:
    import onnxruntime as runtime

    from kdm.exporters.integers_in_onnx import translations

    x = torch.randn(2000, generator=torch.Generator().manual_seed(0))
    x *= 10.0 ** torch.linspace(-30, 30, 2000)
    x[:8] = torch.tensor([0, 1, -1, 2, 1.9999999, 2.0**-126, -(2.0**127), 3.4028235e38])
    x = x.view(4, 500)
    made = torch.onnx.export(
        torch.export.export(Keys(), (x,)),
        dynamo=True,
        verbose=False,
        custom_translation_table=translations(),
    )
    assert made is not None
    session = runtime.InferenceSession(made.model_proto.SerializeToString())
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    assert np.array_equal(found, Keys()(x).numpy())


def test_a_program_that_gives_other_samples_is_refused() -> None:
    kind = KINDS["kdm, points"]
    student = kind.made()

    def run(x_T: Any, label: Any) -> Any:
        return student.generate(torch.from_numpy(x_T)).numpy() + np.float32(0.01)

    with pytest.raises(
        ValueError, match=r"of their range away from the student's, more than 1\.0e-04"
    ):
        difference(student, run, kind.schema, rounding="none")


class Silent(nn.Module):
    """A student of somebody's own that has only `generate`."""

    num_classes = 0
    drawn, sampler = Student.drawn, Student.sampler


def test_a_student_that_says_nothing_of_its_sampling_is_refused() -> None:
    with pytest.raises(ValueError, match="a Silent can't be exported: its class defines neither"):
        traced(Silent(), KINDS["kdm, points"].schema)  # type: ignore[arg-type]


def test_missing_packages_are_named_with_what_installs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kdm.exporters.forms.find_spec", lambda name: None if name == "onnx" else 1)
    with pytest.raises(
        ValueError, match=r"--to onnx needs onnx; .*pip install 'kdm-offline\[onnx\]'"
    ):
        form_named("onnx")
    assert form_named("torch-export").ending == ".pt2"
    with pytest.raises(ValueError, match="--to tflite: choose onnx, torch-export or diffusers"):
        form_named("tflite")
