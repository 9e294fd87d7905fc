"""Where a damaged shard's samples come from if no intact file holds them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from flows.care.imported_again import imported_again
from flows.care.judge_again import judge_again
from flows.care.remake import Remaker
from storage.care.audit import rejected_at_write
from storage.care.environments import common_environment
from storage.care.put_back import Remade
from storage.care.wanted import Wanted
from storage.digest import digest_of
from storage.folders import Folder
from storage.store import PairStore


@dataclass
class Sources:
    """A set's teacher in a home, or what the set was imported from; each is opened once."""

    home: Folder
    source: Path | None = None
    _remakers: dict[str, Remaker] = field(default_factory=dict, repr=False)

    def remake(self, store: PairStore, wanted: Wanted) -> Remade:
        """The shard's pairs, made again; a ValueError says what is missing."""
        if store.spec.get("kind") == "imported":
            return imported_again(store, wanted, self.source)
        remaker = self._remaker(store, wanted)
        asked = store.indices(wanted.shard)
        pairs, invalid = remaker.make(store.split, int(asked[0]), int(asked[-1]) + 1)
        dropped = {**invalid, **rejected_at_write(store, wanted.shard)}
        if wanted.record is not None:
            dropped = wanted.record.dropped
        lost = [index for indices in dropped.values() for index in indices]
        kept = pairs.take(~np.isin(pairs.index, lost))
        return Remade(kept.columns(store.schema), dropped, remaker.environment, "the teacher")

    def audit(self, store: PairStore, wanted: Wanted) -> list[dict[str, Any]]:
        """The audit rows of `drop_at_write` filters for a shard, judged again."""
        remaker = self._remaker(store, wanted)
        judges = [judge_again(rule, self.home) for rule in remaker.spec.drop_at_write]
        asked = store.indices(wanted.shard)
        return remaker.audit(store.split, int(asked[0]), int(asked[-1]) + 1, judges)

    def _remaker(self, store: PairStore, wanted: Wanted) -> Remaker:
        recorded = wanted.record.environment if wanted.record else common_environment(store)
        key = digest_of([store.layout, recorded])
        if key not in self._remakers:
            self._remakers[key] = Remaker.of(store, self.home, recorded or {})
        return self._remakers[key]
