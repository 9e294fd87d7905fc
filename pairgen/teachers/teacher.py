"""A teacher ready to sample: its plugin's field, with the weights that its digest names."""

import torch

from pairgen.field import Teacher
from pairgen.teachers.plugin import TeacherPlugin, weights_digest
from storage.digest import short
from storage.errors import MismatchError

__all__ = ["Teacher", "load_teacher"]  # plugins of others import the contract from here


def load_teacher(
    plugin: TeacherPlugin, shape: tuple[int, ...], *, weights: bytes | None, digest: str
) -> Teacher:
    """The teacher with these safetensors bytes, in eval mode, without gradients, on the CPU.

    `digest` is the sha256 that they must have. Raises MismatchError if they have another, ValueError if
    the plugin needs weights but there aren't any.
    """
    if plugin.is_trained and weights is None:
        raise ValueError(f"teacher '{plugin.plugin}' needs weights; train or import it first")
    found = weights_digest(plugin, weights)
    if found != digest:
        raise MismatchError(
            f"weights of teacher '{plugin.plugin}' have digest {short(found)}…, expected "
            f"{short(digest)}…; restore them, or train the teacher again"
        )
    # Building draws initial weights; the caller's stream of random numbers must not notice.
    with torch.random.fork_rng(devices=[]):
        teacher = plugin.build(shape) if weights is None else plugin.loaded(shape, weights)
    return teacher.eval().requires_grad_(False)
