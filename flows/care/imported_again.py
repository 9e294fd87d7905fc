"""Restores a damaged shard of an imported set by importing it again into a temporary folder."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage.care.put_back import Remade
from storage.care.salvage import from_other_layout
from storage.care.wanted import Wanted
from storage.digest import short
from storage.errors import MismatchError
from storage.folders import folder_at
from storage.importers import import_pairs
from storage.store import PairStore


def imported_again(store: PairStore, wanted: Wanted, source: Path | None) -> Remade:
    """The shard's pairs, imported from `source` into a temporary folder.

    A ValueError without a source, a MismatchError for one that gives other pairs.
    """
    if source is None:
        raise ValueError(
            f"{store.folder.name} was imported, so no teacher can make it again; give what it was "
            "imported from with --source PATH"
        )
    with tempfile.TemporaryDirectory() as place:
        made = import_pairs(
            str(store.spec["importer"]),
            source,
            folder_at(place),
            name="again",
            rows={split: (first, end) for split, (first, end) in store.spec["rows"].items()},
            layout=store.layout,
            **_import_options(store),
        )
        again = PairStore.open(made.folder, split=store.split, layout=store.layout)
        if again.spec_digest != store.spec_digest:
            raise MismatchError(
                f"{source} is not what {store.folder.name} was imported from: its spec comes "
                f"out as {short(again.spec_digest)}…, not {short(store.spec_digest)}…"
            )
        remade = from_other_layout(store, wanted, [again])
    if remade is None:
        raise MismatchError(f"{source} gives other pairs than shard {wanted.shard} had")
    return remade._replace(origin="what it was imported from")


def _import_options(store: PairStore) -> Mapping[str, Any]:
    """The import options that the spec records."""
    stated = {"noise_end": store.spec.get("noise_end")}
    if store.spec["importer"] == "kdm-checkerboard":
        return stated
    schema = store.schema
    options: dict[str, Any] = stated | {
        "x_0_dtype": schema.x_0_dtype,
        "x_T_dtype": schema.x_T_dtype,
        "states_dtype": schema.states_dtype,
        "keep_states": schema.num_states > 0,
        "lossy": "rounded" in store.spec,
    }
    if store.spec["importer"] == "get":
        options["noise_scale"] = schema.noise.scale
    if store.spec["importer"] == "per-sample" and schema.label is not None:
        options["num_classes"] = schema.label.num_classes
    return options
