"""Published weights that losses, metrics and teachers may use: one folder, names, and their sources.

Nothing is ever downloaded: a file is used if it is in the folder under its name, and a message says where
to get it if it isn't.
"""

import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path

from storage.folders import local_file
from storage.inert.stand_ins import require_file_itself

_VARIABLE = "KDM_WEIGHTS"
_DEFAULT = "~/.cache/kdm/weights"
_TORCH = "https://download.pytorch.org/models"
_NVIDIA = "https://nvlabs-fi-cdn.nvidia.com"
SOURCES = {
    **{
        name: f"{_TORCH}/{name}"
        for name in (  # LPIPS's trunks
            "vgg16-397923af.pth",
            "alexnet-owt-7be5be79.pth",
            "squeezenet1_1-b8a52dc0.pth",
        )
    },
    # FID: the Inception network of clean-fid, then the one of pytorch-fid
    "inception-2015-12-05.pt": (
        f"{_NVIDIA}/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt"
    ),
    "pt_inception-2015-12-05-6726825d.pth": (
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth"
    ),
    # Copy detection: SSCD (Pizzi et al. 2022), a ResNet-50 as TorchScript
    "sscd_disc_mixup.torchscript.pt": (
        "https://dl.fbaipublicfiles.com/sscd-copy-detection/sscd_disc_mixup.torchscript.pt"
    ),
    **{  # EDM's statistics of training pictures, through the same network
        f"{name}.npz": f"{_NVIDIA}/edm/fid-refs/{name}.npz"
        for name in ("cifar10-32x32", "ffhq-64x64", "afhqv2-64x64", "imagenet-64x64")
    },
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
# Of files whose names don't say it, as several projects state it. Another file of that name may be a network
# of the same interface: it is used, and what is measured with it says that it isn't the published one.
SHA256 = {
    "inception-2015-12-05.pt": "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4",
}
# torch.hub's habit: the last eight digits of a name are the first of its sha256.
_HASHED = re.compile(r"-([0-9a-f]{8})\.pth$")


def weights_folder() -> Path:
    """The folder: $KDM_WEIGHTS, or else ~/.cache/kdm/weights."""
    return local_file(os.environ.get(_VARIABLE) or _DEFAULT, f"the folder of weights ({_VARIABLE})")


def fault_of(name: str) -> str | None:
    """Why a file of the folder can't be used, and what to do; None if it is there and sound.

    A name that ends in eight digits of its sha256, as torch.hub's do, is checked against the content.
    """
    path = weights_folder() / name
    source = f" from {SOURCES[name]}" if name in SOURCES else ""
    if not path.is_file():
        return f"missing; put it there{source}"
    with path.open("rb") as file:
        try:
            require_file_itself(file)
        except ValueError as error:
            return f"{str(error).removeprefix('it is ')}{source}"
    found, digits = path.stat(), _HASHED.search(name)
    if digits and not _sha256(path, found.st_size, found.st_mtime_ns).startswith(digits[1]):
        return f"not what its name says; get it{source or ' again'}"
    return None


def weights_file(name: str, *, of: str, otherwise: str) -> Path:
    """The path of a sound file of the folder.

    Otherwise raises a ValueError that says what needs it (`of`), where to get it, and what else can be
    done (`otherwise`).
    """
    fault = fault_of(name)
    if fault is not None:
        raise ValueError(
            f"{of} needs {name} in {weights_folder()} (another folder: {_VARIABLE}), where it is "
            f"{fault}; or {otherwise}"
        )
    return weights_folder() / name


def sha256_of_weights(name: str) -> str:
    """The sha256 of a file of the folder that is there."""
    path = weights_folder() / name
    found = path.stat()
    return _sha256(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=16)  # half a gigabyte takes a second
def _sha256(path: Path, _num_bytes: int, _modified_at: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
