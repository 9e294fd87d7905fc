"""Sets in a bucket whose server fails one request in five are those on a disk, byte for byte."""

import pytest
from faults.remote_faults import LIMIT, faulty_server, local_golden, written_and_read

from storage.folders import Folder

NUM_INJECTED = 100


def test_sets_written_and_read_through_a_failing_server_are_those_on_a_disk(
    s3: str, home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    golden = local_golden(home)
    with faulty_server(0, monkeypatch) as faults:
        assert written_and_read(s3, golden) == []
    assert faults.num_injected >= NUM_INJECTED
    assert 0 < faults.longest < LIMIT
