"""The published training of pictures, setting by setting, as changes of a small preset on the digits.

LPIPS needs pictures of 16 pixels and its weights: the distance is L2, and random features beside it
in one variant. Rate and schedule are those of a short run.
"""

from typing import Any

_NETWORKS = {"model_channels": 8, "channel_mult": [1, 2], "num_blocks": 1, "attn_resolutions": []}
_TRAINING = {"batch_size": 32, "learning_rate": 4e-3, "schedule": "cosine", "warmup_steps": 40}
SMALL_PRESET: dict[str, Any] = {
    "name": "kdm",
    "preset": "cifar10",
    "model": {
        "networks": {**_NETWORKS, "dropout": 0.0},
        "adversary": {"num_halvings": 1, "width": 16},
    },
    "training": {**_TRAINING, "samples_every": 0, "trackers": []},
}

_RAW = {"networks": {"scales_noise": False}}
_NOISE = {"losses": {"latent_noise": 0.4}}
_EMA = {"ema": {"decay": 0.9999, "warmup": None}}
_PERCEPTUAL = {
    "plugin": "sum",
    "parts": [{"distance": "l2"}, {"distance": "random-features", "weight": 0.3}],
}
_FACTORISED = {"preset": "cifar10-kdm-f"}
_PUBLISHED_FACTORS = {"penalties": {"targets": "published-square"}, "phase": "logarithm"}

PICTURE_VARIANTS: dict[str, dict[str, Any]] = {
    "KDM, default": {},
    "raw noise, of deviation 80": {"model": _RAW},
    "latent noise 0.4": {"model": _NOISE},
    "EMA 0.9999 without warm-up": {"training": _EMA},
    "KDM-F, default": _FACTORISED,
    "KDM-F, published targets and phase": {**_FACTORISED, "model": _PUBLISHED_FACTORS},
    "0.3 random features beside L2": {"model": {"losses": {"distance": _PERCEPTUAL}}},
    "no critic": {"model": {"adversary": None}},
}
PICTURE_EVALUATION: dict[str, Any] = {
    "metrics": ["class-agreement", "classifier-frechet", "paired-baselines", "variance"],
    "num_fresh": 2000,
}
