"""What a shell offers after Tab: names of recipes and of what the home holds, soon and without torch."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.commands.bash_words import rejoin_words
from kdm.exporters.forms import FOLDER, FORMS
from storage.folders import folder_at
from storage.folders.folder import Folder

DIGEST = "0123456789ab"
STRANGE = "$(touch gone)"  # a folder may have any name, and shells evaluate what they are offered
# What it has imported is looked at as the process ends, since typer ends it.
ANSWER = """
import gc
import sys
gc.set_threshold(100_000)  # as flows/start.py does for every command
from flows.cli import app
try:
    app(prog_name="kdm")
finally:
    found = set(sys.modules) & {"torch", "numpy", "prefect", "s3fs"}
    print(f"imported {sorted(found)}", file=sys.stderr)
"""


@pytest.fixture
def named(home: Folder) -> Folder:
    """A home with names alone."""
    sets = [f"pairs/tiny-{DIGEST}", f"pairs/two-{DIGEST}", "pairs/two-ffffffffffff"]
    models = [f"teachers/fm-{DIGEST}", f"students/kdm-{DIGEST}", f"students/{STRANGE}-{DIGEST}"]
    masks = f"pairs/tiny-{DIGEST}/train/wds-256/masks/d8ec28bf6198/decisions/bf3c83aa5098"
    for name in [*sets, *models, masks]:
        home.local_path(name).mkdir(parents=True)
    return home


def asked(shell: str, line: str) -> dict[str, str]:
    """The variables by which a shell asks for the last word of a line."""
    if shell == "bash":
        words = line.split(" ")
        typed = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    else:
        typed = {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return {**typed, "_KDM_COMPLETE": f"complete_{shell}"}


def offered(line: str, home: Folder | None) -> list[str]:
    place = {"KDM_HOME": home.url if home else None}
    ended = CliRunner().invoke(app, prog_name="kdm", env=asked("bash", line) | place)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return ended.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("kdm pairs ver", ["verify"]),
        ("kdm run tin", ["tiny", f"tiny-{DIGEST}"]),
        ("kdm show tin", ["tiny"]),
        ("kdm run tiny --until gen", ["generate-pairs"]),
        ("kdm distill tiny --student ", ["kdm"]),
        ("kdm run tiny --teacher ", ["fm", f"fm-{DIGEST}"]),
        ("kdm distill tiny --pairs two", [f"two-{DIGEST}", "two-ffffffffffff"]),
        ("kdm distill tiny --mask ", ["bf3c83aa5098"]),
        ("kdm filter-pairs tiny --policy ", ["pictures", "pictures-turned"]),
        (
            "kdm filter-pairs tiny --set filters.near",
            ["filters.near-copy.", "filters.near-duplicate."],
        ),
        ("kdm sample ", ["kdm", f"kdm-{DIGEST}"]),
        ("kdm rm teachers/", [f"teachers/fm-{DIGEST}"]),
        ("kdm evaluat", ["evaluate"]),
        ("kdm evaluate ref", ["reference"]),
        ("kdm study loss", ["losses"]),
        ("kdm run tiny --trackers t", ["tensorboard", "trackio"]),
        ("kdm distill no-recipe --student ", []),
    ],
)
def test_a_name_is_completed(named: Folder, line: str, expected: list[str]) -> None:
    assert offered(line, named) == expected


def test_every_form_of_an_exported_student_is_completed() -> None:
    assert offered("kdm export kdm --to ", None) == [*FORMS, FOLDER]


def test_the_home_of_the_line_comes_before_that_of_the_environment(
    named: Folder, tmp_path: Path
) -> None:
    there = folder_at(str(tmp_path / "none"))
    assert offered("kdm sample k", there) == []
    assert offered(f"kdm sample --home {named.url} k", there) == ["kdm", f"kdm-{DIGEST}"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["kdm", "sample", "--home", "=", "s3", ":", "//b/k", "x"], ["--home=s3://b/k", "x"]),
        (["kdm", "sample", "--home", "=", "/data", ""], ["--home=/data", ""]),
        (["kdm", "sample", "--home", "=", ""], ["--home="]),
        (["kdm", "sample", "k"], ["k"]),
    ],
)
def test_words_that_bash_parted_are_put_together(words: list[str], expected: list[str]) -> None:
    asked = {"COMP_WORDS": "\n".join([*words, "behind"]), "COMP_CWORD": str(len(words) - 1)}
    rejoin_words(asked)
    assert asked["COMP_WORDS"].split("\n") == ["kdm", "sample", *expected]
    assert asked["COMP_CWORD"] == str(len(expected) + 1)


@pytest.mark.parametrize("home", ["s3://bucket/kdm", "memory://kdm"])
def test_a_home_that_is_far_away_is_not_asked(home: str) -> None:
    assert offered(f"kdm sample --home {home} ", None) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_answer_within_0_3_s_of_cpu_and_without_what_computes(
    named: Folder, shell: str
) -> None:
    environment = {"PATH": os.defpath, "KDM_HOME": named.url, **asked(shell, "kdm sample kdm-")}
    seconds = []
    while not seconds or (seconds[-1] > 0.3 and len(seconds) < 3):  # beside other work it is slower
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = subprocess.run(
            [sys.executable, "-c", ANSWER],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(sum(after[:2]) - sum(before[:2]))
    assert ended.stderr == "imported []\n"
    name = f"kdm-{DIGEST}"
    assert ended.stdout.strip() == (f"_arguments '*: :((\"{name}\"))'" if shell == "zsh" else name)
    assert min(seconds) < 0.3


SCRIPTS = {
    "bash": "source {}; COMP_WORDS=(kdm pairs verify -q --home = $KDM_HOME tiny-); COMP_CWORD=7; "
    "KDM_HOME=/nowhere _kdm_completion kdm; "
    'echo "${{COMPREPLY[@]}}"',
    "fish": 'source {}; complete -C "kdm pairs verify tiny-"',
}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_script_of_a_shell_completes_in_it(named: Folder, tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} isn't installed")
    script = tmp_path / "kdm.script"
    shown = CliRunner().invoke(app, prog_name="kdm", env={"_KDM_COMPLETE": f"source_{shell}"})
    script.write_text(shown.stdout)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        [shell, "-c", SCRIPTS[shell].format(script)],
        env={"PATH": path, "HOME": str(tmp_path), "KDM_HOME": named.url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split() == [f"tiny-{DIGEST}"]
