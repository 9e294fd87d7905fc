"""Networks that others have trained, as teachers.

| published network | its own convention | field here |
|---|---|---|
| denoiser D(x; σ) of the EDM family | σ from 80 to 0 | dx/dσ = (x - D) / σ, t = σ |
| velocity u(x, s) of flow matching | s = 0 noise, s = 1 data | v(x, t) = -u(x, 1 - t) |

(Karras et al. 2022, Eqs. 1 and 3; Lipman et al. 2023, Eq. 23.)
"""

from functools import cache
from io import BytesIO
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from kdm.level import Level, straight_path
from kdm.networks.build import DEFAULT_MODELS, build_edm, build_velocity
from kdm.networks.guided_unet import GuidedUNet
from kdm.networks.point_velocity import PointVelocity
from kdm.networks.preconditioning import Preconditioner
from kdm.objective import Objective
from kdm.shapes import Labels, Samples
from pairgen.checkpoints.build import Network, built, empty
from pairgen.checkpoints.build_presets import Preset
from pairgen.field import Teacher
from pairgen.teachers.edm_field import EdmField
from pairgen.teachers.plugin import TeacherPlugin
from storage.inert.numbers import Budget, read_array
from storage.inert.safetensors import read_safetensors
from storage.inert.storages import Stored
from storage.inert.values import TensorName


class Kind(NamedTuple):
    """What a network's samples are: their shape, and how many classes it knows."""

    shape: tuple[int, ...]
    num_classes: int  # 0: it looks at no label


class ImportedVelocity(Teacher):
    """v(x, t) = -u(x, 1 - t) from a published velocity network u."""

    t_noise = 1.0
    noise_scale = 1.0

    def __init__(self, network: GuidedUNet | PointVelocity) -> None:
        super().__init__()
        self.network = network

    def level(self, t: float) -> Level:
        """That of the straight path."""
        return straight_path(t)

    def velocity(self, x: Samples, t: Tensor, label: Labels | None = None) -> Samples:
        """dx/dt [n, *shape] at x [n, *shape], t ([ ] or [n]) and label [n], in x's number type."""
        with self.in_dtype(x.device):
            published: Samples = self.network(x, 1 - t.to(x), label)
        return -published.to(x)


class ImportedTeacher(TeacherPlugin):
    """A network from a foreign checkpoint: its arguments; the weights are a separate file."""

    plugin = "imported"
    is_trained: ClassVar[bool] = True
    is_imported: ClassVar[bool] = True

    precond: str | None = (
        None  # EDMPrecond, VPPrecond, VEPrecond, iDDPMPrecond; None: flow matching
    )
    init_kwargs: dict[str, Any]  # keywords of the network, as its checkpoint has them
    img_resolution: int | None = Field(None, ge=1, le=4096)  # pixels, if the keywords don't have it
    # Standard deviation of x_T. Kept, and not worked out: iDDPM's, the level nearest to 80, is of a
    # float32 sum whose last bit may be another on another machine.
    noise_std: float = Field(1.0, gt=0)

    @staticmethod
    def of(net: Network, preset: Preset) -> "ImportedTeacher":
        """The plugin of a network that was built with this preset."""
        own = preset.model_dump(mode="json", exclude={"license"})
        return ImportedTeacher(**own, noise_std=_field(net, kind_of(net, preset)).noise_scale)

    @model_validator(mode="after")
    def _check(self) -> "ImportedTeacher":
        _kind(self._preset.model_dump_json())
        return self

    @property
    def noise_scale(self) -> float:
        """Standard deviation of x_T, in the units of the data."""
        return self.noise_std

    @property
    def num_classes(self) -> int:
        """How many classes it knows; 0: labels are ignored."""
        return self.kind.num_classes

    @property
    def kind(self) -> Kind:
        """Its samples' shape and number of classes."""
        return _kind(self._preset.model_dump_json())

    def build(self, shape: tuple[int, ...]) -> Teacher:
        """The field with initial weights; a ValueError if its samples have another shape."""
        self._require(shape)
        if self.precond is None:
            return _field(build_velocity(self.init_kwargs), self.kind)
        return _field(build_edm(self.precond, self.init_kwargs), self.kind)

    def loaded(self, shape: tuple[int, ...], weights: bytes) -> Teacher:
        """The field with the tensors of its checkpoint, which must fit one for one."""
        self._require(shape)
        return _field(built(self._preset, _held(weights)), self.kind)

    def network_for_students(self, shape: tuple[int, ...]) -> tuple[str, dict[str, Any]]:
        """Its denoiser; a ValueError for flow matching, and for another shape."""
        if self.precond is None:
            return super().network_for_students(shape)
        self._require(shape)
        model = {"model_type": DEFAULT_MODELS[self.precond], "label_dim": self.kind.num_classes}
        return self.precond, {**model, **self.init_kwargs}

    def objective(self, shape: tuple[int, ...]) -> Objective:
        """Always a ValueError: others have trained it."""
        raise ValueError("teacher 'imported' is trained already; it is used without training")

    @property
    def _preset(self) -> Preset:
        return Preset(
            precond=self.precond,
            init_kwargs=self.init_kwargs,
            img_resolution=self.img_resolution,
        )

    def _require(self, shape: tuple[int, ...]) -> None:
        if shape != self.kind.shape:
            raise ValueError(
                f"this imported teacher makes samples of shape {self.kind.shape}, not {shape}; set "
                "pairs.pairs.shape to that, or choose another teacher"
            )


def kind_of(net: Network, preset: Preset) -> Kind:
    """A network's samples; a ValueError if keywords and preset lack the size of its images."""
    if isinstance(net, Preconditioner):
        side = net.model.options.img_resolution
        return Kind((preset.init_kwargs["img_channels"], side, side), net.model.options.label_dim)
    if isinstance(net, PointVelocity):
        return Kind((net.options.input_dim,), 0)
    keywords, options = preset.init_kwargs, net.options
    found = keywords["dim"][1] if "dim" in keywords else preset.img_resolution
    if found is None:
        raise ValueError("nothing says how large its images are; add img_resolution to its preset")
    return Kind((options.in_channels, int(found), int(found)), options.num_classes or 0)


def _field(net: Network, kind: Kind) -> Teacher:
    if isinstance(net, Preconditioner):
        return EdmField(net, num_classes=kind.num_classes)
    return ImportedVelocity(net)


@cache
def _kind(preset: str) -> Kind:
    """The samples of a preset's network (as JSON, to be cached by); built without memory for tensors."""
    chosen = Preset.model_validate_json(preset)
    return kind_of(empty(chosen), chosen)


def _held(weights: bytes) -> dict[str, NDArray[Any]]:
    """Tensors by name. Those of float32 are views of the bytes: a teacher's weights never change."""
    tensors, stored = read_safetensors(BytesIO(weights))
    return {name: _array(weights, tensor, stored[name]) for name, tensor in tensors.items()}


def _array(weights: bytes, tensor: TensorName, stored: Stored) -> NDArray[Any]:
    if stored.name.kind != "torch FloatStorage":
        return read_array(BytesIO(weights), tensor, stored, Budget(len(weights)))
    flat = np.frombuffer(weights, "<f4", stored.name.num_values, stored.place)
    return flat.reshape(tensor.shape)
