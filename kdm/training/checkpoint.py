"""Checkpoints: all tensors in one file, then a sealed record of it.

checkpoints/step-00000500.safetensors    model/…, players/…, ema/…, optimisers/PLAYER/PARAM/…
checkpoints/step-00000500.json           step, position, identity, digest of the tensors, losses

The record is written last and holds the digest of the tensors, so that a checkpoint is either whole or
not there: tensors without a record are ignored, and removed with the next checkpoint. No state of a
random generator is saved, since random numbers are a function of (seed, step).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import safetensors.torch
from torch import Tensor

from kdm.export import safetensors_bytes
from kdm.trained import CHECKPOINTS
from kdm.training.errors import NonFiniteError
from kdm.training.non_finite import NONE_SKIPPED, Skipped
from kdm.training.progress import Notice
from storage.differing_fields import differing_fields
from storage.digest import seal, sha256_of, unseal
from storage.errors import DamageError, MismatchError
from storage.folders import Folder, folder_at
from storage.reading.order import Position

FOLDER = CHECKPOINTS  # below a run's own
_PREFIX, _RECORD, _TENSORS = "step-", ".json", ".safetensors"
# Eight digits, more from step 10⁸ on: what `_name` makes.
_OWN = re.compile(r"step-(?:[0-9]{8}|[1-9][0-9]{8,})\.(?:json|safetensors)")

LossEntry = dict[str, Any]  # {"step": after so many steps, "losses": {term: value}}
# Of an entry of the losses: step, seconds since 1970, samples a second since the entry before.
Pace = tuple[int, float, float]


@dataclass(frozen=True)
class Snapshot:
    """All that a run needs to continue after `step` steps as if it had never stopped.

    `position` is where the source's next batch begins; tensors are named as in the file.
    """

    step: int
    position: Position
    tensors: dict[str, Tensor]
    losses: list[LossEntry]
    seconds: float = 0.0  # of training so far, over all attempts
    cpu_seconds: float = 0.0
    skipped: Skipped = NONE_SKIPPED
    paces: Sequence[Pace] = ()  # of the entries, as far as they are known


class Checkpoints:
    """The checkpoints of one run in `folder`, of which the last `keep` stay.

    `identity` is all that the run's numbers depend on and `randomness` names the rule by which its
    random numbers are drawn; both are in every record, and a run loads only its own. `notify` gets
    notices of damaged checkpoints that are skipped.
    """

    def __init__(
        self,
        folder: Folder,
        identity: Mapping[str, Any],
        *,
        randomness: str,
        keep: int = 2,
        notify: Callable[[Notice], None],
    ) -> None:
        self._folder = folder
        self._own = {"identity": dict(identity), "randomness": randomness}
        self._keep = keep
        self._notify = notify

    def save(self, snapshot: Snapshot) -> None:
        """Write a checkpoint and remove all but the last `keep`.

        Raises `NonFiniteError`, before anything is written, if a tensor holds NaN or Inf: training
        can continue from any checkpoint that is there.
        """
        _require_finite(snapshot)
        data = safetensors_bytes(snapshot.tensors)
        name = _name(snapshot.step)
        self._folder.replace(name + _TENSORS, data)
        self._folder.replace(name + _RECORD, seal(self._record(snapshot, data)))
        self._forget_all_but(_steps(self._folder)[-self._keep :])

    def newest(self) -> Snapshot | None:
        """The newest checkpoint whose digest agrees; None without one.

        A damaged one is skipped, with a notice. Raises `MismatchError`, naming the fields that differ,
        if a checkpoint belongs to another run.
        """
        self._folder.sweep()
        for step in reversed(_steps(self._folder)):
            try:
                return self._load(step)
            except DamageError as error:
                self._notify(Notice(f"{error}; continuing from the checkpoint before"))
        return None

    def _load(self, step: int) -> Snapshot:
        """The checkpoint after `step` steps; `DamageError` if a part is missing or changed."""
        name = _name(step)
        where = f"{self._folder.url}/{name}"
        record = unseal(self._read(name + _RECORD), where + _RECORD)
        self._require_own(record, where)
        data = self._read(name + _TENSORS)
        if sha256_of(data) != record["sha256"]:
            raise DamageError(f"{where}{_TENSORS} is not what its record says it was")
        attempt = record["attempt"]
        return Snapshot(
            step=record["step"],
            position=Position(**record["position"]),
            tensors=safetensors.torch.load(data),
            losses=record["losses"],
            skipped=Skipped(**record.get("skipped", {})),
            seconds=attempt["seconds"],
            cpu_seconds=attempt["cpu_seconds"],
            paces=[tuple(each) for each in attempt.get("paces", [])],
        )

    def _read(self, name: str) -> bytes:
        try:
            return self._folder.read(name)
        except FileNotFoundError as error:
            raise DamageError(f"{self._folder.url}/{name} is missing") from error

    def _record(self, snapshot: Snapshot, data: bytes) -> dict[str, Any]:
        """The record of a snapshot whose file of tensors is `data`."""
        position, skipped = snapshot.position, snapshot.skipped
        return {
            "step": snapshot.step,
            "position": {"epoch": position.epoch, "offset": position.offset},
            **self._own,
            "sha256": sha256_of(data),
            "num_bytes": len(data),
            "losses": snapshot.losses,
            **({"skipped": asdict(skipped)} if skipped.total else {}),
            # Outside the digest: two equal runs differ in it.
            "attempt": {
                "seconds": snapshot.seconds,
                "cpu_seconds": snapshot.cpu_seconds,
                "paces": snapshot.paces,
            },
        }

    def _require_own(self, record: Mapping[str, Any], where: str) -> None:
        fields = differing_fields({name: record.get(name) for name in self._own}, self._own)
        if fields:
            raise MismatchError(
                f"{where}{_RECORD} was written by another run, which differs in "
                f"{', '.join(fields)}: use another folder, or remove {self._folder.url}"
            )

    def _forget_all_but(self, steps: list[int]) -> None:
        """Remove all checkpoints but those of these steps, and tensors without a record."""
        kept = {_name(step) for step in steps}
        # Records sort before tensors, so that a record is never without its tensors.
        for name in filter(_OWN.fullmatch, self._folder.names()):
            if name.rsplit(".", 1)[0] not in kept:
                self._folder.remove(name)


def standing(url: str) -> str:
    """The last words of a run in the folder `url` that ends mid-step: where it will continue."""
    ended = "stopped mid-step, since the step took too long; the same command"
    folder = folder_at(url) / FOLDER
    if not folder.is_local:  # elsewhere the answer might take as long
        return f"{ended} continues from the last checkpoint"
    steps = _steps(folder)
    return f"{ended} continues from step {steps[-1]:,}" if steps else f"{ended} starts again"


def _steps(folder: Folder) -> list[int]:
    """The steps that have a record, in order; files with other names are ignored."""
    names = [name for name in filter(_OWN.fullmatch, folder.names()) if name.endswith(_RECORD)]
    return sorted(int(name.removesuffix(_RECORD).removeprefix(_PREFIX)) for name in names)


def _name(step: int) -> str:
    return f"{_PREFIX}{step:08d}"


def _require_finite(snapshot: Snapshot) -> None:
    """Raise `NonFiniteError`, naming the tensor, if a snapshot holds NaN or Inf."""
    for name, tensor in snapshot.tensors.items():
        if not tensor.isfinite().all():
            raise NonFiniteError(
                f"{name} holds NaN or Inf after step {snapshot.step}; no checkpoint was written. "
                "Try a lower learning rate, or a longer warm-up"
            )
