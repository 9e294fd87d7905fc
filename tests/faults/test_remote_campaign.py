"""A thousand faults of an S3 server while sets are written and read: no wrong byte, nothing cut off."""

import pytest
from faults.journal import Journal, seeds
from faults.remote_faults import LIMIT, faulty_server, local_golden, written_and_read

from storage.folders import Folder

pytestmark = pytest.mark.faults

NUM_INJECTED = 1000


def test_sets_behind_a_failing_server_are_those_on_a_disk(
    s3: str, home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, num_injected, golden = Journal("remote"), 0, local_golden(home)
    for seed in seeds(100):
        with faulty_server(seed, monkeypatch) as faults:
            wrong = written_and_read(s3, golden)
        num_injected += faults.num_injected
        if faults.longest > LIMIT:
            wrong.append(f"a request took {faults.longest:.0f} s")
        journal.note({"seed": seed, "injected": dict(faults.counts), "faults": wrong})
        if num_injected >= NUM_INJECTED:
            break
    assert journal.failures == []
    assert num_injected >= NUM_INJECTED
