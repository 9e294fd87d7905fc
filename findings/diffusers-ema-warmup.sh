#!/usr/bin/env bash
# diffusers' EMAModel(decay=0.9999, use_ema_warmup=False) warms up all the same, and its first step is a copy.
#
# Version:    diffusers 0.42.1, torch 2.13.0.
# Surprising: with the warm-up switched off, a decay of 0.9999 is expected to be 0.9999 throughout, as it is
#             in guided-diffusion's averages.
# Behaviour:  use_ema_warmup chooses between two ramps, not between a ramp and none. Without it the decay of step
#             k is min(decay, k / (9 + k)), and 0 at the first step; 0.9999 comes after 90,000 steps.
#             No step, warm or not, uses `decay` before its ramp has reached it.
# Seen:       decay 0 at step 1, .53 at step 10, .92 at step 100, .991 at step 1,000. The weights from before
#             the first step are gone after it. A short run of 1,000 steps averages over its last 100 or so, not
#             over everything.
# Instead:    EMAModel(decay=d, min_decay=d) holds d from the second step on (the first remains a copy), or
#             torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn(d).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check diffusers==0.42.1 torch==2.13.0

"$work/venv/bin/python" - <<'PY'
import sys

import torch
from diffusers.training_utils import EMAModel

DECAY, STEPS = 0.9999, 1000


def average(**options):
    """The average after weights of 1 became 0 for STEPS steps: the share that the old weights still have."""
    weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    ema, decays, shares = EMAModel([weight], decay=DECAY, **options), [], []
    ema.step([weight])  # the first step, whatever it does, with the same weights
    weight.data.zero_()
    for _ in range(STEPS):
        ema.step([weight])
        decays.append(ema.cur_decay_value)
        shares.append(ema.shadow_params[0].item())
    return decays, shares[-1]


fresh = EMAModel([torch.nn.Parameter(torch.ones(1))], decay=DECAY, use_ema_warmup=False)
fresh.step([torch.nn.Parameter(torch.zeros(1))])
print("after one step with decay .9999 from 1 towards 0:", fresh.shadow_params[0].item(), "(expected .9999)")

off, share_off = average(use_ema_warmup=False)
held, share_held = average(use_ema_warmup=False, min_decay=DECAY)
print("decay of steps 2, 10, 100, 1000:", [round(off[k - 2], 4) for k in (2, 10, 100, 1000)])
print(f"share of the old weights after {STEPS} steps: {share_off:.2e} without warm-up, "
      f"{share_held:.4f} with min_decay, {DECAY**STEPS:.4f} expected")
if fresh.shadow_params[0].item() != 0 or off[-1] > 0.995 or share_off > 1e-6:
    sys.exit("changed: without warm-up EMAModel uses the decay that it was given")
if abs(share_held - DECAY**STEPS) > 1e-6:
    sys.exit("changed: min_decay no longer holds the decay")
PY
