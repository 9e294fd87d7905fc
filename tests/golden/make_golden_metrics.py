"""Writes metrics-v1.json: what published libraries say of small features that seeds determine.

    python3 -m venv v && v/bin/pip install torch==2.13.0 torchvision==0.28.0 scipy==1.17.1 \
        clean-fid==0.1.35 torch-fidelity==0.4.0 torchmetrics==1.9.0 prdc==0.2
    PYTHONPATH=tests v/bin/python tests/golden/make_golden_metrics.py

It doesn't import the project; the tests compare with the file, and need none of the libraries.
"""

import json
from pathlib import Path

import cleanfid.fid
import cleanfid.resize
import numpy as np
import prdc
import torch
from feature_sets import SETS, logits, picture
from torch_fidelity import metric_fid, metric_isc, metric_kid, metric_prc
from torchmetrics.image import FrechetInceptionDistance, InceptionScore, KernelInceptionDistance


class Given(torch.nn.Module):
    """Takes features for pictures."""

    def __init__(self, num_features):
        super().__init__()
        self.num_features = num_features

    def forward(self, x):
        return x


def frechet(x, y):
    moments = [each for z in (x, y) for each in (z.mean(0), np.cov(z, rowvar=False))]
    stats = [metric_fid.fid_features_to_statistics(torch.from_numpy(z)) for z in (x, y)]
    metric = FrechetInceptionDistance(Given(x.shape[1]), input_img_size=(1, 1, 1)).set_dtype(
        torch.float64
    )
    update(metric, x, y)
    return {
        "clean-fid": float(cleanfid.fid.frechet_distance(*moments)),
        "torch-fidelity": metric_fid.fid_statistics_to_metric(*stats, verbose=False)[
            "frechet_inception_distance"
        ],
        "torchmetrics": float(metric.compute()),
    }


def kernel(x, y, num_subsets, subset_size):
    np.random.seed(2020)
    clean = cleanfid.fid.kernel_distance(x, y, num_subsets, subset_size)
    fidelity = metric_kid.kid_features_to_metric(
        torch.from_numpy(x),
        torch.from_numpy(y),
        kid_subsets=num_subsets,
        kid_subset_size=subset_size,
        rng_seed=2020,
        verbose=False,
    )
    torch.manual_seed(2020)
    metric = KernelInceptionDistance(
        Given(x.shape[1]), subsets=num_subsets, subset_size=subset_size
    ).set_dtype(torch.float64)
    update(metric, x, y)
    return {
        "clean-fid": clean,
        "torch-fidelity": fidelity["kernel_inception_distance_mean"],
        "torchmetrics": float(metric.compute()[0]),
    }


def inception(num, splits, shuffle):
    given = torch.from_numpy(logits(num))
    fidelity = metric_isc.isc_features_to_metric(given, splits, shuffle)
    torch.manual_seed(2020)
    metric = InceptionScore(Given(given.shape[1]), splits=splits).set_dtype(torch.float64)
    metric.update(given)
    mean, deviation = metric.compute()
    return {
        "torch-fidelity": list(fidelity.values()),
        "torchmetrics": [float(mean), None if splits == 1 else float(deviation)],
    }


def neighbours(x, y, num_neighbours):
    fidelity = metric_prc.prc_features_to_metric(
        torch.from_numpy(x),
        torch.from_numpy(y),
        prc_neighborhood=num_neighbours,
        prc_batch_size=10_000,
        save_cpu_ram=False,
        verbose=False,
    )
    own = prdc.compute_prdc(y, x, num_neighbours)
    return {
        "torch-fidelity": {key: fidelity[key] for key in ("precision", "recall")},
        "prdc": {key: float(value) for key, value in own.items()},
    }


def update(metric, x, y):
    metric.update(torch.from_numpy(y), real=True)
    metric.update(torch.from_numpy(x), real=False)


def main():
    x, y = SETS["many"]()
    found = {
        "frechet": {name: frechet(*given()) for name, given in SETS.items()},
        "kernel": {"whole": kernel(x, y[: len(x)], 2, len(x)), "subsets": kernel(x, y, 7, 50)},
        "inception": {
            "one split": inception(200, 1, True),
            "ten splits": inception(200, 10, True),
            "uneven": inception(25, 10, True),
        },
        "neighbours": {
            "k 3": neighbours(x, y, 3),
            "k 5": neighbours(x, y, 5),
            "copies": neighbours(*SETS["copies"](), 3),
        },
    }
    resized = cleanfid.resize.build_resizer("clean")(picture().transpose(1, 2, 0))
    found["resized by clean-fid"] = resized.transpose(2, 0, 1)[:, ::60, ::60].ravel().tolist()
    path = Path(__file__).with_name("metrics-v1.json")
    path.write_text(json.dumps(found, indent=1) + "\n")


main()
