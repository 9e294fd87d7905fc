#!/usr/bin/env bash
# ONNX Runtime adds 64-bit integers as float64: 2^53 + 1 is 2^53, and a sum beyond 2^63 stops there.
#
# Version:    onnxruntime 1.31.1, CPUExecutionProvider (onnx 1.23.2, numpy 2.4.6).
# Surprising: ReduceSum takes int64 and gives int64, so the sum is expected to be exact, as with numpy and PyTorch, which
#             also wrap at 2^63. Hashes and counters in a model rely on that.
# Behaviour:  ReduceSum of int64 is rounded to 53 bits, and saturates where numpy wraps. A MatMul of the same numbers with
#             ones is exact and wraps.
# Seen:       [2^53, 1] adds up to 2^53 (MatMul: 2^53 + 1); [2^62, 2^62] to 2^63 - 1 (MatMul and numpy: -2^63).
# Instead:    MatMul with a column of ones; or add the lower and the upper 32 bits by themselves, each of which fits.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check onnxruntime==1.31.1 onnx==1.23.2 numpy==2.4.6

"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper

INT64 = TensorProto.INT64


def session(operation, constant, **attributes):
    """y [1] = operation(x [1, 2], constant), all int64; the model is checked."""
    given, made = (helper.make_tensor_value_info(*each) for each in (("x", INT64, [1, 2]), ("y", INT64, [1])))
    node = helper.make_node(operation, ["x", "constant"], ["y"], **attributes)
    tensor = helper.make_tensor("constant", INT64, [len(constant)], constant)
    graph = helper.make_graph([node], "sum", [given], [made], [tensor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


reduced, multiplied = session("ReduceSum", [1], keepdims=0), session("MatMul", [1, 1])
changed = False
for pair in ([2**53, 1], [2**62, 2**62]):
    x = np.array([pair], np.int64)
    exact = int(x.sum())
    by_sum, by_product = (int(each.run(None, {"x": x})[0][0]) for each in (reduced, multiplied))
    print(f"{pair}: numpy {exact}, ReduceSum {by_sum}, MatMul {by_product}")
    changed |= by_sum == exact or by_product != exact
sys.exit("changed: ReduceSum of int64 is exact, or MatMul is not" if changed else 0)
PY
