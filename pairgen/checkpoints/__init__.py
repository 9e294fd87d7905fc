"""Checkpoints of teachers and students that others have trained: read as data, never unpickled.

    file ─ read ─► described values (storage/inert) ─ saved / edm_pickle ─► names, tensors ─► Checkpoint
    Checkpoint, preset ─ build ─► the network with exactly these tensors

Unpickling runs any code in the file. Here opcodes are interpreted, calls of a known few functions
become inert values (`calls`), and everything else ends in an error before any tensor is read.
"""

from pairgen.checkpoints.checkpoint import Checkpoint, Part
from pairgen.checkpoints.read import read_checkpoint, read_student

__all__ = ["Checkpoint", "Part", "read_checkpoint", "read_student"]
