"""Each example runs as it is read: from the installed wheel, in a folder of its own, shortened."""

import re
from pathlib import Path

import pytest
from conftest import Finished
from notebooks import EXAMPLES, NOTEBOOKS, code_cells, shortened
from wheel import run_outside

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
README = (ROOT / "README.md").read_text()
# One process for all, in which torch is imported once; each has a namespace of its own.
RUN_ALL = """
import sys
import traceback

for name in sys.argv[1:]:
    print(f"== {name}", flush=True)
    with open(name) as file:
        code = compile(file.read(), name, "exec")
    exec(code, {"__name__": "__main__"})
import kdm
assert kdm.__file__.startswith(sys.prefix), kdm.__file__
"""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def ran(
    from_wheel: Path, finished: Finished, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, list[str]]]:
    """The folder in which all examples ran, and what each of them printed."""
    place = tmp_path_factory.mktemp("examples")
    finished.copy(place / "kdm-home", "teachers", "students", "reports")
    for script in SCRIPTS:
        (place / script.name).write_text(shortened(script.read_text()))
    for notebook in NOTEBOOKS:
        whole = "\n".join(cell.source for cell in code_cells(notebook))
        (place / f"{notebook.name}.py").write_text(shortened(whole))
    names = [script.name for script in SCRIPTS]
    # The loop twice: its second run goes on from the first one's checkpoint.
    names += ["own_loop.py", *(f"{notebook.name}.py" for notebook in NOTEBOOKS)]
    ended = run_outside(from_wheel, place, "-P", "-c", RUN_ALL, *names)
    assert ended.returncode == 0, ended.stdout + ended.stderr[-3000:]
    parts = re.split(r"^== (\S+)\n", ended.stdout, flags=re.MULTILINE)[1:]
    said: dict[str, list[str]] = {}
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        said.setdefault(name, []).append(text)
    return place, said


def test_every_example_runs_from_the_wheel(ran: tuple[Path, dict[str, list[str]]]) -> None:
    place, said = ran
    assert said.keys() == {
        *(script.name for script in SCRIPTS),
        *(f"{notebook.name}.py" for notebook in NOTEBOOKS),
    }
    assert list((place / "kdm-home" / "students").glob("kdm-*"))
    assert "paired MSE  " in said["own_student.ipynb.py"][0]


def test_the_loop_that_goes_on_from_its_checkpoint_ends_where_the_whole_one_ended(
    ran: tuple[Path, dict[str, list[str]]],
) -> None:
    _, said = ran
    whole, resumed = said["own_loop.py"]
    assert re.findall(r"^step (\d+)", whole, re.MULTILINE) == ["5", "10"]
    assert resumed == whole[whole.index(resumed[:40]) :]
    assert "paired MSE  " in resumed


def test_the_teacher_of_the_example_is_the_ring_that_it_describes(
    ran: tuple[Path, dict[str, list[str]]],
) -> None:
    _, said = ran
    mean, spread = re.search(r"radius ([\d.]+) ± ([\d.]+)", said["own_teacher.py"][0]).groups()
    assert float(mean) == pytest.approx(3, abs=0.1)
    assert float(spread) == pytest.approx(0.2, abs=0.1)


def test_the_readme_shows_the_examples_and_nothing_else() -> None:
    assert blocks("python") == [(EXAMPLES / "three_lines.py").read_text()]
    assert blocks("sh") == [(EXAMPLES / "first_commands.sh").read_text()]


def test_the_examples_page_lists_every_example() -> None:
    listed = re.findall(r"^\| \[(\S+)\]", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    there = {path.name for path in EXAMPLES.iterdir()} - {"README.md"}
    assert sorted(listed) == sorted(there)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_stored_without_outputs(notebook: Path) -> None:
    cells = code_cells(notebook)
    assert len(cells) > 3
    assert [cell for cell in cells if cell.outputs or cell.execution_count is not None] == []
