"""Filters of pictures in 3 layouts, batches and ways of working, each killed and resumed: the same bits."""

import random
import shutil
import subprocess
import time
from itertools import product
from pathlib import Path

import pytest
from faults.commands import KDM, finish, kill_tree, start, succeed
from faults.digests import temporary_files
from faults.journal import Journal, seeds
from pictures_in_layouts import NAME, command, drops_some_and_keeps_some, found, stored

pytestmark = pytest.mark.faults

# The batch of a filter is a shard.
CELLS = list(product(("wds", "zarr", "converted"), (4, 16, 64), ("one", "two", "two threads")))


def test_masks_have_the_same_bits_in_every_layout_and_batch_after_a_kill(tmp_path: Path) -> None:
    stored(tmp_path / "golden", "wds-64")
    seconds = succeed(command(tmp_path / "golden")).seconds
    golden = found(tmp_path / "golden", "wds-64")
    assert drops_some_and_keeps_some(golden)
    journal = Journal("masks")
    for seed in seeds(len(CELLS)):
        form, size, workers = CELLS[seed]
        home = tmp_path / str(seed)
        layout = placed(home, form, size)
        ended = killed(home, workers, random.Random(seed).uniform(0.3, 1.0) * seconds)
        said = [each.said for each in map(finish, started(home, workers)) if each.code]
        differing = [] if found(home, layout) == golden else ["other scores or masks"]
        faults = [*said, *differing, *temporary_files(home)]
        journal.note({"seed": seed, "cell": CELLS[seed], "ended": ended, "faults": faults})
        shutil.rmtree(home)
    assert journal.failures == []


def placed(home: Path, form: str, size: int) -> str:
    """The set in this form, with so many pairs a shard; returns its layout."""
    layout = f"{'wds' if form == 'wds' else 'zarr'}-{size}"
    stored(home, "wds-32" if form == "converted" else layout)
    if form == "converted":
        succeed([KDM, "pairs", "convert", NAME, "--to", layout, "--home", str(home)])
        shutil.rmtree(home / "pairs" / NAME / "train" / "wds-32")
    return layout


def started(home: Path, workers: str) -> list[subprocess.Popen[str]]:
    """One command or two, or one with two threads."""
    num_threads = "2" if workers == "two threads" else "1"
    threads = {"OMP_NUM_THREADS": num_threads, "MKL_NUM_THREADS": num_threads}
    return [start(command(home), threads) for _ in range(2 if workers == "two" else 1)]


def killed(home: Path, workers: str, after: float) -> bool:
    """Kill the first of them so many seconds after the start; whether it was faster."""
    first, *others = started(home, workers)
    time.sleep(after)
    has_ended = first.poll() is not None
    kill_tree(first)
    for each in others:
        assert finish(each).code == 0
    return has_ended
