"""`kdm student check`: one published training step by this project's code, against a numeric golden."""

from flows.commands.goldens import Comparison, check_goldens
from kdm.students.golden import check_step, unchecked


def check(goldens: list[str]) -> None:
    """Print every loss, output and gradient norm with its error; exit code 1 where one differs."""
    check_goldens(goldens, _compared)


def _compared(path: str) -> Comparison:
    return check_step(path), unchecked(path)
