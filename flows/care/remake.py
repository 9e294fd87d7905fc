"""Makes pairs of a set again with the teacher that its spec names, to repair or to compare them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from flows.teacher_with import teacher_with
from kdm.trained import read_config, read_weights
from pairgen.environment import environment
from pairgen.filters.judge import Judge
from pairgen.generation import GeneratedShard, generate_shard
from pairgen.precision import arithmetic
from pairgen.sampling import device_of, place
from pairgen.spec import PairSpec
from pairgen.symmetry import symmetry
from pairgen.teachers.teacher import Teacher, load_teacher
from storage.care.environments import MADE_IN
from storage.digest import short
from storage.folders import Folder
from storage.options import parse
from storage.records import PairBatch, concatenate
from storage.store import PairStore

if TYPE_CHECKING:
    from pairgen.asymmetry import Symmetry

DEFAULT_SAMPLING_BATCH = 4096  # the default of a recipe, used if no record states it


@dataclass(frozen=True)
class Remaker:
    """A set's teacher and sampler, set up as a record describes."""

    spec: PairSpec
    teacher: Teacher
    environment: dict[str, Any]
    made_in: int  # the shard size when the pairs were made: bits depend on the batch

    @classmethod
    def of(cls, store: PairStore, home: Folder, recorded: Mapping[str, Any]) -> "Remaker":
        """The remaker of a set's pairs; a ValueError if the home doesn't have its teacher."""
        spec = require_generated(store)
        device = _device(recorded)
        torch.set_num_threads(int(recorded.get("threads", 1)))
        teacher = place(_teacher(spec, home), device)
        with arithmetic(spec.precision, teacher, device):
            made_by = environment(
                device,
                precision=spec.precision,
                sampling_batch=int(recorded.get("sampling_batch", DEFAULT_SAMPLING_BATCH)),
            )
        made_in = int(recorded.get(MADE_IN, store.shard_size))
        if made_in != store.shard_size:
            made_by[MADE_IN] = made_in
        return cls(spec, teacher, made_by, made_in)

    def make(self, split: str, first: int, end: int) -> tuple[PairBatch, dict[str, list[int]]]:
        """The pairs of indices first … end − 1, and the invalid ones by reason; no filter is applied."""
        made = [
            self._block(split, start)
            for start in range(first // self.made_in * self.made_in, end, self.made_in)
        ]
        pairs = concatenate([block.pairs for block in made])
        invalid: dict[str, list[int]] = {}
        for block in made:
            for reason, indices in block.invalid.items():
                within = [index for index in indices if first <= index < end]
                if within:
                    invalid.setdefault(reason, []).extend(within)
        return pairs.take((pairs.index >= first) & (pairs.index < end)), invalid

    def audit(
        self, split: str, first: int, end: int, judges: Sequence[Judge]
    ) -> list[dict[str, Any]]:
        """The audit rows of indices first … end − 1, from the spec's filters."""
        blocks = range(first // self.made_in * self.made_in, end, self.made_in)
        rows = [row for start in blocks for row in self._block(split, start, judges).audit]
        return [row for row in rows if first <= row["index"] < end]

    def alone(self, split: str, index: NDArray[np.int64]) -> PairBatch:
        """The pairs of these indices in a separate batch."""
        return self._generated(split, index, sampling_batch=len(index)).pairs

    def symmetry(self, num_pairs: int) -> "Symmetry":
        """What the teacher makes of so many noises and their mirror images."""
        with arithmetic(self.spec.precision, self.teacher, device_of(self.teacher)):
            return symmetry(self.spec, self.teacher, num_pairs)

    def _block(self, split: str, first: int, judges: Sequence[Judge] = ()) -> GeneratedShard:
        index = np.arange(first, first + self.made_in, dtype=np.int64)
        batch = self.environment["sampling_batch"]
        return self._generated(split, index, sampling_batch=batch, judges=judges)

    def _generated(
        self,
        split: str,
        index: NDArray[np.int64],
        *,
        sampling_batch: int,
        judges: Sequence[Judge] = (),
    ) -> GeneratedShard:
        with arithmetic(self.spec.precision, self.teacher, device_of(self.teacher)):
            return generate_shard(
                self._spec(judges),
                self.teacher,
                split,
                index,
                sampling_batch=sampling_batch,
                filters=judges,
            )

    def _spec(self, judges: Sequence[Judge]) -> PairSpec:
        """The spec, without its filters if there are no judges: what they dropped is already recorded."""
        return self.spec if judges else self.spec.model_copy(update={"drop_at_write": ()})


def require_generated(store: PairStore) -> PairSpec:
    """The spec of a generated set; a ValueError if it was imported."""
    if store.spec.get("kind") == "imported":
        raise ValueError(
            f"{store.folder.name} was imported, so no teacher can make it again; its pairs can only be "
            "read again from what they were imported from (--source)"
        )
    return parse(PairSpec, dict(store.spec), f"{store.folder.url}/spec.json")


def _device(recorded: Mapping[str, Any]) -> torch.device:
    is_on_gpu = recorded.get("device") == "cuda" and torch.cuda.is_available()
    return torch.device("cuda" if is_on_gpu else "cpu")


def _teacher(spec: PairSpec, home: Folder) -> Teacher:
    plugin, digest = spec.teacher.plugin, spec.teacher.weights
    weights = _weights(home, digest) if plugin.is_trained else None
    return load_teacher(plugin, spec.pairs.shape, weights=weights, digest=digest)


def _weights(home: Folder, digest: str) -> bytes:
    folder = teacher_with(home, digest)
    config = None if folder is None else read_config(folder)
    if folder is None or config is None:
        raise ValueError(
            f"the teacher of these pairs, with weights {short(digest)}…, is not below "
            f"{(home / 'teachers').url}; copy its folder there, or train it again with its recipe"
        )
    return read_weights(folder, config)
