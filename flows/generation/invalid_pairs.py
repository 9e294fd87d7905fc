"""Counts the invalid pairs of a whole stage: at most 0.1 % may be (docs/store.md)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pairgen.invalid_rate import check_invalid_rate
from storage.records import INVALID_REASONS
from storage.store import PairStore


@dataclass(frozen=True)
class InvalidPairs:
    """Invalid indices by split and reason, out of the `attempted` indices of both splits."""

    attempted: int
    indices: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def recorded(
        cls,
        stores: Mapping[str, PairStore],
        counts: Mapping[str, int],
        missing: Mapping[str, Collection[int]],
    ) -> "InvalidPairs":
        """Those of existing shards, so that a resumed stage judges like an uninterrupted one."""
        sizes = {split: stores[split].num_shards(count) for split, count in counts.items()}
        attempted = sum(num * stores[split].shard_size for split, num in sizes.items())
        known = cls(attempted)
        for split, num_shards in sizes.items():
            there = sorted(set(range(num_shards)).difference(missing[split]))
            for record in stores[split].records(there):
                known.note(split, record.dropped)
        return known

    def note(self, split: str, dropped: Mapping[str, list[int]]) -> None:
        """Add a shard's dropped indices; an InvalidPairsError once the limit can't be met."""
        for reason in INVALID_REASONS:
            if reason in dropped:
                self.indices.setdefault(f"{split} {reason}", []).extend(dropped[reason])
        check_invalid_rate(self.indices, self.attempted)
