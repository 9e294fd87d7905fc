"""Every point at which the disk changes: gone there, and run again, all is as if it had not happened."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.crash_points import KILLED, Forks, forks
from faults.digests import digests_of
from faults.journal import Journal, seeds
from faults.kills import faults_after

from flows.stages.sequence import STAGES

pytestmark = pytest.mark.faults

# Few steps and shards: every line of code, no more of the same.
TRAINING = "{num_steps: 20, batch_size: 64, warmup_steps: 2, log_every: 5, checkpoint_every: 10}"
SMALL = (
    f"teacher.training={TRAINING}",
    f"students.kdm.training={TRAINING}",
    "pairs.train=500",
    "pairs.heldout=256",
    "evaluation.num_fresh=100",
)


@pytest.fixture(scope="module")
def process() -> Iterator[Forks]:
    with forks() as ready:
        yield ready


@pytest.fixture(scope="module")
def bases(process: Forks, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A home for each stage, finished up to the stage before; `end` is finished."""
    place = tmp_path_factory.mktemp("bases")
    (place / STAGES[0]).mkdir()
    for stage, after in zip(STAGES, (*STAGES[1:], "end"), strict=True):
        shutil.copytree(place / stage, place / after)
        assert process.run(place / after, *SMALL, until=stage).code == 0
    return {stage: place / stage for stage in (*STAGES, "end")}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_can_be_killed_at_every_change_of_the_disk(
    process: Forks, bases: dict[str, Path], tmp_path: Path, stage: str
) -> None:
    after = bases[(*STAGES, "end")[STAGES.index(stage) + 1]]
    golden = digests_of(after)
    num_points = process.run(copied(bases[stage], tmp_path / "0"), *SMALL, until=stage).num_points
    assert num_points > 10
    journal = Journal(f"crash-points-{stage}")
    for point in seeds(num_points + 1, first=1):
        home = copied(bases[stage], tmp_path / str(point))
        crashed = process.run(home, *SMALL, until=stage, crash_at=point)
        assert (crashed.code, crashed.num_points) == (KILLED, point - 1), crashed.said
        again = process.run(home, *SMALL, until=stage)
        faults = [again.said] * again.code + faults_after(home, golden)
        journal.note({"seed": point, "stage": stage, "faults": faults})
        shutil.rmtree(home)
    assert journal.failures == []


def copied(home: Path, place: Path) -> Path:
    shutil.copytree(home, place)
    return place
