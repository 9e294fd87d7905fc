"""What filters said of a shard, said of the shard that replaces it: kept pairs keep score and verdict."""

from collections.abc import Container

import numpy as np

from storage.errors import DamageError
from storage.folders import Folder
from storage.mask_documents import DOCUMENT, decisions_of, read_document
from storage.masks import (
    has_scores,
    is_decided,
    read_audit,
    read_keep,
    read_scores,
    write_decision,
    write_scores,
)
from storage.shard_record import Record


def carry_masks(masks: Folder, old: Record, new: Record) -> None:
    """Write scores, decisions and audits over the new content; those over the old one stay until removed.

    The pairs' scores don't change. A filter that judges a set as a whole has other scores for a smaller
    set, under another digest, once its recipe runs again; until then its verdicts hold.
    """
    index = np.array(old.kept_indices(), np.int64)
    stays = np.isin(index, new.kept_indices())
    for score in _score_digests(masks):
        if has_scores(masks, score, old.content_digest):
            scores = read_scores(masks, score, old.content_digest)
            if len(scores) != len(index):
                raise DamageError(
                    f"scores of shard {old.shard} below {masks.url} are about {len(scores)} rows, the "
                    f"shard has {len(index)}; run 'kdm pairs repair', then filter-pairs"
                )
            write_scores(masks, score, new.content_digest, scores[stays])
    for mask in decisions_of(masks):
        if not is_decided(masks, mask, old.content_digest):
            continue
        keep = read_keep(masks, mask, old.content_digest, num_rows=len(index))
        rows = read_audit(masks, mask, old.content_digest)
        left = set(index[stays].tolist())
        audit = [row for row in rows if row["index"] in left]
        write_decision(masks, mask, new.content_digest, keep=keep[stays], audit=audit)


def remove_masks(masks: Folder, contents: Container[str]) -> None:
    """Remove all that filters said of shards with these contents."""
    for name in masks.files():
        match = DOCUMENT.fullmatch(name)
        if match is not None and match["content"] in contents:
            masks.remove(name)


def _score_digests(masks: Folder) -> list[str]:
    """The whole digests of the scores that there are."""
    there = [name for name in masks.names() if (masks / name).exists("filter.json")]
    return [str(read_document(masks, f"{name}/filter.json")["digest"]) for name in there]
