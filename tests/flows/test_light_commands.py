"""What only looks at a home, or finds a run done, waits for nothing that computes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Finished
from frozen_home import unpacked

COMPUTES = ("torch", "matplotlib", "scipy", "sklearn", "webdataset", "zarr", "s3fs")
LOOKING = (*COMPUTES, "prefect", "jaxtyping")
# Commands one after another in one process: what any of them imports is there from then on.
COMMANDS = """
from flows.cli import app
for words in sys.argv[1:]:
    app(words.split(), standalone_mode=False)
    look(words)
"""
# Where Prefect runs the stages: all that a flow's process imports before its first task.
FLOWS = """
import flows.pipeline
from flows.config.load import load_recipe
load_recipe('tiny')
look('flows.pipeline')
"""


def imported(program: str, *words: str, heavy: tuple[str, ...], home: str) -> None:
    """Run a program in a process of its own, which looks at what it has imported by then."""
    look = f"def look(at): found = {{*sys.modules}} & {set(heavy)!r}; assert not found, (at, found)"
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys\n{look}\n{program}", *words],
        env={"KDM_HOME": home, "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_commands_that_only_look_import_nothing_heavy(
    finished: Finished, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = finished.copy(tmp_path_factory.mktemp("light") / "home")
    words = ("ls", "show", "pairs ls", "rm reports/tiny --yes", "-h", "run -h")
    imported(COMMANDS, *words, heavy=LOOKING, home=str(home))


def test_a_set_in_zarr_is_looked_at_without_its_library(tmp_path: Path) -> None:
    words = ("ls", "pairs ls", "pairs show purged")
    imported(COMMANDS, *words, heavy=LOOKING, home=str(unpacked(tmp_path)))


def test_a_recipe_is_checked_and_printed_without_what_computes(finished: Finished) -> None:
    shown = ("show tiny", "show digits", "show checkerboard-published")
    imported(COMMANDS, *shown, heavy=(*COMPUTES, "prefect"), home=str(finished.path))


def test_a_run_that_finds_all_stages_done_imports_nothing_that_computes(finished: Finished) -> None:
    heavy = tuple(each for each in COMPUTES if each != "scipy")  # a filter asks its tree of points
    heavy += ("scipy.stats", "prefect")
    imported(COMMANDS, "run tiny --direct", heavy=heavy, home=str(finished.path))


def test_a_training_leaves_torch_to_its_child(
    finished: Finished, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = finished.copy(tmp_path_factory.mktemp("light") / "home")
    shutil.rmtree(home / "students")
    imported(COMMANDS, "distill tiny --direct --student kdm", heavy=("torch",), home=str(home))
    assert len(list((home / "students").iterdir())) == 1


def test_a_flow_is_imported_without_what_computes_and_without_a_server(finished: Finished) -> None:
    heavy = (*COMPUTES, "prefect.server.api", "sqlalchemy", "uvicorn")
    imported(FLOWS, heavy=heavy, home=str(finished.path))


def test_the_name_of_a_classifier_is_known_without_torch(tmp_path: Path) -> None:
    program = (
        "from flows.stages.judging_networks import networks_of; from flows.stage import Run; "
        "from flows.config.load import load_recipe; from storage.folders import folder_at; "
        "found = networks_of(Run(load_recipe('digits'), folder_at('home'))); "
        "assert found['classifier'].startswith('digits-'); look('networks_of')"
    )
    imported(program, heavy=("torch",), home=str(tmp_path))
