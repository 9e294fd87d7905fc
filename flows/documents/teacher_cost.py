"""What a teacher's sample costs: the FLOPs of one pair, counted from a set's spec."""

from kdm.report.leaderboard import Cost
from storage.errors import DamageError, MismatchError
from storage.folders import Folder
from storage.options import parse
from storage.spec_file import read_spec


def teacher_cost(pairs: Folder) -> Cost:
    """FLOPs of one pair, if the set says which teacher made it and how; nothing else is known."""
    from pairgen.spec import PairSpec

    try:
        document = read_spec(pairs)
    except (DamageError, MismatchError, FileNotFoundError):
        return Cost()
    if "teacher" not in document:
        return Cost()
    spec = parse(PairSpec, document, f"{pairs.url}/spec.json")
    from pairgen.costs import pair_flops  # torch

    return Cost(sample_flops=pair_flops(spec))
