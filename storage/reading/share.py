"""Which part of the batches a rank and a worker read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """Whose part of the batches: a rank has rows of each, a worker has whole ones in turn."""

    rank: int = 0  # 0 … ranks − 1
    ranks: int = 1  # processes that train together
    worker: int = 0  # 0 … workers − 1
    workers: int = 1  # processes that read for one rank
    takes_turns: bool = False  # ranks are dealt a batch's rows one by one, not each a run of them

    def __post_init__(self) -> None:
        for kind, number, total in (
            ("rank", self.rank, self.ranks),
            ("worker", self.worker, self.workers),
        ):
            if not 0 <= number < total:
                raise ValueError(f"{kind} is {number} of {total}; it must be 0 to {total - 1}")

    def rows(self, batch_size: int) -> slice:
        """The rank's rows of a batch; together the ranks have each row once."""
        if self.takes_turns:
            return slice(self.rank, batch_size, self.ranks)
        first, end = self.rank * batch_size, (self.rank + 1) * batch_size
        return slice(first // self.ranks, end // self.ranks)


WHOLE = Share()
