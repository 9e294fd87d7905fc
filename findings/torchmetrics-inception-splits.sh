#!/usr/bin/env bash
# torchmetrics' InceptionScore(splits=10) averages over nine splits of 25 pictures; fewer than ten are possible up to 81.
#
# Version:    torchmetrics 1.9.0 (torch 2.13.0).
# Surprising: the argument is called splits, and its documentation says how many splits are used.
# Behaviour:  it cuts by torch.chunk, which makes chunks of ceil(n / splits) rows until none are left: fewer
#             chunks than asked for whenever they run out early, and a last one that is smaller than the rest.
# Seen:       25 pictures are nine splits (eight of 3, one of 1), 12 are six, 41 are nine. A split of one picture
#             has a score of exactly 1, whatever the picture, and counts as much as the others in the mean.
# Instead:    a multiple of `splits` as the number of pictures, or splits at i·n // splits, as torch-fidelity does.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0

"$work/venv/bin/python" - <<'PY'
import torch
from torchmetrics.image import inception


class Given(torch.nn.Module):
    num_features = 10

    def forward(self, x):
        return x


inception._TORCH_FIDELITY_AVAILABLE = True  # only its own network needs that package
seen = {}
for num in (12, 25, 41, 50):
    logits = 2 * torch.randn((num, 10), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    metric = inception.InceptionScore(Given(), splits=10).set_dtype(torch.float64)
    metric.update(logits)
    torch.manual_seed(1)
    mean = float(metric.compute()[0])
    torch.manual_seed(1)
    shuffled = logits[torch.randperm(num)].softmax(1)

    def score(p):
        return float((p * (p.log() - p.mean(0).log())).sum(1).mean().exp())

    def by_size(size):
        parts = shuffled.split(size)
        return len(parts), sum(map(score, parts)) / len(parts), len(parts[-1])

    count, own, last = by_size(-(-num // 10))
    assert abs(own - mean) < 1e-9, (num, own, mean)
    seen[num] = count
    print(f"{num} pictures, splits=10: the mean of {count} splits, the last of {last}: {mean:.6f}")
assert seen == {12: 6, 25: 9, 41: 9, 50: 10}, seen
PY
