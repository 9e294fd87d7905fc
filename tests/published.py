"""Inputs that others have published: small ones lie in `data/`, of the rest it is said what they are.

`data/` holds no work of others. Names and shapes of released networks are facts about them; the MLP is
laid out as in the notebook of flow_matching (facebookresearch), with random weights and one run of
torchdiffeq 0.2.5 for each solver.
"""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent / "data"
MLP = DATA / "mlp_checkerboard.npz"
CHECKERBOARD = "data/kdm_checkerboard_fm_10nfe.npy"
CIFAR10 = "data/cifar10-jpeg-test.zip.xz"
CIFAR10_TRAIN = "data/cifar10-jpeg-train.zip.xz"
STEP = "reference/goldens/kdm/kdm_dense_16.npz"

_FROM_CODE = "made by running {} with random weights, and too large to come along"
_WHAT_IT_IS = {
    CHECKERBOARD: "the checkerboard pairs of KDM's repository (sampled_dataset.npy), without a licence",
    CIFAR10: "CIFAR-10's test pictures as JPEGs in EDM's zip layout, without a licence",
    CIFAR10_TRAIN: "CIFAR-10's training pictures as JPEGs in EDM's zip layout, without a licence",
    "reference/goldens/kdm": _FROM_CODE.format("KDM's training step"),
    "reference/goldens/edm": _FROM_CODE.format("EDM's networks and sampler (NVlabs/edm)"),
    "reference/goldens/fm": _FROM_CODE.format("torchcfm's U-Net and torchdiffeq's solvers"),
}


def published(name: str) -> Path:
    """A file that cannot come with the project; the test that asks for it is skipped where it is not."""
    beside = Path(__file__).parents[2] / "shared"
    file = Path(os.environ.get("KDM_TEST_INPUTS", beside)) / name
    if not file.exists():
        what = _WHAT_IT_IS.get(name) or _WHAT_IT_IS[str(Path(name).parent)]
        pytest.skip(f"needs {name} below the folder that KDM_TEST_INPUTS names: {what}")
    return file


def packed(name: str) -> Any:
    """A document of `data/`."""
    return json.loads(gzip.decompress((DATA / f"{name}.json.gz").read_bytes()))


def golden(name: str) -> str:
    """Numbers of a published network: 'fm/mlp_checkerboard', 'edm/edm_ncsnpp_uncond'."""
    if Path(name).name == MLP.stem:
        return str(MLP)
    return str(published(f"reference/goldens/{name}.npz"))
