#!/usr/bin/env bash
# safetensors writes a transposed numpy array in the order of its memory: it comes back with its shape and wrong values.
#
# Version:    safetensors 0.8.0 (numpy 2.4.6); 0.7.0 writes the same arrays right.
# Surprising: the array has a shape and values, and the file has a shape and values. The same package refuses a
#             transposed torch tensor with an error that says what to do.
# Behaviour:  safetensors.numpy.save and save_file pass on the address of the array's memory and its shape, and not the
#             order of its axes. Nothing is raised, dtype and shape are right, so loading it succeeds everywhere.
# Seen:       pictures turned from [n, h, w, c] into [n, c, h, w], as weights of JAX are for torch; a matrix in Fortran
#             order, as many routines of scipy and scikit-learn return it; and a transposed one: 0.8.0 gives other
#             values back for all three.
# Instead:    numpy.ascontiguousarray on each array before it is saved.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check --no-deps --target "$work/before" safetensors==0.7.0

cat > "$work/try.py" <<'PY'
import importlib.metadata
import pathlib
import sys

import numpy as np
from safetensors.numpy import load, load_file, save, save_file

file = pathlib.Path(sys.argv[1]) / "arrays.safetensors"
pictures = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
arrays = {
    "pictures as [n, c, h, w]": pictures.transpose(0, 3, 1, 2),
    "Fortran order": np.asfortranarray(matrix),
    "transposed": matrix.T,
    "made contiguous": np.ascontiguousarray(matrix.T),
}
save_file(arrays, file)
same = {}
for kind, back in (("save_file", load_file(file)), ("save", load(save(arrays)))):
    assert all(back[name].shape == array.shape and back[name].dtype == array.dtype for name, array in arrays.items())
    same[kind] = [bool((back[name] == array).all()) for name, array in arrays.items()]
version = importlib.metadata.version("safetensors")
print(version, "equal after save_file:", dict(zip(arrays, same["save_file"])))
wanted = [version == "0.7.0"] * 3 + [True]
sys.exit(f"changed: {version} gives {same}" if set(map(tuple, same.values())) != {tuple(wanted)} else 0)
PY
"$work/venv/bin/python" "$work/try.py" "$work"
PYTHONPATH="$work/before" "$work/venv/bin/python" "$work/try.py" "$work"
