"""Imports torchvision beside a torch of another kind: its CUDA wheel doesn't import with a CPU torch.

On import it asks torch for two operators that its own library defines, and that library can't load. No
network here uses them, so that it is enough to define their names.
"""

import sys
from importlib import import_module

import torch

_NEEDED = ("nms", "qnms")
_KNOWN_FAILURE = "operator torchvision::nms does not exist"
_kept: list[torch.library.Library] = []  # a library that goes takes its names along


def import_torchvision() -> None:
    """Import torchvision; define its two operators only if the import failed for lack of them.

    Raises an ImportError if it isn't installed.
    """
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if _KNOWN_FAILURE not in str(error):
            raise
        _name_operators()
        import_module("torchvision")


def _name_operators() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in _NEEDED:
        schema = f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(schema)  # type: ignore[no-untyped-call]
    _kept.append(library)
