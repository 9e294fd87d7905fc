"""One small student of every kind, as files for other programs are made of them."""

from typing import Any, NamedTuple

import torch
from test_koopman_timed import LEVELS
from test_teacher_start import SCHEMA, TEACHERS, network_of

from kdm.networks.transformer_options import EquilibriumOptions
from kdm.students.get import Get
from kdm.students.koopman import Koopman
from kdm.students.koopman_factorised import KoopmanFactorised
from kdm.students.koopman_timed import KoopmanTimed
from kdm.students.mean_flow import MeanFlow
from kdm.students.plugin import StudentPlugin
from kdm.students.reflow import Reflow
from kdm.students.regression import Regression
from kdm.students.student import Student
from storage.records import LabelRule, NoiseRule, PairSchema

POINTS = PairSchema(shape=(2,), noise=NoiseRule(scale=2))
STATES = {"num_states": len(LEVELS) - 1}
SIZES: dict[str, Any] = {"model_channels": 8, "channel_mult": (1, 2), "num_blocks": 1}
UNET = {"kind": "song-unet", **SIZES, "attn_resolutions": (4,)}
GET = EquilibriumOptions(width=16, depth=1, num_heads=2, equilibrium_ratio=2)


class Kind(NamedTuple):
    """A student's options, and the pairs that it is for."""

    plugin: StudentPlugin
    schema: PairSchema

    def made(self) -> Student:
        """With weights that have learned something: none is 0."""
        torch.manual_seed(0)
        student = self.plugin.build(self.schema)
        with torch.no_grad():
            for parameter in student.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
        return student.eval().requires_grad_(False)


def _labelled(num_classes: int) -> PairSchema:
    label = LabelRule(num_classes=num_classes) if num_classes else None
    return PairSchema(shape=(3, 8, 8), noise=NoiseRule(scale=80), label=label)


def _with_states(schema: PairSchema) -> PairSchema:
    return schema.model_copy(update=STATES)


def _points() -> dict[str, Kind]:
    plugins = (Koopman(), KoopmanFactorised(), Regression(), Reflow(num_steps=2), MeanFlow())
    kinds = {each.plugin: Kind(each, POINTS) for each in plugins}
    timed = KoopmanTimed(levels=LEVELS, num_steps=3)
    return {**kinds, timed.plugin: Kind(timed, _with_states(POINTS))}


def _pictures(num_classes: int) -> dict[str, Kind]:
    """Those of `many classes` aren't folded, since their tables would be larger."""
    schema, timed = _labelled(num_classes), {"levels": LEVELS, "data_scale": 0.5}
    plugins: dict[str, StudentPlugin] = {
        "kdm": Koopman(networks=UNET, data_scale=0.5),
        "kdm-f": KoopmanFactorised(networks={**UNET, "latent_dim": 12}),
        "kdm-t": KoopmanTimed(networks={**UNET, "latents": "every-level"}, num_steps=2, **timed),
        "kdm-t, one picture": KoopmanTimed(networks={**UNET, "latents": "one-picture"}, **timed),
        "regression": Regression(network=UNET, data_scale=0.5),
        "get": Get(network=GET),
        "get from zeros": Get(network=GET, start="zeros"),
        "reflow": Reflow(network=UNET, num_steps=2),
        "mean-flow": MeanFlow(network=UNET, num_steps=2),
    }
    return {
        name: Kind(each, _with_states(schema) if name.startswith("kdm-t") else schema)
        for name, each in plugins.items()
    }


def _started(teacher: str) -> dict[str, Kind]:
    init: dict[str, Any] = {"init": {"network": network_of(TEACHERS[teacher])}}
    plugins = (Koopman, KoopmanFactorised, Regression, Reflow, MeanFlow)
    kinds = {each.plugin: Kind(each(**init), SCHEMA) for each in plugins}
    timed = KoopmanTimed(levels=LEVELS, num_steps=2, **init)
    return {**kinds, timed.plugin: Kind(timed, _with_states(SCHEMA))}


def _named(group: str, kinds: dict[str, Kind]) -> dict[str, Kind]:
    return {f"{name}, {group}": kind for name, kind in kinds.items()}


def every_kind() -> dict[str, Kind]:
    """By a name that says what is special."""
    many = {name: _pictures(500)[name] for name in ("kdm", "kdm-f", "regression")}
    starts = (_named(f"init {teacher}", _started(teacher)) for teacher in TEACHERS)
    found = _named("points", _points()) | _named("pictures", _pictures(0))
    found |= _named("classes", _pictures(3)) | _named("many classes", many)
    return found | {name: kind for group in starts for name, kind in group.items()}
