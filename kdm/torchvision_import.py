"""torchvision beside a torch of another kind: its CUDA wheel will not import with a CPU torch.

It asks torch for two operators that only its own library defines, and the library cannot load. No
network uses them, so it is enough that they have names.
"""

import sys
from importlib import import_module

import torch

_NEEDED = ("nms", "qnms")
_KNOWN_FAILURE = "operator torchvision::nms does not exist"
_kept: list[torch.library.Library] = []  # a library that goes takes its names along


def import_torchvision() -> None:
    """Import torchvision, naming its operators where, and only where, the import has failed by them.

    An ImportError where it is not installed.
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
