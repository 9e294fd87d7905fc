"""Published weights that metrics and teachers may use: one folder, names, where they come from."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "KDM_WEIGHTS"
DEFAULT = "~/.cache/kdm/weights"
_TORCH = "https://download.pytorch.org/models"
_NVIDIA = "https://nvlabs-fi-cdn.nvidia.com"
# Nothing is ever fetched in silence: a file is used where it lies in the folder under this name.
SOURCES = {
    "vgg16-397923af.pth": f"{_TORCH}/vgg16-397923af.pth",  # LPIPS, VGG trunk
    "alexnet-owt-7be5be79.pth": f"{_TORCH}/alexnet-owt-7be5be79.pth",  # LPIPS, AlexNet trunk
    # FID: the Inception network of clean-fid, then the one of pytorch-fid
    "inception-2015-12-05.pt": (
        f"{_NVIDIA}/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt"
    ),
    "pt_inception-2015-12-05-6726825d.pth": (
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth"
    ),
    **{
        f"{name}.pkl": f"{_NVIDIA}/edm/pretrained/{name}.pkl"
        for name in (  # EDM's teachers (Karras et al. 2022)
            "edm-cifar10-32x32-cond-vp",
            "edm-cifar10-32x32-uncond-vp",
            "edm-ffhq-64x64-uncond-vp",
            "edm-afhqv2-64x64-uncond-vp",
            "edm-imagenet-64x64-cond-adm",
        )
    },
}
# torch.hub's habit: the last eight digits of a name are the first of its sha256.
_HASHED = re.compile(r"-([0-9a-f]{8})\.pth$")


@dataclass(frozen=True)
class WeightsFile:
    """One of the files: there, missing, or there and not what its name says."""

    name: str
    is_there: bool
    is_damaged: bool
    words: str


def weights_folder() -> Path:
    """$KDM_WEIGHTS, else ~/.cache/kdm/weights."""
    return Path(os.environ.get(VARIABLE) or DEFAULT).expanduser().absolute()


def weights_found() -> Iterator[WeightsFile]:
    """Every known file, looked for in the folder and, where its name holds its digest, checked."""
    for name, source in SOURCES.items():
        path = weights_folder() / name
        if not path.is_file():
            yield WeightsFile(name, False, False, f"missing; put it there from {source}")
        elif not _is_sound(path):
            yield WeightsFile(name, True, True, f"not what its name says; get it from {source}")
        else:
            yield WeightsFile(name, True, False, "found")


def _is_sound(path: Path) -> bool:
    digits = _HASHED.search(path.name)
    if digits is None:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(digits[1])
