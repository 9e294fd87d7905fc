"""A tiny student of pictures with all that one sample could have to do with another, and its pairs."""

from typing import Any

import numpy as np

from storage.folders import Folder
from storage.noise import derive_noise
from storage.records import LabelRule, NoiseRule, PairBatch, PairSchema
from storage.store import PairStore

LAYOUT, COUNT = "wds-64", 48
SCHEMA = PairSchema(
    shape=(1, 16, 16),  # large enough for a critic with batch normalisation
    noise=NoiseRule(seed=5, scale=80),
    label=LabelRule(num_classes=10),
)
NETWORKS = {
    "kind": "song-unet",
    "model_channels": 4,
    "channel_mult": [1],
    "num_blocks": 1,
    "attn_resolutions": [],
    "latent_dim": 24,
    "dropout": 0.2,
}
ADVERSARY = {"kind": "non-saturating", "num_halvings": 2, "width": 4, "weight": 0.05}
TRAINING = {
    "num_steps": 50,
    "batch_size": 16,
    "learning_rate": 2e-4,
    "warmup_steps": 5,
    "schedule": "constant",
    "log_every": 1,
    "checkpoint_every": 10,
    "samples_every": 0,
    "trackers": [],
    "draws": "sample",
}


def job(home: Folder, folder: str, **training: Any) -> dict[str, Any]:
    """KDM with dropout, latent noise, a quarter of rows for two terms, and a critic."""
    if not home.exists("pairs"):
        _fill(home / "pairs")
    losses = {"latent_noise": 0.05, "rec_lat_share": 0.25}
    model = {"plugin": "kdm-f", "networks": NETWORKS, "losses": losses, "adversary": ADVERSARY}
    pairs = {"kind": "pairs", "url": (home / "pairs").url, "layout": LAYOUT, "count": COUNT}
    return {
        "group": "kdm.students",
        "model": model,
        "source": pairs,
        "training": TRAINING | training,
        "folder": (home / folder).url,
        "device": "cpu",
    }


def _fill(folder: Folder) -> None:
    spec = {"version": 1, "sampler": {"plugin": "none"}, "pairs": SCHEMA.model_dump(mode="json")}
    store = PairStore.create(folder, spec, split="train", layout=LAYOUT)
    for shard in store.missing(COUNT):
        index = store.indices(shard)
        x_T = derive_noise(SCHEMA.noise, "train", index, SCHEMA.shape)
        pairs = PairBatch(index.astype(np.int64), x_T, np.tanh(x_T / 40), index % 10)
        store.write(shard, pairs, dropped={}, environment={"device": "cpu"})
    store.commit(COUNT)
