"""50 times kill -9 of a tiny training of pictures, half of them inside the write of a checkpoint."""

import shutil
import time
from pathlib import Path

import pytest
from faults.commands import finish
from faults.journal import Journal, seeds
from faults.picture_training import (
    CHECKPOINT_EVERY,
    NUM_STEPS,
    begun,
    kill_and_resume,
    result,
    train_here,
    write_job,
)

from storage.folders import folder_at

pytestmark = pytest.mark.faults

NUM_KILLS = 50
A_RUN = 5  # kills of one


def test_a_training_of_pictures_killed_anywhere_ends_with_the_same_bits(tmp_path: Path) -> None:
    place, journal = folder_at(str(tmp_path)), Journal("picture-training")
    whole = write_job(place, "whole")
    process = begun(whole)
    started = time.monotonic()
    assert finish(process).code == 0
    pace = (time.monotonic() - started) * CHECKPOINT_EVERY / NUM_STEPS
    golden, num_kills = result(whole), 0
    for seed in seeds(NUM_KILLS):
        job = write_job(place, f"run-{seed}")
        kills = list(kill_and_resume(job, seed, A_RUN, pace))
        num_kills += sum(not kill["ended"] for kill in kills)
        train_here(job)
        found = result(job)
        faults = [name for name in {*found, *golden} if found.get(name) != golden.get(name)]
        for kill in kills:
            journal.note({**kill, "faults": faults})
        shutil.rmtree(tmp_path / f"run-{seed}")
        if num_kills >= NUM_KILLS:
            break
    assert journal.failures == []
