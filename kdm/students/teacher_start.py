"""Students that begin as their teacher: its own network D_θ(x; σ, y), with its weights (`init: teacher`).

    x_0^ = D_θ(x_T; σ_T, y) before the first step,   σ_T the standard deviation of x_T

So a student starts from the best guess of one evaluation, E[x_0 | x_T], by a network that knows the data's
features already (HKD, arXiv 2510.12220; Re-MeanFlow, arXiv 2511.23342; Lee et al. 2024). The teacher is a
denoiser as kdm/networks/preconditioning.py has it. Its weights are read once, before the first step
(kdm/training/teacher_weights.py); their digest is part of the student's options, hence of its name.
"""

from abc import ABC
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from kdm.networks.late_networks import Preconditioner
from kdm.students.plugin import StudentPlugin
from storage.options import Options
from storage.records import PairSchema
from storage.shard_record import Digest

# Keywords of a network that say how its teacher learned, and not what it computes.
_OF_TRAINING = ("dropout", "label_dropout", "augment_dim", "use_fp16")


class TeacherNetwork(Options):
    """A teacher's D_θ: what kdm/networks/build.py builds it from, and the sha256 of the file that holds θ."""

    precond: str  # how D_θ is preconditioned, by EDM's names
    init_kwargs: dict[str, Any]  # keywords of the network, by EDM's names
    weights: Digest  # sha256 of the file that holds θ

    @classmethod
    def of(cls, precond: str, keywords: Mapping[str, Any], weights: str) -> "TeacherNetwork":
        """The network of these keywords, without those that were for the teacher's own training."""
        kept = {name: each for name, each in keywords.items() if name not in _OF_TRAINING}
        return cls(precond=precond, init_kwargs=kept, weights=weights)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, H) of its pictures."""
        side = self.init_kwargs["img_resolution"]
        return self.init_kwargs["img_channels"], side, side

    @property
    def num_classes(self) -> int:
        """How many classes it knows; 0: it sees no label."""
        return int(self.init_kwargs.get("label_dim", 0))


class FromTeacher(Options):
    """The start itself; sizes are the teacher's, so that a recipe doesn't repeat them."""

    dropout: float = Field(0.0, ge=0, lt=1)  # of the student as it learns
    # None: that of the teacher who made the pairs, which `kdm distill` fills in.
    network: TeacherNetwork | None = None

    def num_classes(self, schema: PairSchema) -> int:
        """How many classes the network distinguishes; 0 if it sees no label."""
        if self.network is not None:
            return self.network.num_classes
        return schema.label.num_classes if schema.label else 0

    @property
    def num_waves(self) -> int:
        """Sines and cosines of an interval that a student's network sees beside the noise level."""
        return int(self.network.init_kwargs.get("model_channels", 128)) if self.network else 128

    def denoiser(
        self,
        schema: PairSchema,
        *,
        augment_dim: int = 0,
        channels: tuple[int, int] | None = None,
    ) -> Preconditioner:
        """D_θ with initial weights from torch's global generator, for pictures of the schema's shape.

        Without a known teacher, as a plan that only counts has it, EDM's network for CIFAR-10 is assumed.
        With an `augment_dim` F_θ also sees rows of so many numbers; `channels`, if others than a picture's,
        are those that go into F_θ and come out.
        """
        from kdm.networks.build import build_edm  # torch: imported only to build

        known = self.network
        precond = known.precond if known else "EDMPrecond"
        keywords = known.init_kwargs if known else _assumed(schema)
        own = {"dropout": self.dropout, "augment_dim": augment_dim}
        return build_edm(precond, {**keywords, **own}, channels=channels)

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError for samples that aren't square pictures, or not the teacher's."""
        if len(shape) != 3 or shape[1] != shape[2]:
            raise ValueError(
                "init 'teacher' is for pictures of shape (C, H, H), whose teacher is a U-Net, and these "
                f"samples have shape {shape}; set init to random"
            )
        if self.network is not None and shape != self.network.shape:
            raise ValueError(
                f"init 'teacher' names a network for samples of shape {self.network.shape}, not {shape}; "
                "leave init.network out, so that it is the one of these pairs' teacher"
            )

    def require_known(self, schema: PairSchema) -> None:
        """Raise a ValueError if nobody has said which teacher, or it wants labels that the pairs lack."""
        if self.network is None:
            raise ValueError(
                "init is 'teacher', but nobody has said which; train by 'kdm distill' on pairs that a "
                "teacher has generated, or set init to random"
            )
        wanted, given = self.network.num_classes, schema.label.num_classes if schema.label else 0
        if wanted and wanted != given:
            raise ValueError(
                f"init is 'teacher', and this teacher distinguishes {wanted} classes, but the pairs have "
                f"{given or 'none'}; set init to random, or make pairs with its classes"
            )


def _chosen(choice: Any) -> Any:
    """`random` and `teacher` as the options that they stand for; anything else as it is."""
    if isinstance(choice, str):
        if choice not in ("random", "teacher"):
            raise ValueError("choose 'random' or 'teacher'")
        return {} if choice == "teacher" else None
    return choice


# A choice of `init`, where it stands before a class of options.
CHOICE = BeforeValidator(_chosen)
Init = Annotated[FromTeacher | None, CHOICE]


class TeacherStarter(StudentPlugin, ABC):
    """A student that may begin as its teacher; null, and left out of its name: from random weights."""

    # Options of networks with random weights, which nothing would read beside `init`, and what to say there.
    of_random_networks: ClassVar[tuple[str, ...]] = ("network",)
    said_in_init: ClassVar[str] = ""

    init: Init = None  # `teacher` for a start from the teacher's weights

    @model_validator(mode="after")
    def _check_start(self) -> "TeacherStarter":
        if self.init is None:
            return self
        fields = type(self).model_fields
        options = self.of_random_networks
        stated = [name for name in options if getattr(self, name) != fields[name].default]
        if stated:
            raise ValueError(
                f"init is 'teacher', so that the networks are the teacher's own; leave out "
                f"{' and '.join(stated)}{self.said_in_init}"
            )
        return self

    def require_trainable(self, schema: PairSchema) -> None:
        """Raise a ValueError also if it starts from a teacher that isn't known, or doesn't fit."""
        super().require_trainable(schema)
        if self.init is not None:
            self.init.require_known(schema)


def _assumed(schema: PairSchema) -> dict[str, Any]:
    """EDM's DDPM++ for CIFAR-10 (Karras et al. 2022, Table 7), for pictures of this schema."""
    return {
        "model_type": "SongUNet",
        "img_resolution": schema.shape[1],
        "img_channels": schema.shape[0],
        "label_dim": schema.label.num_classes if schema.label else 0,
        "channel_mult": [2, 2, 2],
    }
