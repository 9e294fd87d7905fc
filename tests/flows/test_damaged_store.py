"""A fortieth of the campaign over damaged sets, in both layouts: found by name, never used, repaired."""

import shutil
from pathlib import Path

import pytest
from faults.store_damage import LAYOUTS, inject, injections, make_target

FORTIETH = 40


@pytest.mark.parametrize("layouts", LAYOUTS)
def test_every_damage_is_found_by_name_never_used_and_repaired(
    tmp_path: Path, layouts: str
) -> None:
    target = make_target(tmp_path / "target", LAYOUTS[layouts])
    other = make_target(tmp_path / "other", LAYOUTS[layouts], seed=4)
    shutil.copytree(target.home, tmp_path / "work")
    for injection in list(injections(target, other))[::FORTIETH]:
        assert inject(target, tmp_path / "work", injection) == [], injection[:2]
