"""`kdm teacher check`: compares networks with numeric goldens, every array with its error."""

from flows.commands.goldens import Comparison, check_goldens
from kdm.published.network_golden import check_golden, unchecked


def check(goldens: list[str], *, as_json: bool) -> None:
    """Print the relative error of every array; exit code 1 if one exceeds its tolerance."""
    check_goldens(goldens, _compared, as_json=as_json)


def _compared(path: str) -> Comparison:
    return check_golden(path), unchecked(path)
