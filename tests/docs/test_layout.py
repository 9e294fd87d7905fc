"""The layout's law that no import contract states: a file is found by its name alone."""

from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("package", ["flows", "kdm", "pairgen", "storage"])
def test_no_two_files_of_a_package_share_a_name(package: str) -> None:
    files = [file.name for file in (ROOT / package).rglob("*.py") if file.name != "__init__.py"]
    assert len(files) > 20
    assert {name: count for name, count in Counter(files).items() if count > 1} == {}
