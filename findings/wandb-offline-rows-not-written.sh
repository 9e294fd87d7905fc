#!/usr/bin/env bash
# W&B offline writes its file every quarter of a minute, and the last row only with the next: a killed run lacks both.
#
# Version:    wandb 0.31.0, mode offline.
# Surprising: each `run.log` is handed to a process of its own that writes the .wandb file, so that a row seems safe once
#             it's handed over.
# Behaviour:  that process keeps what doesn't fill a block of 32 KiB for up to about 15 s, and goes with the process that
#             logs. A row that is logged without a commit of its own (`step=`) waits for the next row, however long that takes.
# Seen:       SIGKILL 8 s after the last of 50 rows: 7 bytes in the file, which are its header, and no row. SIGKILL after
#             half a minute: 49 rows. After `finish()`: 50.
# Instead:    keep the rows elsewhere too, log with `commit=True`, and after a restart log those that the file lacks.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check wandb==0.31.0
export WANDB_MODE=offline WANDB_SILENT=true WANDB_ERROR_REPORTING=false

cat >"$work/run.py" <<'PY'
import os
import signal
import sys
import time

import wandb

folder, wait = sys.argv[1], float(sys.argv[2])
os.makedirs(folder)
run = wandb.init(project="p", dir=folder, settings=wandb.Settings(x_disable_stats=True, console="off"))
for step in range(50):
    run.log({"loss": 1.0 / (step + 1)}, step=step)
    time.sleep(0.005)
if not wait:
    run.finish()
    sys.exit()
time.sleep(wait)
os.kill(os.getpid(), signal.SIGKILL)
PY
cat >"$work/look.py" <<'PY'
"""Bytes of the file, and how many rows it holds: each stands in the history and in the summary."""

import sys
from pathlib import Path

(file,) = Path(sys.argv[1]).glob("wandb/offline-run-*/run-*.wandb")
data = file.read_bytes()
print(len(data), data.count(b"loss") // 2)
PY

held() {
    "$work/venv/bin/python" "$work/run.py" "$work/$1" "$2" >/dev/null 2>&1 || true
    sleep 3
    "$work/venv/bin/python" "$work/look.py" "$work/$1"
}
soon=$(held soon 8) later=$(held later 30) ended=$(held ended 0)
echo "bytes and rows: killed after 8 s: $soon; after 30 s: $later; finished: $ended"
[ "$soon" = "7 0" ]
[ "${later##* }" -eq 49 ]
[ "${ended##* }" -eq 50 ]
echo "As described: a kill loses some seconds of rows, and the last row."
