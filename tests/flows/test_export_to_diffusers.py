"""Exports for diffusers: what the folder says, and the same samples where this project isn't."""

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from typer.testing import CliRunner

from flows.cli import app
from kdm.export import load_student, write_model
from kdm.students.koopman import Koopman
from kdm.students.plugin import StudentPlugin
from kdm.students.reflow import Reflow
from kdm.students.regression import Regression
from pairgen.scheduled import scheduled
from pairgen.teachers.edm import EdmTeacher
from pairgen.teachers.flow_matching import FlowMatchingTeacher
from pairgen.teachers.flow_matching_unet import FlowMatchingUNet
from pairgen.teachers.imported_network import ImportedTeacher
from pairgen.teachers.plugin import TeacherPlugin
from pairgen.teachers.teacher import Teacher, load_teacher
from storage.digest import sha256_of
from storage.folders import Folder, folder_at
from storage.plugins import describe
from storage.records import LabelRule, NoiseRule, PairSchema

POINTS = PairSchema(shape=(2,), noise=NoiseRule(scale=2))
PICTURES = PairSchema(shape=(3, 8, 8), noise=NoiseRule(scale=80), label=LabelRule(num_classes=3))
UNET: dict[str, Any] = {
    "kind": "song-unet",
    "model_channels": 8,
    "channel_mult": (1, 2),
    "num_blocks": 1,
    "attn_resolutions": (4,),
}
EDM: dict[str, Any] = {"img_resolution": 8, "img_channels": 3, "label_dim": 3, "model_channels": 16}
SMALL: dict[str, Any] = {"channel_mult": [1], "num_blocks": 1, "attn_resolutions": []}
NCSN = {"encoder_type": "residual", "embedding_type": "fourier"}
# A program of a user whose machine lacks this project. Its arguments are folders.
PROGRAM = """
import sys
for name in ("kdm", "storage", "pairgen", "flows", "torchvision"):
    sys.modules[name] = None
import torch
from diffusers import DiffusionPipeline

def refused(*given, **options):
    try:
        DiffusionPipeline.from_pretrained(*given, **options)
    except ValueError as error:
        return str(error)

pipes = []
for folder in sys.argv[1:]:
    assert "trust_remote_code" in refused(folder), folder
    pipes.append(DiffusionPipeline.from_pretrained(folder, trust_remote_code=True))
for folder, pipe in zip(sys.argv[1:], pipes):  # after all of them are open
    pipe.set_progress_bar_config(disable=True)
    given = torch.load(f"{folder}/given.pt")
    torch.save(pipe(output_type="latent", **given).images, f"{folder}/made.pt")
    seeds = [torch.Generator().manual_seed(3) for _ in range(2)]
    drawn = [pipe(4, generator=seed, output_type="latent").images for seed in seeds]
    assert torch.equal(*drawn) and drawn[0].shape[0] == 4, folder
    if len(drawn[0].shape) == 4:
        (picture,) = pipe(1).images
        assert picture.size == (8, 8) and picture.mode == "RGB", folder
        assert pipe(2, output_type="np").images.shape == (2, 8, 8, 3)
        assert 0 <= pipe(2, output_type="pt").images.min() <= 1
"""


def student(place: Path, plugin: StudentPlugin, schema: PairSchema) -> Folder:
    """A trained student, or so it looks."""
    torch.manual_seed(0)
    made = plugin.build(schema)
    for each in made.parameters():
        each.data.add_(0.1 * torch.randn_like(each))
    config = {
        "group": "kdm.students",
        "model": describe(plugin),
        "schema": schema.model_dump(mode="json"),
    }
    folder = folder_at(str(place))
    write_model(folder, made.state_dict(), config=config)
    folder.replace("card.md", b"---\nlicense: cc-by-4.0\n---\n")
    return folder


def teacher(place: Path, plugin: TeacherPlugin, shape: tuple[int, ...]) -> tuple[Folder, Teacher]:
    """A trained teacher, or so it looks."""
    torch.manual_seed(0)
    made = plugin.build(shape)
    for each in made.parameters():
        each.data.add_(0.1 * torch.randn_like(each))
    config = {"group": "pairgen.teachers", "model": describe(plugin), "shape": list(shape)}
    folder, state = folder_at(str(place)), made.state_dict()
    if plugin.is_imported:  # under the names of its checkpoint
        state = {name.removeprefix("denoiser."): each for name, each in state.items()}
    write_model(folder, state, config=config)
    weights = folder.read("model.safetensors")
    return folder, load_teacher(plugin, shape, weights=weights, digest=sha256_of(weights))


def exported(folder: Folder, out: Path, *words: str) -> str:
    """What the command says; `words` come after the name of the thing."""
    *before, form = words
    ended = CliRunner().invoke(app, [*before, folder.url, *form.split(), "--out", str(out)])
    assert ended.exit_code == 0, ended.exception
    return ended.output


def noise(schema: PairSchema, count: int) -> Tensor:
    drawn = torch.randn(count, *schema.shape, generator=torch.Generator().manual_seed(1))
    return schema.noise.scale * drawn


def apart(made: Tensor, wanted: Tensor) -> float:
    """Of the range of samples."""
    assert made.dtype == torch.float32
    return float((made - wanted).abs().max() / (wanted.max() - wanted.min()))


class Stub(ModuleType):
    """As much of diffusers as the network's file needs."""

    ModelMixin, ConfigMixin = nn.Module, object

    @staticmethod
    def register_to_config(init: Callable[..., None]) -> Callable[..., None]:
        return init


def test_the_written_network_is_the_student_in_plain_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = student(tmp_path / "student", Koopman(), POINTS), tmp_path / "out"
    planned = exported(folder, out, "export", "--to diffusers --dry-run")
    assert not out.exists()
    said = exported(folder, out, "export", "--to diffusers")
    assert "0.0e+00 of the range away" in said
    assert planned == f"{said.strip()}; nothing was written\n"
    index = json.loads((out / "model_index.json").read_text())
    config = json.loads((out / "network" / "config.json").read_text())
    assert index["network"][1] == config["_class_name"]
    assert config["shape"] == [2]
    assert (config["noise_scale"], config["num_classes"], config["licence"]) == (2, 0, "cc-by-4.0")
    (file,) = out.glob("network/*.py")
    assert file.stem == index["network"][0] == f"network_{sha256_of(file.read_bytes())[:8]}"
    assert str(Path(__file__).parents[2]) not in file.read_text()
    for name in ("diffusers", "diffusers.configuration_utils"):
        monkeypatch.setitem(sys.modules, name, Stub(name))
    known: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), known)
    network = known[config["_class_name"]]()
    network.load_state_dict(load_file(out / "network" / "diffusion_pytorch_model.safetensors"))
    x_T = noise(POINTS, 5)
    assert torch.equal(network(x_T), load_student(folder).generate(x_T))
    assert network.to("meta")(x_T.to("meta")).is_meta  # it goes where its input is
    imported = {
        getattr(node, "module", None) or node.names[0].name
        for each in out.rglob("*.py")
        for node in ast.walk(ast.parse(each.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    tops = {each.partition(".")[0] for each in imported}
    assert tops <= {"PIL", "diffusers", "math", "numpy", "torch", "typing"}


def test_a_dry_run_of_a_teachers_export_writes_nothing(tmp_path: Path) -> None:
    plugin, shape, *_ = TEACHERS["flow points"]
    folder, _ = teacher(tmp_path / "teacher", plugin, shape)
    said = exported(folder, tmp_path / "out", "teacher", "export", "--dry-run")
    assert said.endswith("away from the teacher's; nothing was written\n")
    assert [each.name for each in tmp_path.iterdir()] == ["teacher"]


def test_a_folder_in_use_and_options_of_single_files_are_refused(tmp_path: Path) -> None:
    folder = student(tmp_path / "student", Koopman(), POINTS)
    words = ["export", folder.url, "--to", "diffusers", "--out"]
    error = CliRunner().invoke(app, [*words, str(tmp_path)]).exception
    assert "isn't empty; name another folder with --out" in str(error)
    error = CliRunner().invoke(app, [*words, f"{tmp_path}/new", "--as-bytes"]).exception
    assert "a pipeline of diffusers gives pictures by default; leave it out" in str(error)
    assert not (tmp_path / "new").exists()


def test_a_teacher_that_knows_a_table_of_levels_has_no_scheduler() -> None:
    field = ImportedTeacher(precond="iDDPMPrecond", init_kwargs=EDM | SMALL).build((3, 8, 8))
    with pytest.raises(ValueError, match="knows a table of noise levels alone"):
        scheduled(field, (3, 8, 8))


def in_diffusers(folders: list[Path], home: Path) -> None:
    """Run PROGRAM, its caches below `home`."""
    kept = {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, *map(str, folders)]
    ended = subprocess.run(command, env=kept, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.peers
def test_pipelines_of_students_give_what_generate_does(tmp_path: Path) -> None:
    labels = torch.tensor([0, 1, 2, 1, 0])
    cases = {
        "points": (student(tmp_path / "a", Koopman(), POINTS), POINTS),
        "steps": (student(tmp_path / "b", Reflow(network=UNET, num_steps=3), PICTURES), PICTURES),
        "pictures": (student(tmp_path / "c", Regression(network=UNET), PICTURES), PICTURES),
    }
    wanted = {}
    for name, (folder, schema) in cases.items():
        exported(folder, tmp_path / name, "export", "--to diffusers")
        given: dict[str, Any] = {"latents": noise(schema, 5)}
        given |= {"class_labels": labels} if schema.label else {}
        torch.save(given, tmp_path / name / "given.pt")
        wanted[name] = load_student(folder).generate(*given.values())
    in_diffusers([tmp_path / name for name in cases], tmp_path / "caches")
    for name, samples in wanted.items():
        assert apart(torch.load(tmp_path / name / "made.pt"), samples) <= 1e-6


FLOW = FlowMatchingUNet(num_channels=64, num_res_blocks=1, channel_mult=(1,), num_classes=3)
OF_EDM = {
    "edm": (EdmTeacher(network=UNET, num_classes=3), (3, 8, 8)),
    "vp": (ImportedTeacher(precond="VPPrecond", init_kwargs=EDM | SMALL), (3, 8, 8)),
    "ve": (ImportedTeacher(precond="VEPrecond", init_kwargs=EDM | SMALL | NCSN), (3, 8, 8)),
    "edm points": (EdmTeacher(sigma_data=2.5), (2,)),
}
TEACHERS: dict[str, tuple[TeacherPlugin, tuple[int, ...], str, float]] = {
    **{f"{name}, dpm-2m": (*of, "dpm-2m", 1e-6) for name, of in OF_EDM.items()},
    **{f"{name}, edm-heun": (*of, "edm-heun", 2e-5) for name, of in OF_EDM.items()},
    "flow points": (FlowMatchingTeacher(), (2,), "euler", 1e-6),
    "flow": (FLOW, (3, 8, 8), "euler", 1e-6),
}


@pytest.mark.peers
def test_schedulers_carry_noise_where_our_samplers_do(tmp_path: Path) -> None:
    """With one step more they end elsewhere, so that the comparison can tell."""
    wanted, others = {}, {}
    for number, (name, (plugin, shape, rule, _)) in enumerate(TEACHERS.items()):
        folder, field = teacher(tmp_path / str(number), plugin, shape)
        options = f"--num-steps 12 --sampler {rule}"
        exported(folder, tmp_path / name, "teacher", "export", options)
        drawn = torch.randn(5, *shape, generator=torch.Generator().manual_seed(1))
        labels = torch.arange(5) % 3 if getattr(plugin, "num_classes", 0) else None
        given: dict[str, Any] = {"latents": field.noise_scale * drawn}
        given |= {} if labels is None else {"class_labels": labels}
        torch.save(given, tmp_path / name / "given.pt")
        wanted[name], others[name] = (
            scheduled(field, shape, rule, steps).sampler.sample(field, given["latents"], labels).x_0
            for steps in (12, 13)
        )
    in_diffusers([tmp_path / name for name in TEACHERS], tmp_path / "caches")
    for name, x_0 in wanted.items():
        made, most = torch.load(tmp_path / name / "made.pt"), TEACHERS[name][-1]
        print(f"{name}: {apart(made, x_0):.1e}; one step more {apart(made, others[name]):.1e}")
        assert apart(made, x_0) <= most
        assert apart(made, others[name]) >= 10 * most
