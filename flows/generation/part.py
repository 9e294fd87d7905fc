"""A part of an array of jobs: which shards it makes first, and when it leaves.

--part 3/8          as Slurm and Kubernetes number jobs, from 0 or from 1: both give each share once
--part 103/100-107  for arrays that begin elsewhere, with the first and the last number
--part 104/100-114:2  and with a step
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PART = re.compile(
    r"(?P<number>[0-9]{1,9})/(?:(?P<count>[0-9]{1,9})|(?P<first>[0-9]{1,9})-(?P<last>[0-9]{1,9})(?::(?P<step>[0-9]{1,9}))?)"
)
_HOW = "write NUMBER/COUNT, as in 3/8, or NUMBER/FIRST-LAST, as in 103/100-107"


@dataclass(frozen=True)
class Part:
    """Job `index` of `count`, counted from 0."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Part":
        """The part that `--part` names; a ValueError for one outside its array."""
        match = _PART.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"--part is {text[:60]!r}; {_HOW}")
        numbers = {name: int(each) for name, each in match.groupdict().items() if each}
        number, count = numbers["number"], numbers.get("count")
        if count is not None:
            if count < 1 or number > count:
                raise ValueError(
                    f"--part {text}: job {number} is outside an array of {count}; numbers go from 0 to "
                    f"{max(count - 1, 0)}, or from 1 to {count}. For an array that begins elsewhere "
                    "write NUMBER/FIRST-LAST, as in 103/100-107"
                )
            return cls(number % count, count)
        first, last, step = numbers["first"], numbers["last"], numbers.get("step", 1)
        if step < 1 or not first <= number <= last or (number - first) % step:
            every = f" in steps of {step}" if step != 1 else ""
            raise ValueError(
                f"--part {text}: job {number} is outside an array from {first} to {last}{every}"
            )
        return cls((number - first) // step, (last - first) // step + 1)

    def __str__(self) -> str:
        return f"{self.index + 1} of {self.count}"

    def ordered(self, shards: Sequence[int]) -> list[int]:
        """This part's share first, rising; then the others', from their last shards backwards."""
        own = [shard for shard in shards if shard % self.count == self.index]
        others = [shard for shard in reversed(shards) if shard % self.count != self.index]
        return own + others
