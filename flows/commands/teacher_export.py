"""`kdm teacher export`: a teacher as a pipeline of diffusers with the scheduler that fits."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

import torch
import typer

from flows.commands.exported_folder import free_folder, not_written, write_files
from flows.home import found
from kdm.exporters.diffusers_folder import Scheduler, diffusers_files
from kdm.exporters.plain_code import PlainCode, plain_code
from kdm.exporters.traced import NUM_TRACED, program_of
from kdm.report.existing_card import licence_of
from kdm.trained import read_config, read_weights
from pairgen.scheduled import Scheduled, scheduled
from pairgen.teachers.teacher import load_teacher
from storage.plugins import configure

if TYPE_CHECKING:
    from pairgen.teachers.plugin import TeacherPlugin

_MOST_APART = 1e-4  # of the largest value, in float32


@dataclass(frozen=True)
class TeacherExport:
    """What the user asks for when exporting a teacher."""

    out: str = ""
    sampler: str = ""
    num_steps: int | None = None
    is_dry: bool = False


def export_teacher(name: str, home: str, wanted: TeacherExport) -> None:
    """Write the folder, once the network's answers are those of the teacher's field; dry runs don't write."""
    torch.set_num_threads(1)  # sums depend on the number of threads
    folder = found(home, "teachers", name)
    config = read_config(folder)
    if config is None or config["group"] != "pairgen.teachers":
        raise ValueError(f"{folder.url} holds no teacher; name one of 'kdm ls'")
    place = free_folder(wanted.out or f"{folder.name}-diffusers")
    plugin = cast("TeacherPlugin", configure("pairgen.teachers", config["model"]))
    shape, digest = tuple(config["shape"]), config["weights"]["sha256"]
    teacher = load_teacher(plugin, shape, weights=read_weights(folder, config), digest=digest)
    chosen = scheduled(teacher, shape, wanted.sampler, wanted.num_steps)
    num_classes = getattr(plugin, "num_classes", 0)  # not every teacher distinguishes classes
    given = _given(shape, num_classes)
    code = plain_code(program_of(chosen.network, given, f"a {type(teacher).__name__}"))
    apart = _apart(code, chosen, given)
    options: dict[str, Any] = {
        "exported_from": folder.name,
        "weights_sha256": digest,
        "shape": list(shape),
        "noise_scale": teacher.noise_scale,
        "num_classes": num_classes,
        "num_steps": chosen.sampler.num_steps,
        "rounding": "half-even" if len(shape) == 3 else "none",
        "licence": licence_of(folder),
        "made_by": f"kdm-offline {version('kdm-offline')}",
    }
    note = f"Its steps are those of the sampler `{chosen.sampler.plugin}`, by `{chosen.scheduler}`."
    scheduler = Scheduler(chosen.scheduler, chosen.options)
    files = diffusers_files(code, options, what="teacher", note=note, scheduler=scheduler)
    size = write_files(place, files, is_dry=wanted.is_dry)
    typer.echo(
        f"{place.url}: {size:,} bytes; {chosen.scheduler} in {chosen.sampler.num_steps} steps, as "
        f"{chosen.sampler.plugin}; its network is at most {apart:.1e} of the largest value away from the "
        f"teacher's{not_written(wanted.is_dry)}"
    )


def _given(shape: tuple[int, ...], num_classes: int) -> tuple[torch.Tensor, ...]:
    """x, timestep and labels to trace and compare with; x has unit variance, as schedulers scale it."""
    x = torch.randn(NUM_TRACED, *shape, generator=torch.Generator().manual_seed(0))
    label = torch.arange(NUM_TRACED) % num_classes if num_classes else None
    return tuple(each for each in (x, torch.ones(1), label) if each is not None)


def _apart(code: PlainCode, chosen: Scheduled, given: tuple[torch.Tensor, ...]) -> float:
    """How far the code's answers are from the network's, over the largest."""
    x, _, *label = given
    worst = 0.0
    for time in chosen.timesteps:
        wanted = chosen.network(x, torch.tensor([time]), *label)
        made = code.module(x, torch.tensor([time]), *label)
        worst = max(worst, float((made - wanted).abs().max() / wanted.abs().max()))
    if not worst <= _MOST_APART:
        raise ValueError(
            f"the exported network is {worst:.1e} of the largest value away from the teacher's, more than "
            f"{_MOST_APART:.1e}, so that nothing was written; check the version of torch ('kdm doctor')"
        )
    return worst
