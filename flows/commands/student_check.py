"""`kdm student check`: compares one training step with the published code's, by numeric goldens."""

from flows.commands.goldens import Comparison, check_goldens
from kdm.published.student_golden import check_step, unchecked


def check(goldens: list[str], *, as_json: bool) -> None:
    """Print every loss, output and gradient norm with its error; exit code 1 if one differs."""
    check_goldens(goldens, _compared, as_json=as_json)


def _compared(path: str) -> Comparison:
    return check_step(path), unchecked(path)
