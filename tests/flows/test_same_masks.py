"""Filters of pictures give the same bits in any layout and batch, and after a kill."""

import time
from pathlib import Path

import numpy as np
import pytest
from faults.commands import finish, kill_tree, start
from faults.digests import temporary_files
from pictures_in_layouts import (
    command,
    drops_some_and_keeps_some,
    found,
    made,
    real,
    stored,
)

from pairgen.filters.judge import fit_judge
from pairgen.filters.pixel_nn import PixelNN
from storage.records import PairBatch, as_numbers


def judged(home: Path, layout: str, *, num_commands: int = 1) -> None:
    stored(home, layout)
    for ended in [finish(each) for each in [start(command(home)) for _ in range(num_commands)]]:
        assert ended.code == 0, ended.said


def test_masks_are_the_same_in_tars_and_zarr_by_one_command_or_two_and_after_a_kill(
    tmp_path: Path,
) -> None:
    judged(tmp_path / "tars", "wds-64")
    golden = found(tmp_path / "tars", "wds-64")
    assert len(golden) == 5
    assert drops_some_and_keeps_some(golden)
    judged(tmp_path / "zarr", "zarr-32", num_commands=2)
    assert found(tmp_path / "zarr", "zarr-32") == golden
    killed = tmp_path / "killed"
    stored(killed, "wds-16")
    process = start(command(killed))
    wait_for(killed, "pairs/*/train/*/masks/*/decisions/*/?????????????*.json")
    kill_tree(process)
    assert len(list(killed.glob("pairs/*/train/*/masks/*/decisions/*/decision.json"))) < 5
    assert finish(start(command(killed))).code == 0
    assert found(killed, "wds-16") == golden
    assert temporary_files(killed) == []


def wait_for(home: Path, pattern: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not any(home.glob(pattern)):
        assert time.monotonic() < deadline, f"{pattern} did not appear"
        time.sleep(0.002)


@pytest.mark.parametrize("batch", [1, 7])
def test_means_over_areas_have_the_same_bits_in_a_small_batch(batch: int) -> None:
    chosen = PixelNN(statistic="distance", size=6, is_centred=True)
    judge = fit_judge(chosen, as_numbers(real()))
    x_0 = as_numbers(made())
    pairs = PairBatch(np.arange(len(x_0)), x_0, x_0)
    rows = [slice(first, first + batch) for first in range(0, len(x_0), batch)]
    parts = [judge.score(pairs.take(some)) for some in rows]
    assert np.array_equal(np.concatenate(parts), judge.score(pairs))
