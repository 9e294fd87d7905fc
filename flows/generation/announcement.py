"""What is printed of a set's cost before it's made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Announcement:
    """What the cost of the whole work is estimated from, before it begins."""

    num_pairs: int
    num_bytes: int
    num_makers: int = 1  # processes or machines that share it
