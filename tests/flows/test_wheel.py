"""What pip installs is whole: a wheel holds every file of the packages, and works in an empty folder."""

import os
from pathlib import Path

from wheel import PACKAGES, ROOT, run_outside, site_of

PROGRAM = """
import sys
from importlib.resources import files
import flows
assert flows.__file__.startswith(sys.prefix), flows.__file__
assert "generate_pairs" in (files("flows") / "prefect.yaml").read_text()
from flows.start import main
main()
"""


def files_below(place: Path) -> set[str]:
    found = {each.relative_to(place) for name in PACKAGES for each in (place / name).rglob("*.*")}
    return {str(each) for each in found if "__pycache__" not in each.parts}


def test_a_wheel_holds_every_file_of_the_packages(from_wheel: Path) -> None:
    assert files_below(site_of(from_wheel)) == files_below(ROOT)


def test_the_command_works_from_a_wheel_in_an_empty_folder(
    from_wheel: Path, tmp_path: Path
) -> None:
    ended = run_outside(from_wheel, tmp_path, "-P", "-c", PROGRAM, "show", "tiny")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "fm-tiny" in ended.stdout
    assert os.listdir(tmp_path) == []
