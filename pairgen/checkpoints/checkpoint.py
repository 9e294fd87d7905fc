"""What a foreign checkpoint holds, once it has been read: plain data and arrays.

Nothing here says yet what the network is; that is decided in build.py, by file, preset or shapes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Part:
    """A network as its checkpoint names it: the class and the arguments that it was built with.

    All of them are plain: numbers, texts, and short lists of these.
    """

    class_name: str
    init_args: tuple[Any, ...]
    init_kwargs: dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """A network's tensors under their state-dict names and in their order, as read from one file."""

    kind: str  # edm-pickle, torchcfm, flow-matching or state-dict
    weights: str  # ema, raw, or unknown if the file doesn't say
    architecture: tuple[Part, ...]  # the preconditioner, then its network; empty if not in the file
    attributes: dict[str, Any]  # plain settings beside the tensors: sigma_max, training arguments
    tensors: dict[str, NDArray[np.generic]]  # bfloat16, which numpy lacks, is widened to float32
    source_sha256: str
