#!/usr/bin/env bash
# FlopCounterMode counts no FLOPs of attention on a CPU, so that a transformer has fewer there than on a GPU.
#
# Version:    torch 2.13.0, CPU build.
# Surprising: FLOPs belong to the computation and not to the device, and the counter's table has formulas for
#             scaled_dot_product_attention. A counter that knew no formula would be expected to say so.
# Behaviour:  on a CPU scaled_dot_product_attention becomes _scaled_dot_product_flash_attention_for_cpu, which isn't
#             in torch.utils.flop_counter's table, and unknown operations count 0 in silence, forward and
#             backward. The kernels of CUDA and the plain products of SDPBackend.MATH are in it.
# Seen:       one head of 64 tokens and 32 channels: 0 FLOPs, and 524,288 with SDPBackend.MATH (2 products of
#             64 · 64 · 32 multiplications with their additions). A transformer layer with 1,024 tokens of width 256
#             loses 29 % of its count.
# Instead:    count with sdpa_kernel(SDPBackend.MATH), on the meta device, or give FlopCounterMode a custom_mapping with
#             sdpa_flop_count for that operation and sdpa_backward_flop_count for its gradient.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check numpy==2.4.6 torch==2.13.0

"$work/venv/bin/python" - <<'PY'
import sys

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode


def flops(call):
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def attend(device="cpu"):
    heads = torch.ones(1, 1, 64, 32, device=device)
    return lambda: scaled_dot_product_attention(heads, heads, heads)


layer = torch.nn.TransformerEncoderLayer(256, 4, batch_first=True, dropout=0.0)
tokens = torch.randn(1, 1024, 256)
by_hand = 2 * 2 * 64 * 64 * 32
own = flops(attend()), flops(lambda: layer(tokens))
with sdpa_kernel(SDPBackend.MATH):
    plain = flops(attend()), flops(lambda: layer(tokens))
print(f"attention: {own[0]:,} FLOPs, by plain products {plain[0]:,}, by hand {by_hand:,}")
print(f"a transformer's layer: {own[1]:,}, by plain products {plain[1]:,}")
sys.exit(own[0] != 0 or plain[0] != by_hand or not own[1] < 0.8 * plain[1])
PY
