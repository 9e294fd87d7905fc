"""All ten studies on both small sets with three seeds, interrupted twice (`make trials`; over an hour).

The homes are kept below KDM_TRIALS_HOME; that of digits is shared with the trial of its students.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faults.commands import finish, kill_alone, start, wait_until_alone

from flows.study.study_files import study_names
from storage.digest import unseal

pytestmark = pytest.mark.trials

DATA = ("checkerboard", "digits")
STUDIES = [name for name in study_names() if name != "better-students"]  # has a trial of its own
KILLED = {("losses", "checkerboard"): 60, ("losses", "digits"): 240}  # seconds after its start
MOST_MINUTES = 100


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("KDM_TRIALS_HOME")
    return Path(named) if named else tmp_path_factory.mktemp("studies")


def command(study: str, on: str, home: Path) -> list[str]:
    kdm = str(Path(sys.executable).with_name("kdm"))
    return [kdm, "study", study, "--on", on, "--home", str(home)]


def test_all_studies_end_within_their_time_though_two_are_killed(homes: Path) -> None:
    """Without the teachers and pairs, which are made first, as `kdm run` would make them."""
    for on in DATA:
        kdm = command("losses", on, homes / on)[0]
        pairs = [kdm, "filter-pairs", on, "--direct", "--home", str(homes / on)]
        subprocess.run(pairs, check=True)
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for on in DATA:
        for study in STUDIES:
            since = time.monotonic()
            if (study, on) in KILLED:
                kill_after(command(study, on, homes / on), homes / on, KILLED[study, on])
            ended = finish(start(command(study, on, homes / on)), 6000)
            assert ended.code == 0, ended.said
            print(f"{study} on {on}: {time.monotonic() - since:.0f} s")
            print(ended.said[ended.said.index("# ") :])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    minutes = (time.monotonic() - started) / 60
    cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 60
    print(f"all: {minutes:.1f} min, {cpu:.1f} CPU min")
    assert minutes <= MOST_MINUTES


def kill_after(words: list[str], home: Path, seconds: float) -> None:
    process = start(words)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.5)
    kill_alone(process)
    wait_until_alone(home)


@pytest.mark.parametrize("on", DATA)
@pytest.mark.parametrize("study", STUDIES)
def test_a_study_has_its_page_its_table_and_every_seed(homes: Path, study: str, on: str) -> None:
    (folder,) = (homes / on / "studies").glob(f"{study}-on-{on}-*")
    numbers = unseal((folder / "numbers.json").read_bytes(), study)
    assert {each["seed"] for each in numbers["trials"]} == {0, 1, 2}
    assert {file.suffix for file in folder.iterdir()} >= {".html", ".md", ".csv", ".png", ".svg"}
