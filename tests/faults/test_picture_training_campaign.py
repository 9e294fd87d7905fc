"""50 times kill -9 of a tiny training of pictures, 25 of a finish; half inside the write of a checkpoint."""

import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from faults.commands import finish
from faults.journal import Journal, seeds
from faults.picture_training import (
    CHECKPOINT_EVERY,
    MODEL,
    NUM_STEPS,
    OF_STATES,
    begun,
    kill_and_resume,
    result,
    train_here,
    write_finish,
    write_job,
)

from storage.folders import folder_at

pytestmark = pytest.mark.faults

NUM_KILLS = 50
A_RUN = 5  # kills of one


@pytest.mark.parametrize(("name", "model"), [("kdm", MODEL), ("kdm-t", OF_STATES)])
def test_a_training_of_pictures_killed_anywhere_ends_with_the_same_bits(
    tmp_path: Path, name: str, model: dict[str, Any]
) -> None:
    place = folder_at(str(tmp_path))
    write = partial(write_job, place, model=model)
    campaign(tmp_path, f"picture-training-{name}", write, NUM_KILLS)


def test_a_finish_killed_anywhere_ends_with_the_same_bits(tmp_path: Path) -> None:
    place = folder_at(str(tmp_path))
    first = write_job(place, "first")
    train_here(first)
    campaign(tmp_path, "finish", partial(write_finish, place, after=first), NUM_KILLS // 2)


def campaign(tmp_path: Path, name: str, write: Callable[[str], Path], most_kills: int) -> None:
    journal, whole = Journal(name), write("whole")
    process = begun(whole)
    started = time.monotonic()
    assert finish(process).code == 0
    pace = (time.monotonic() - started) * CHECKPOINT_EVERY / NUM_STEPS
    golden, num_kills = result(whole), 0
    for seed in seeds(most_kills):
        job = write(f"run-{seed}")
        kills = list(kill_and_resume(job, seed, A_RUN, pace))
        num_kills += sum(not kill["ended"] for kill in kills)
        train_here(job)
        found = result(job)
        faults = [name for name in {*found, *golden} if found.get(name) != golden.get(name)]
        for kill in kills:
            journal.note({**kill, "faults": faults})
        shutil.rmtree(tmp_path / f"run-{seed}")
        if num_kills >= most_kills:
            break
    assert journal.failures == []
