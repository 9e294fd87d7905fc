#!/usr/bin/env bash
# A process group with its own tcp:// address works alone and times out in any child of torchrun.
#
# Version:    torch 2.13.0 (gloo).
# Surprising: with init_method="tcp://host:port", rank and world_size given, nothing is left for the environment
#             to say, so a library's or a test's private group is expected to be independent of the launcher.
# Behaviour:  torchrun sets TORCHELASTIC_USE_AGENT_STORE=True for its children, and they pass it on to theirs.
#             torch reads it for every address, not only for MASTER_ADDR and MASTER_PORT that torchrun serves:
#             rank 0 starts no store, since the agent is thought to have one there, and waits for it.
# Seen:       "group of 1" alone; under torchrun the same program fails after its timeout (5 s here, 30 minutes by
#             default, in silence). Without the variable it works under torchrun, too.
# Instead:    remove TORCHELASTIC_USE_AGENT_STORE around the call, start such programs without torchrun's
#             variables, or pass a store that you made: init_process_group(store=TCPStore(…, is_master=True)).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.13.0 numpy==2.4.6
export TORCH_CPP_LOG_LEVEL=FATAL OMP_NUM_THREADS=1
for name in $(compgen -e | grep -E '^(TORCHELASTIC_|MASTER_|RANK$|LOCAL_RANK$|WORLD_SIZE$)' || true); do unset "$name"; done

cat >"$work/private.py" <<'PY'
import datetime
import os
import pathlib
import socket
import sys

import torch.distributed as dist

if "without" in sys.argv:
    os.environ.pop("TORCHELASTIC_USE_AGENT_STORE", None)
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    address = "tcp://127.0.0.1:{}".format(probe.getsockname()[1])
try:
    seconds = datetime.timedelta(seconds=5)
    dist.init_process_group("gloo", init_method=address, rank=0, world_size=1, timeout=seconds)
    answer = f"group of {dist.get_world_size()}"
    dist.destroy_process_group()
except dist.DistNetworkError as e:
    answer = f"no group: {str(e).splitlines()[0]}"
pathlib.Path(sys.argv[1]).write_text(answer)
PY
bin=$work/venv/bin
"$bin/python" "$work/private.py" "$work/alone"
"$bin/python" -m torch.distributed.run --standalone --nproc-per-node 1 "$work/private.py" "$work/under" 2>/dev/null
"$bin/python" -m torch.distributed.run --standalone --nproc-per-node 1 "$work/private.py" "$work/freed" without 2>/dev/null

echo "alone:                          $(cat "$work/alone")"
echo "under torchrun:                 $(cat "$work/under")"
echo "under torchrun, variable taken: $(cat "$work/freed")"
[[ $(cat "$work/alone") == "group of 1" && $(cat "$work/freed") == "group of 1" ]] || { echo "changed: a private group fails elsewhere, too" >&2; exit 1; }
[[ $(cat "$work/under") == "no group: "*"timed out"* ]] || { echo "changed: torchrun's children can build private groups" >&2; exit 1; }
