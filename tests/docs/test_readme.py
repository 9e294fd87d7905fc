"""A newcomer who types the README's commands, in its order, in an empty folder, sees each succeed."""

import re
import shlex
from pathlib import Path

from faults.commands import Ended, finish, start
from local_prefect import BIN

README = Path(__file__).parents[2] / "README.md"
ACTIVATE = ". .venv/bin/activate"  # here PATH begins with the environment of the tests


def shell_lines() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line != ACTIVATE]


def ended_as_typed(line: str, variables: dict[str, str], place: Path) -> Ended:
    """One line of the shell, in a folder."""
    words = shlex.split(line, comments=True)
    command = [str(BIN / words[0]), *words[1:]]
    if ">" in words:  # the shell's own
        path = f"PATH={BIN}:/usr/bin:/bin"
        command = ["env", path, "bash", "-c", line]
    return finish(start(command, variables, cwd=place))


def test_every_command_of_the_readme_works_as_written_in_the_order_of_the_page(
    tmp_path: Path,
) -> None:
    variables: dict[str, str] = {}
    said = {}
    for line in shell_lines():
        if line.startswith("export "):
            name, _, value = line.split()[1].partition("=")
            variables[name] = value
            continue
        ended = ended_as_typed(line, variables, tmp_path)
        assert ended.code == 0, f"{line}\n{ended.said[-2000:]}"
        said[" ".join(shlex.split(line, comments=True))] = ended.said
    assert said["kdm run tiny"].count(" cached") >= 6
    assert (tmp_path / "samples.npy").stat().st_size > 2 * 4 * 1000
    assert list((tmp_path / "tars").glob("train-*.tar"))
    assert len(list((tmp_path / "tiny-home" / "students").iterdir())) == 2
    assert (tmp_path / "mine.yaml").read_text().startswith("name: tiny")
