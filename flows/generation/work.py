"""What is to be made: a recipe's pairs, by a teacher that is there, in a set that may exist in part."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from flows.config.generated_pairs import GeneratedPairs
from flows.config.recipe import Recipe
from flows.config.splits import SPLITS, counts
from flows.progress import unsaid
from flows.stage import Run, StageResult
from pairgen.spec import PairSpec
from storage.folders import folder_at
from storage.options import parse
from storage.store import PairStore

Missing = dict[str, list[int]]  # shards, by split
# A filter keeps 8 bytes of score and 1 of decision a sample, as base64 (4 bytes for 3), and a row of
# text for each that it drops. A shard adds its tar's heads, its record and the ends of disk blocks.
_MASK_BYTES, _SHARD_BYTES = 16, 24 * 1024


@dataclass(frozen=True)
class Announcement:
    """What the cost of the whole work is estimated from; it is printed before the work begins."""

    num_pairs: int
    num_bytes: int
    num_makers: int = 1  # processes or machines that share it


@dataclass(frozen=True)
class Work:
    """The pairs of one recipe; `document` carries it to other processes and machines."""

    run: Run
    spec: PairSpec
    teacher: StageResult
    # What others see in this process's claims: the engine, and the part of an array.
    note: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def pairs(self) -> GeneratedPairs:
        """The recipe's pairs."""
        pairs = self.run.recipe.pairs
        assert isinstance(pairs, GeneratedPairs)  # no others are made
        return pairs

    @property
    def counts(self) -> dict[str, int]:
        """Indices asked for, by split."""
        return counts(self.pairs)

    @property
    def num_indices(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @cached_property
    def stores(self) -> dict[str, PairStore]:
        """Both splits of the set, which need not exist yet."""
        folder = self.run.pairs_folder(self.pairs.name, self.spec.digest())
        return {
            split: PairStore.planned(
                folder, self.spec.document(), split=split, layout=self.pairs.layout
            )
            for split in SPLITS
        }

    @property
    def num_shards(self) -> dict[str, int]:
        """Shards that the recipe asks for, by split."""
        return {split: self.stores[split].num_shards(n) for split, n in self.counts.items()}

    @property
    def shard_size(self) -> int:
        """Consecutive indices in a shard."""
        return self.stores["train"].shard_size

    def missing(self) -> Missing:
        """Shards to make, by split; the files in the store decide."""
        return {split: self.stores[split].missing(n) for split, n in self.counts.items()}

    def num_pairs(self, missing: Missing) -> int:
        """Indices in these shards."""
        return sum(map(len, missing.values())) * self.shard_size

    def num_bytes(self, missing: Missing) -> int:
        """Bytes on disk of these shards, including what filters will store next to the pairs."""
        store = self.stores["train"]
        a_shard = store.shard_size * (store.schema.num_bytes + _MASK_BYTES) + _SHARD_BYTES
        return sum(map(len, missing.values())) * a_shard

    def document(self) -> dict[str, Any]:
        """JSON values from which `read` makes the same work; no credential is among them."""
        return {
            "recipe": self.run.recipe.document(),
            "home": self.run.home.url,
            "device": self.run.settled_device,
            "spec": self.spec.document(),
            "teacher": asdict(self.teacher),
            "note": dict(self.note),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any], say: Callable[[str], None] = unsaid) -> "Work":
        """The work of a document, in this process."""
        recipe = parse(Recipe, document["recipe"], "the recipe")
        run = Run(recipe, folder_at(document["home"]), device=document["device"], say=say)
        spec = parse(PairSpec, document["spec"], "the spec")
        return cls(run, spec, StageResult(**document["teacher"]), document["note"])
