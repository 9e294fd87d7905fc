"""The report's command line gives the same students, whatever the run was started with."""

import html
import re
import shlex
from pathlib import Path

import pytest
import yaml
from conftest import Finished
from faults.here import train_here, without_galleries

from flows.request import Request
from flows.stage import Run
from flows.stages.sequence import STAGES, run_stages

SHORT = "students.kdm.training.num_steps=7"
TWO = (
    "students=[{name: a, model: {plugin: regression, width: 8}, training: {num_steps: 5}},"
    " {name: b, model: {plugin: regression, width: 8}, training: {num_steps: 6}}]"
)


@pytest.fixture
def homes(finished: Finished, tmp_path: Path) -> list[Path]:
    """Two homes with the pairs of `tiny` and without a student."""
    return [finished.copy(tmp_path / name, "students/*", "reports/*") for name in "ab"]


def request_of(line: str, home: Path) -> Request:
    """The request that a printed line makes, read as the command reads it."""
    words = shlex.split(line)
    assert words[:2] == ["kdm", "run"]
    said = list(zip(words[3::2], words[4::2], strict=True))
    named = {flag: tuple(value for each, value in said if each == flag) for flag, _ in said}
    count = int(named["--count"][0]) if "--count" in named else None
    overrides, students = named.get("--set", ()), named.get("--student", ())
    return Request(words[2], str(home), count, overrides, students, "cpu")


def trained(request: Request, until: str = STAGES[-1]) -> tuple[Run, list[str]]:
    run = request.run()
    results = run_stages(run, until=until, students=request.students)
    return run, [each.name for each in results if each.stage == "distill"]


def line_of(run: Run) -> str:
    page = run.report_folder().read("report.html").decode()
    return html.unescape(re.findall("<pre><code>(.*?)</code></pre>", page)[-1])


@pytest.mark.parametrize(
    "asked",
    [
        {"overrides": (SHORT,)},
        {"overrides": (SHORT, "filters.near-copy.fpr=0.05"), "count": 600},
        {"overrides": (TWO,), "students": ("b",)},
    ],
)
def test_the_reports_line_trains_the_same_students(asked, homes, monkeypatch):
    train_here(monkeypatch)
    without_galleries(monkeypatch)
    run, names = trained(Request("tiny", str(homes[0]), device="cpu", **asked))
    assert trained(request_of(line_of(run), homes[1]), "distill")[1] == names


def test_a_recipe_of_a_file_that_changed_is_made_again_from_the_resolved_one(
    homes, tmp_path, monkeypatch
):
    train_here(monkeypatch)
    without_galleries(monkeypatch)
    document = Request("tiny", str(homes[0]), device="cpu", overrides=(SHORT,)).run().recipe
    file = tmp_path / "my own.yaml"
    file.write_text(yaml.safe_dump(document.document()))
    run, names = trained(
        Request(str(file), str(homes[0]), 600, ("students.kdm.training.seed=3",), (), "cpu")
    )
    file.write_text("name: another\n")
    assert trained(request_of(line_of(run), homes[1]), "distill")[1] == names
