#!/usr/bin/env bash
# torch's group norm has a forward-mode derivative, but not for channels-last pictures.
#
# Version:    torch 2.13.0 (CPU build).
# Surprising: group_norm takes pictures in channels_last memory order, forward and backward, and torch.func.jvp takes
#             group_norm. MeanFlow's target is such a derivative of a U-Net, and U-Nets train in channels_last on GPUs.
# Behaviour:  the formula of the forward-mode derivative views its input as (n, groups, …), which no view of
#             channels-last memory can be, so that jvp raises. The backward pass of the same tensors works.
# Seen:       contiguous: the derivative agrees with a finite difference to 1e-6; channels_last: RuntimeError "view size is
#             not compatible with input tensor's size and stride". Instance norm works in both orders, since it goes
#             through batch norm.
# Instead:    x.contiguous() before the norm while a forward-mode derivative is taken, or a norm written with mean and var.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 numpy

"$work/venv/bin/python" - <<'PY'
import sys

import torch
import torch.nn.functional as F
from torch.func import jvp


def group_norm(z):
    return F.group_norm(z, 4)


def outcome(function, order):
    """'right', 'wrong' or the error of a forward-mode derivative of pictures in this memory order."""
    torch.manual_seed(0)
    x, way = (torch.randn(2, 8, 4, 4, dtype=torch.float64).contiguous(memory_format=order) for _ in range(2))
    z = x.clone().requires_grad_()
    function(z).square().sum().backward()  # the backward pass works in either order
    try:
        _, found = jvp(function, (x,), (way,))
    except RuntimeError as error:
        return str(error)
    expected = (function(x + 1e-5 * way) - function(x - 1e-5 * way)) / 2e-5
    return "right" if (found - expected).abs().max() < 1e-6 else "wrong"


found = {
    (function.__name__, str(order)): outcome(function, order)
    for function in (group_norm, F.instance_norm)
    for order in (torch.contiguous_format, torch.channels_last)
}
for (name, order), said in found.items():
    print(f"{name:14} {order:24} {said[:60]}")
print("torch", torch.__version__)
as_seen = {
    ("group_norm", "torch.contiguous_format"): "right",
    ("instance_norm", "torch.contiguous_format"): "right",
    ("instance_norm", "torch.channels_last"): "right",
}
if any(found[key] != said for key, said in as_seen.items()):
    sys.exit("changed: another combination fails")
if "view size is not compatible" not in found["group_norm", "torch.channels_last"]:
    sys.exit("changed: group norm has a forward-mode derivative in channels_last too")
PY
