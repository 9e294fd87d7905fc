"""Two hundred times four generators of one set, killed and paused at random: one set, little made twice."""

import shutil
from pathlib import Path

import pytest
from faults.digests import digests_of, temporary_files
from faults.generators import NUM_SHARDS, TWICE, disturbed
from faults.journal import Journal, seeds

pytestmark = pytest.mark.faults

NUM_RUNS = 200
NUM_EVENTS = 3
DASK_EVERY = 5  # runs; a cluster takes seconds to start


def test_generators_killed_and_paused_at_random_make_one_set(
    shared_recipe: Path, shared_digests: dict[str, str], tmp_path: Path
) -> None:
    journal, num_twice = Journal("generators"), 0
    for seed in seeds(NUM_RUNS):
        home = tmp_path / str(seed)
        made = disturbed(
            home, shared_recipe, seed, num_events=NUM_EVENTS, with_dask=seed % DASK_EVERY == 0
        )
        found = digests_of(home)
        wrong = sorted(
            n for n in {*found, *shared_digests} if found.get(n) != shared_digests.get(n)
        )
        twice = made.num_made_twice()
        num_twice += twice
        if twice > TWICE * NUM_SHARDS:
            wrong.append(f"{twice} shards made twice")
        wrong += temporary_files(home)
        journal.note({"seed": seed, "events": made.events, "twice": twice, "faults": wrong})
        shutil.rmtree(home)
    assert journal.failures == []
    assert num_twice <= TWICE * NUM_SHARDS * journal.num_lines
