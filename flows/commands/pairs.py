"""`kdm pairs ls` and `show`: lists sets, and shows what is in one."""

import json
from collections.abc import Sequence
from typing import Any

import typer

from flows.commands.pairs_rows import PAIRS_HEAD, pairs_rows
from flows.commands.stored_set import require_set
from flows.documents.counts import split_counts
from flows.documents.mask_counts import num_masked
from flows.home import found, home_folder, things
from flows.table import aligned
from kdm.report.existing_card import licence_of
from storage.digest import digest_of, short
from storage.folders import Folder
from storage.mask_documents import decisions_of
from storage.masks import judged, read_decision_summary
from storage.set_folder import splits_of
from storage.spec_file import own_spec
from storage.store import PairStore
from storage.yaml_text import yaml_text


def list_sets(home: str) -> None:
    """Print the table of sets."""
    folder = home_folder(home)
    rows = [row for name in things(folder, "pairs") for row in pairs_rows(folder / "pairs" / name)]
    typer.echo(aligned([PAIRS_HEAD, *rows]))


def show(name: str, home: str, *, as_json: bool) -> None:
    """Print what determines a set, and what is in each split and layout."""
    folder = found(home, "pairs", name)
    require_set(folder)
    spec = own_spec(folder)
    document = {
        "folder": folder.url,
        "spec_digest": digest_of(spec),
        "licence": licence_of(folder) if folder.exists("card.md") else "unknown (no card)",
        "spec": spec,
        "splits": {place: _split(folder, *place.split("/")) for place in splits_of(folder)},
    }
    if as_json:
        typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        typer.echo(yaml_text(document).rstrip())


def _split(folder: Folder, split: str, layout: str) -> dict[str, Any]:
    store = PairStore.open(folder, split=split, layout=layout)
    counts = split_counts(store)
    shards, sizes = store.ledger.recorded(), store.ledger.sizes()
    num_bytes, environments = 0, []
    for record in store.records(shards):
        num_bytes += record.num_bytes
        if record.environment not in environments:
            environments.append(record.environment)
    manifest = store.ledger.largest() if sizes else None
    contents = manifest.content_digests if manifest else ()
    return {
        "shards": len(shards),
        "attempted": counts.attempted,
        "kept": counts.kept,
        "dropped": dict(counts.dropped),
        "bytes": num_bytes,
        "bytes_a_pair": round(num_bytes / counts.kept, 1) if counts.kept else None,
        "nfe": manifest.nfe or None if manifest else None,
        "manifests": sizes,
        "content_digest": digest_of(contents) if sizes else None,
        "masks": _masks(store, contents),
        "environments": environments,
    }


def _masks(store: PairStore, contents: Sequence[str]) -> list[dict[str, Any]]:
    masks = store.base / "masks"
    said = []
    for mask in decisions_of(masks):
        summary = read_decision_summary(masks, mask)
        there = judged(masks, mask)
        said.append(
            {
                "filter": summary["filter"],
                "threshold": summary["threshold"],
                "fpr": summary["fpr"],
                "score": short(mask.score),
                "decision": short(mask.decision),
                "judged_shards": sum(content in there for content in contents),
                "masked": sum(
                    num_masked(store, [mask], record.content_digest, num_rows=record.kept)
                    for record in store.records(range(len(contents)))
                    if record.content_digest in there
                ),
            }
        )
    return said
