"""Filter scores and decisions beside the shards (docs/store.md, 'Files, field by field').

masks/SCORE-DIGEST/filter.json                     what was scored with: filter, options, reference
                   scores/CONTENT.json             one score a stored row of the shard CONTENT
                   decisions/DECISION-DIGEST/decision.json, CONTENT.json     threshold; keep or drop
                   audit/DECISION-DIGEST/CONTENT.json                        every dropped row
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.digest import digest_of, seal, short, unseal
from storage.errors import DamageError, MismatchError, StoreError
from storage.folders import Folder
from storage.options import Options

# An audit row takes some 150 bytes, and a shard has 65,536 samples at most.
MAX_BYTES = 32 * 2**20


class Mask(Options):
    """One filter's decision over a split, by its two digests."""

    score: str  # digest of the scores
    decision: str  # digest of the decision


def decision_digest(score_digest: str, threshold: float) -> str:
    """A decision is its scores and its threshold, nothing else."""
    return digest_of({"score": score_digest, "threshold": threshold})


def write_filter(masks: Folder, score_digest: str, description: Mapping[str, Any]) -> None:
    """Say once what the scores of this digest were made with."""
    _write_once(masks / short(score_digest), "filter.json", description)


def write_scores(
    masks: Folder, score_digest: str, content: str, scores: NDArray[np.float64]
) -> None:
    """Store a shard's scores, float64 [n], once; other scores under the same digests are refused."""
    document = {"score": score_digest, "content": content, "scores": _packed(scores, "<f8")}
    _write_once(masks / short(score_digest) / "scores", _name(content), document)


def has_scores(masks: Folder, score_digest: str, content: str) -> bool:
    """Whether a shard was scored already."""
    return (masks / short(score_digest) / "scores").exists(_name(content))


def read_scores(masks: Folder, score_digest: str, content: str) -> NDArray[np.float64]:
    """A shard's scores; `DamageError` if the file holds another shard's or another filter's."""
    folder = masks / short(score_digest) / "scores"
    identity = {"score": score_digest, "content": content}
    document = _read(folder, _name(content), identity, "scores")
    return _unpacked(document["scores"], "<f8", f"{folder.url}/{_name(content)}")


def write_decision(
    masks: Folder,
    mask: Mask,
    content: str,
    *,
    keep: NDArray[np.bool_],
    audit: list[dict[str, Any]],
) -> None:
    """Store a shard's audit rows, then its keep-or-drop mask: a mask never lacks its reasons."""
    place = masks / short(mask.score)
    identity = {**mask.model_dump(), "content": content}
    rows = {**identity, "dropped": audit}
    _write_once(place / "audit" / short(mask.decision), _name(content), rows)
    document = {**identity, "keep": _packed(keep, "|b1")}
    _write_once(place / "decisions" / short(mask.decision), _name(content), document)


def write_decision_summary(masks: Folder, mask: Mask, summary: Mapping[str, Any]) -> None:
    """Say what the decision rests on: threshold, stated false-positive rate, calibration.

    A threshold can be reached in two ways (stated, calibrated); the first that was written stands.
    """
    folder = masks / short(mask.score) / "decisions" / short(mask.decision)
    folder.create("decision.json", seal({**mask.model_dump(), **summary}))


def read_decision_summary(masks: Folder, mask: Mask) -> dict[str, Any]:
    """What `write_decision_summary` wrote."""
    folder = masks / short(mask.score) / "decisions" / short(mask.decision)
    return _read(folder, "decision.json", mask.model_dump(), "threshold")


def is_decided(masks: Folder, mask: Mask, content: str) -> bool:
    """Whether a decision was made over a shard; its audit was written before."""
    folder = masks / short(mask.score) / "decisions" / short(mask.decision)
    return folder.exists(_name(content))


def judged(masks: Folder, mask: Mask) -> set[str]:
    """The shards, by content, that have scores, decision and audit, and what both rest on."""
    decision = short(mask.decision)
    files = (masks / short(mask.score)).files()
    if not {"filter.json", f"decisions/{decision}/decision.json"} <= files.keys():
        return set()
    places = ("scores", f"audit/{decision}", f"decisions/{decision}")
    contents = (
        {PurePosixPath(name).stem for name in files if name.rpartition("/")[0] == place}
        for place in places
    )
    return set.intersection(*contents)


def read_keep(masks: Folder, mask: Mask, content: str, *, num_rows: int) -> NDArray[np.bool_]:
    """Which stored rows of a shard a reader may use, bool [num_rows].

    Raises `StoreError` if the shard was never judged: no pair passes unjudged.
    """
    folder = masks / short(mask.score) / "decisions" / short(mask.decision)
    if not is_decided(masks, mask, content):
        raise StoreError(
            f"decision {short(mask.decision)}… of shard {short(content)}… is missing below "
            f"{masks.url}; run filter-pairs on this set first"
        )
    identity = {**mask.model_dump(), "content": content}
    document = _read(folder, _name(content), identity, "keep")
    where = f"{folder.url}/{_name(content)}"
    keep: NDArray[np.bool_] = _unpacked(document["keep"], "|b1", where)
    if len(keep) != num_rows:
        raise DamageError(
            f"{where} judges {len(keep)} rows, the shard has {num_rows}; "
            "remove it and run filter-pairs again"
        )
    return keep


def read_keeps(
    masks: Folder, chosen: Sequence[Mask], content: str, *, num_rows: int
) -> NDArray[np.bool_]:
    """Which stored rows of a shard all of these decisions keep, bool [num_rows]."""
    keep = np.ones(num_rows, np.bool_)
    for mask in chosen:
        keep &= read_keep(masks, mask, content, num_rows=num_rows)
    return keep


def read_audit(masks: Folder, mask: Mask, content: str) -> list[dict[str, Any]]:
    """The dropped rows of a shard: index, score, reason."""
    folder = masks / short(mask.score) / "audit" / short(mask.decision)
    identity = {**mask.model_dump(), "content": content}
    document = _read(folder, _name(content), identity, "dropped")
    rows: list[dict[str, Any]] = document["dropped"]
    return rows


def _name(content: str) -> str:
    return f"{content}.json"


def _packed(array: NDArray[Any], dtype: str) -> dict[str, Any]:
    data = np.ascontiguousarray(array.astype(dtype)).tobytes()
    return {"num_rows": len(array), "base64": base64.b64encode(data).decode()}


def _unpacked(packed: Any, dtype: str, where: str) -> NDArray[Any]:
    try:
        array = np.frombuffer(base64.b64decode(packed["base64"], validate=True), dtype).copy()
    except (TypeError, KeyError, ValueError) as error:
        raise DamageError(f"{where} holds no packed numbers ({error}); remove it") from error
    if dtype == "|b1" and (array.view(np.uint8) > 1).any():
        raise DamageError(f"{where} holds bytes that are neither keep nor drop; remove it")
    return array


def _write_once(folder: Folder, name: str, document: Mapping[str, Any]) -> None:
    if folder.create(name, seal(document)):
        return
    standing = _read(folder, name, {})
    if standing != {**document}:
        raise MismatchError(
            f"{folder.url}/{name} is there with another content than was computed now; equal "
            "scores and threshold must give equal masks: the filter is not deterministic"
        )


def _read(folder: Folder, name: str, identity: Mapping[str, Any], *fields: str) -> dict[str, Any]:
    where = f"{folder.url}/{name}"
    if not folder.exists(name):
        raise DamageError(f"{where} is missing; run filter-pairs again")
    document = unseal(folder.read(name, at_most=MAX_BYTES), where)
    document.pop("digest")
    for key, value in identity.items():
        if document.get(key) != value:
            raise DamageError(f"{where} is of another {key}; files were swapped: remove it")
    for field in fields:
        if field not in document:
            raise DamageError(f"{where} lacks '{field}'; files were swapped: remove it")
    return document
