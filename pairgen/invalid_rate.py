"""How many pairs of a stage may be invalid: asked without torch, by processes that only hand out work."""

from collections.abc import Mapping, Sequence

from storage.errors import InvalidPairsError

# Of a stage's pairs: more of them are a fault of the teacher or the sampler, not of the machine.
MAX_INVALID_RATE = 0.001


def check_invalid_rate(invalid: Mapping[str, Sequence[int]], attempted: int) -> None:
    """Raise InvalidPairsError when more than 0.1% of a stage's `attempted` indices are invalid."""
    num_invalid = sum(len(indices) for indices in invalid.values())
    if num_invalid <= MAX_INVALID_RATE * attempted:
        return
    faults = "; ".join(
        f"{reason}: {len(indices)}, first at {', '.join(map(str, sorted(indices)[:3]))}"
        for reason, indices in sorted(invalid.items())
    )
    raise InvalidPairsError(
        f"{num_invalid} of {attempted} pairs are invalid ({faults}); at most 0.1% may be: "
        "look at the teacher's training and the sampler's steps"
    )
