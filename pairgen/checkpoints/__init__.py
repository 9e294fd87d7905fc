"""Checkpoints of teachers and students that others have trained: read as data, never unpickled."""

from pairgen.checkpoints.checkpoint import Checkpoint, Part
from pairgen.checkpoints.read import read_checkpoint, read_student

__all__ = ["Checkpoint", "Part", "read_checkpoint", "read_student"]
