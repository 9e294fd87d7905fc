"""The options of a family of teachers: what a recipe names, and what builds the field.

Read without torch. Apart from its weights, a teacher is determined by the plugin's name, version
and options (`describe`); the digest of its weights is that of their safetensors bytes.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from kdm.objective import Objective
from pairgen.late_field import Teacher
from storage.digest import digest_of, sha256_of
from storage.plugins import Plugin, describe


class TeacherPlugin(Plugin, ABC):
    """The options of one family of teachers; builds the field and its training objective."""

    is_trained: ClassVar[bool]  # False: nothing to learn, the field is known
    is_imported: ClassVar[bool] = False  # True: others have trained it, it cannot be trained here
    is_given: ClassVar[bool] = False  # True: an object of a program, which no description builds

    @property
    @abstractmethod
    def noise_scale(self) -> float:
        """Standard deviation of x_T for the fields that it builds, in the units of the data."""

    @abstractmethod
    def build(self, shape: tuple[int, ...]) -> Teacher:
        """The teacher of samples of `shape`, its initial weights drawn from torch's global generator.

        Raises a ValueError if it isn't for samples of that shape.
        """

    def loaded(self, shape: tuple[int, ...], weights: bytes) -> Teacher:
        """The teacher with these safetensors bytes as weights, which must fit name for name."""
        from safetensors.torch import load  # torch: imported only to build

        teacher = self.build(shape)
        teacher.load_state_dict(load(weights))
        return teacher

    def network_for_students(self, shape: tuple[int, ...]) -> tuple[str, dict[str, Any]]:
        """The denoiser that a student of samples of `shape` may start from: what `build_edm` builds it from.

        These are a class of preconditioner and its keywords (kdm/networks/build.py). Raises a ValueError
        unless it is one of EDM's family, for pictures.
        """
        raise ValueError(
            f"init is 'teacher', but teacher '{self.plugin}' isn't a denoiser D(x; σ) of pictures as EDM's "
            "are, whose weights a student can take; set init to random"
        )

    @abstractmethod
    def objective(self, shape: tuple[int, ...]) -> Objective:
        """A new teacher with its loss; a ValueError if there is nothing to train."""


def weights_digest(plugin: TeacherPlugin, weights: bytes | None) -> str:
    """sha256 of the safetensors bytes; for a teacher without weights, of its description."""
    if weights is None:
        return digest_of(describe(plugin))
    return sha256_of(weights)


def require_labels_to_hide(label_dropout: float, num_classes: int) -> None:
    """Raise a ValueError if labels are to be hidden from a network that isn't given any.

    Classifier-free guidance (Ho & Salimans 2022, Algorithm 1) needs a velocity without a label too, so in
    training each label is replaced by the network's label for none with probability `label_dropout`.
    """
    if label_dropout and not num_classes:
        raise ValueError(
            f"label_dropout is {label_dropout}, but without num_classes there aren't any "
            "labels to hide; give num_classes, or set it to 0"
        )
