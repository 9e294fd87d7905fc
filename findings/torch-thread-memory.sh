#!/usr/bin/env bash
# The same network takes far more memory in a thread than in the main thread of a process.
#
# Version:    torch 2.13.0 (CPU), glibc 2.36, Python 3.11.
# Surprising: memory belongs to a process, so one expects a Dask worker, which runs its tasks in a thread, to take what
#             a script takes. Its peak was a fifth larger, with nothing else in the worker.
# Behaviour:  glibc gives each thread an arena of its own. What was freed in the main arena (imports, loading) isn't used
#             by the other, and the other grows by mapped pieces and gives little back between two evaluations.
# Seen:       peak beyond what the import takes: 88 MiB in the main thread, 154 in a thread, 57 in a thread with
#             MALLOC_ARENA_MAX=1.
# Instead:    start workers whose tasks run in a thread with MALLOC_ARENA_MAX=1 (Dask: LocalCluster(env=...), or in front
#             of `dask worker`).
set -euo pipefail
ldd --version 2>&1 | head -1 | grep -qi 'glibc\|gnu' || { echo "needs glibc"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 numpy==2.4.2

cat >"$work/look.py" <<'PY'
import sys
import threading
from pathlib import Path

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)
WIDTH = 64
layers = [nn.Conv2d(1, WIDTH, 3, padding=1), nn.SiLU()]
for _ in range(6):
    layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.GroupNorm(8, WIDTH), nn.SiLU()]
network = nn.Sequential(*layers, nn.Conv2d(WIDTH, 1, 3, padding=1))


def peak():
    """MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


def work():
    with torch.no_grad():
        x = torch.randn(256, 1, 16, 16)
        for _ in range(4):
            x = network(x)


before = peak()
if sys.argv[1] == "thread":
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
else:
    work()
print(round(peak() - before))
PY
look() { OMP_NUM_THREADS=1 "$work/venv/bin/python" -W ignore "$work/look.py" "$1"; }
main=$(look main)
thread=$(look thread)
one_arena=$(MALLOC_ARENA_MAX=1 look thread)
echo "MiB beyond the import: main thread $main, a thread $thread, a thread with one arena $one_arena"
[ $((10 * thread)) -ge $((12 * main)) ] || { echo "changed: a thread no longer takes a fifth more"; exit 1; }
[ $((10 * one_arena)) -le $((11 * main)) ] || { echo "changed: one arena no longer helps"; exit 1; }
