"""Networks of published checkpoints by name, for files that hold tensors and no configuration.

| presets | network | source of the keywords |
|---|---|---|
| edm-*-vp | DDPM++ (Song et al. 2021) | Karras et al. 2022, Table 7 and App. F.2; NVlabs/edm `train.py` |
| edm-*-ve | NCSN++ (Song et al. 2021) | the same |
| edm-imagenet-*-adm | ADM (Dhariwal & Nichol 2021) | the same |
| torchcfm-cifar10 | guided-diffusion's U-Net | atong01/conditional-flow-matching, `examples/images/cifar10` |
| flow-matching-* | guided-diffusion's U-Net with FiLM | facebookresearch/flow_matching, `examples/image` |

`vp` and `ve` name architectures here; all of EDM's released networks have EDM's own preconditioner. A preset
doesn't hold weights: it says what a network is built with, and under which licence its publishers gave
the weights.
"""

from pathlib import Path
from typing import Any

from pydantic import Field

from kdm.licences import UNKNOWN, Licence
from storage.did_you_mean import nearest
from storage.folders import input_file
from storage.options import Options, parse
from storage.yaml_text import read_yaml

EDM_LICENCE = "cc-by-nc-sa-4.0"  # of EDM's released networks
TORCHCFM_LICENCE = "mit"  # of torchcfm's code and weights

_MAX_FILE_BYTES = 2**16
_EDM = {"model_type": "SongUNet", "model_channels": 128, "img_channels": 3, "augment_dim": 9}
_VP = _EDM | {"embedding_type": "positional", "encoder_type": "standard"}
_VP |= {"channel_mult_noise": 1, "resample_filter": [1, 1]}
_VE = _EDM | {"embedding_type": "fourier", "encoder_type": "residual"}
_VE |= {"channel_mult_noise": 2, "resample_filter": [1, 3, 3, 1]}
_CIFAR = {"img_resolution": 32, "channel_mult": [2, 2, 2], "dropout": 0.13}
_FFHQ = {"img_resolution": 64, "channel_mult": [1, 2, 2, 2], "dropout": 0.05}
_ADM = {"model_type": "DhariwalUNet", "img_resolution": 64, "img_channels": 3, "label_dim": 1000}
_ADM |= {"model_channels": 192, "channel_mult": [1, 2, 3, 4], "dropout": 0.1}
_TORCHCFM = {"dim": [3, 32, 32], "num_res_blocks": 2, "num_channels": 128, "num_heads": 4}
_TORCHCFM |= {"channel_mult": [1, 2, 2, 2], "num_head_channels": 64, "dropout": 0.1}
_META = {"in_channels": 3, "out_channels": 3, "use_scale_shift_norm": True}
_META |= {"use_new_attention_order": True}
_META_CIFAR = _META | {"model_channels": 128, "num_res_blocks": 4, "channel_mult": [2, 2, 2]}
_META_CIFAR |= {"attention_resolutions": [2], "dropout": 0.3, "conv_resample": False}
_META_IMAGENET = _META | {"model_channels": 192, "num_res_blocks": 3, "channel_mult": [1, 2, 3, 4]}
_META_IMAGENET |= {"attention_resolutions": [2, 4, 8], "dropout": 0.1, "num_classes": 1000}
_META_IMAGENET |= {"num_head_channels": 64, "num_heads": 4, "resblock_updown": True}


class Preset(Options):
    """What a network is built with, in the keywords of the code that published it.

    With `precond`, one of EDM's classes, `init_kwargs` are those of the preconditioner and its network;
    without, those of a velocity network of flow matching.
    """

    precond: str | None = None  # None: a velocity network of flow matching
    init_kwargs: dict[str, Any]
    img_resolution: int | None = Field(None, ge=1, le=4096)  # pixels, if the keywords don't have it
    license: Licence = UNKNOWN  # of the weights


def _edm(family: dict[str, Any], data: dict[str, Any], num_classes: int = 0) -> Preset:
    """A network of `family` for `data`, in the preconditioner of all of EDM's released networks."""
    keywords = {**family, **data, "label_dim": num_classes}
    return Preset(precond="EDMPrecond", init_kwargs=keywords, license=EDM_LICENCE)


PRESETS = {
    "edm-cifar10-32x32-uncond-vp": _edm(_VP, _CIFAR),
    "edm-cifar10-32x32-cond-vp": _edm(_VP, _CIFAR, 10),
    "edm-cifar10-32x32-uncond-ve": _edm(_VE, _CIFAR),
    "edm-cifar10-32x32-cond-ve": _edm(_VE, _CIFAR, 10),
    "edm-ffhq-64x64-uncond-vp": _edm(_VP, _FFHQ),
    "edm-ffhq-64x64-uncond-ve": _edm(_VE, _FFHQ),
    "edm-afhqv2-64x64-uncond-vp": _edm(_VP, _FFHQ | {"dropout": 0.25}),
    "edm-afhqv2-64x64-uncond-ve": _edm(_VE, _FFHQ | {"dropout": 0.25}),
    "edm-imagenet-64x64-cond-adm": _edm(_ADM, {}, 1000),
    "torchcfm-cifar10": Preset(init_kwargs=_TORCHCFM, license=TORCHCFM_LICENCE),
    "flow-matching-cifar10": Preset(init_kwargs=_META_CIFAR, img_resolution=32),
    "flow-matching-imagenet64": Preset(init_kwargs=_META_IMAGENET, img_resolution=64),
}


def preset_named(name: str) -> Preset:
    """The preset of this name, or that of a file `*.yaml`, `*.yml` or `*.json`.

    A ValueError for an unknown name, with the nearest known one, and for a file that isn't a preset.
    """
    if name in PRESETS:
        return PRESETS[name]
    if not name.endswith((".yaml", ".yml", ".json")):
        raise ValueError(f"no preset '{name[:80]}'; {nearest(name, list(PRESETS))}")
    path = input_file(name, "a preset's file", "name a preset or its file with --preset")
    return parse(Preset, _loaded(path), str(path))


def _loaded(path: Path) -> Any:
    """The content of a small YAML or JSON file."""
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise ValueError(f"{path} is too large for a preset; it holds precond and init_kwargs")
    return read_yaml(path.read_bytes(), str(path))
