#!/usr/bin/env bash
# torchmetrics' memorization-informed FID looks for a copy of each training picture: a generator of copies has no penalty.
#
# Version:    torchmetrics 1.9.0 (torch 2.13.0, numpy 2.4.6).
# Surprising: the metric (arXiv 2106.03062) divides FID by how far generated pictures are from the training pictures: for
#             each generated one the nearest training picture, then the mean over the generated ones. A set of copies
#             has distance 0, so its score explodes. The competition's published code does that.
# Behaviour:  MemorizationInformedFrechetInceptionDistance takes the nearest generated picture for each real one, and the
#             mean over the real ones. A copy of 1 in 10 training pictures leaves nine tenths without a copy, so the
#             mean is far above 0.1, where by definition no penalty is due.
# Seen:       1,000 real pictures, of which the generator repeats 100: MiFID = FID = 10.9, no penalty, so it looks better
#             than a generator of 100 new pictures (13.1). The definition gives 1.1e15 and 13.1.
# Instead:    swap the flags: update(generated, real=True), update(training, real=False). FID is symmetric, so the
#             result is then the published metric.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0 numpy==2.4.6

"$work/venv/bin/python" - <<'PY'
import sys

import torch
from torchmetrics.image import fid, mifid

SIZE = 64
fid._TORCH_FIDELITY_AVAILABLE = mifid._TORCH_FIDELITY_AVAILABLE = True  # only their own network needs that package


class Given(torch.nn.Module):
    """The features themselves take the place of pictures."""

    num_features = SIZE

    def forward(self, x):
        return x


def value(kind, real, generated):
    metric = kind(Given()).set_dtype(torch.float64)
    metric.update(real, real=True)
    metric.update(generated, real=False)
    return float(metric.compute())


def nearest(of, among):
    """The mean over `of` of the cosine distance to the nearest row of `among`."""
    unit = torch.nn.functional.normalize
    return float((1 - (unit(of) @ unit(among).T).abs()).min(1).values.mean())


draw = torch.Generator().manual_seed(0)
training = torch.randn(1000, SIZE, generator=draw, dtype=torch.float64)
changed = False
for name, made in (
    ("100 copies of training pictures", training[:100].clone()),
    ("100 new pictures", torch.randn(100, SIZE, generator=draw, dtype=torch.float64)),
):
    plain = value(fid.FrechetInceptionDistance, training, made)
    given, swapped = (
        value(mifid.MemorizationInformedFrechetInceptionDistance, *each)
        for each in ((training, made), (made, training))
    )
    distance = nearest(made, training)
    defined = plain / ((distance if distance < 0.1 else 1) + 1e-14)
    print(f"{name}: FID {plain:.3g}, MiFID {given:.3g}, by definition {defined:.3g}, with swapped flags {swapped:.3g}; "
          f"mean distance to training {distance:.2g}, of training to them {nearest(training, made):.2g}")
    changed |= abs(given / plain - 1) > 1e-6 or not 0.5 < swapped / defined < 2
sys.exit("changed: the metric penalises copies" if changed else 0)
PY
