"""`kdm teacher check`: networks proved by numeric goldens, every array with its error."""

from flows.commands.goldens import Comparison, check_goldens
from kdm.networks.golden import Compared, check_golden, tolerance, unchecked


def check(goldens: list[str]) -> None:
    """Print the relative error of every array; exit code 1 where one is past its tolerance."""
    check_goldens(goldens, _compared)


def _compared(path: str) -> Comparison:
    errors = check_golden(path)
    return [Compared(name, each, tolerance(name)) for name, each in errors.items()], unchecked(path)
