#!/usr/bin/env bash
# WebDataset(shardshuffle=n) shuffles the shards once: each epoch reads them in the same order.
#
# Version:    webdataset 1.0.2 (torch 2.13.0, numpy 2.4.6).
# Surprising: "shuffle" means a new order in each epoch for a DataLoader, and for the samples in .shuffle() of the same
#             dataset. No seed is given, so nobody asks for a repeatable order.
# Behaviour:  without `seed` the constructor draws one number and shuffles by it in every iteration. Runs differ, epochs
#             don't; persistent workers don't help. detshuffle=True, which counts epochs, counts in the worker's copy:
#             with workers that end after each epoch, as a DataLoader's do by default, it is always the first.
# Seen:       8 shards, 4 epochs, no worker or one: one order, four times. detshuffle=True: four orders without a worker
#             or with a persistent one, one order with a worker that isn't. A buffer of samples smaller than a few
#             shards therefore meets the same neighbours again and again.
# Instead:    resampled=True with with_epoch(n); or detshuffle=True with persistent_workers=True; or a new WebDataset
#             with its own seed for each epoch.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check webdataset==1.0.2 torch==2.13.0 numpy==2.4.6

"$work/venv/bin/python" - "$work" <<'PY'
import pathlib
import sys

import torch
import webdataset

work = pathlib.Path(sys.argv[1])
shards = [str(work / f"{number}.tar") for number in range(8)]
for number, path in enumerate(shards):
    with webdataset.TarWriter(path) as tar:
        tar.write({"__key__": f"{number}", "txt": str(number)})


def epochs(num_workers, persistent, **options):
    """The shards of four epochs of one loader, in the order in which they were read."""
    data = webdataset.WebDataset(shards, shardshuffle=8, **options)
    loader = torch.utils.data.DataLoader(
        data, batch_size=None, num_workers=num_workers, persistent_workers=persistent
    )
    return ["".join(sample["__key__"] for sample in loader) for _ in range(4)]


changed = False
for options in ({}, {"detshuffle": True}):
    for num_workers, persistent in ((0, False), (1, False), (1, True)):
        seen = epochs(num_workers, persistent, **options)
        print(f"{options or 'default'}, workers {num_workers}, persistent {persistent}: {' '.join(seen)}")
        counts = bool(options) and (persistent or not num_workers)
        changed |= (len(set(seen)) == 1) == counts
sys.exit("changed: the order of the shards is new in each epoch" if changed else 0)
PY
