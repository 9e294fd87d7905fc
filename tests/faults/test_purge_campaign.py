"""50 times a purge is gone at a random instant: gone on with, the set is as if it had not happened."""

import random
import shutil
import time
from pathlib import Path

import pytest
from faults.crash_points import KILLED, in_fork
from faults.digests import digests_of
from faults.journal import Journal, seeds
from faults.kills import faults_after
from faults.purged import judged_set, purge, stores_of

from storage.care.verify import faults
from storage.care.verify_purges import purge_faults
from storage.folders import folder_at

pytestmark = pytest.mark.faults

NUM_KILLS = 50
LAYOUTS = ("wds-64", "zarr-64")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_purge_killed_at_random_instants_ends_as_one_never_killed(
    tmp_path: Path, layout: str
) -> None:
    judged_set(folder_at(str(tmp_path / "before")), layout)
    shutil.copytree(tmp_path / "before", tmp_path / "golden")
    started = time.monotonic()
    whole = in_fork(lambda: purge(folder_at(str(tmp_path / "golden"))))
    seconds, golden = time.monotonic() - started, digests_of(tmp_path / "golden")
    assert whole.code == 0, whole.said
    journal = Journal(f"purge-{layout}")
    for seed in seeds(NUM_KILLS // len(LAYOUTS)):
        home, chosen = tmp_path / str(seed), random.Random(seed)
        shutil.copytree(tmp_path / "before", home)
        folder = folder_at(str(home))
        # Half of them at a change of the disk, half in the midst of whatever is done then.
        point = chosen.randint(1, whole.num_points) if seed % 2 else 0
        after = 0.0 if point else chosen.uniform(0.001, seconds)
        killed = in_fork(lambda f=folder: purge(f), crash_at=point, kill_after=after)
        assert killed.code in ((KILLED,) if point else (0, -9)), killed.said
        purge(folder)
        wrong = [*faults_after(home, golden), *map(str, faults(stores_of(folder)[0], deep=True))]
        wrong += map(str, purge_faults(stores_of(folder)))
        journal.note({"seed": seed, "point": point, "seconds": after, "faults": wrong})
        shutil.rmtree(home)
    assert journal.failures == []
