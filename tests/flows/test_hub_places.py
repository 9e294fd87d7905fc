"""What a push says of this machine: no place of it, and numbers that only look like one travel."""

from pathlib import Path
from typing import Any

import pytest

from flows.hub.no_places import told_documents
from kdm.metrics.bootstrap import packed
from storage.digest import seal
from storage.folders import folder_at

FILE = "metrics.json"


def told(place: Path, document: dict[str, Any]) -> dict[str, bytes]:
    (place / FILE).write_bytes(seal(document))
    return told_documents(folder_at(str(place)), {FILE: None})


def test_packed_numbers_are_not_taken_for_a_place(tmp_path: Path) -> None:
    numbers = packed([1 + 255 * 2.0**-23, 0.5])  # the lowest byte of the first is 255
    assert numbers.startswith("/")
    assert told(tmp_path, {"deviations": {"paired_mse": numbers}}) == {}


def test_a_place_in_any_other_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"reference '/data/mine.npz', a place of this machine"):
        told(tmp_path, {"reference": "/data/mine.npz"})
