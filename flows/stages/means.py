"""Where the samples of a damaged shard can be had from when no sound file holds them."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from flows.recipe import Recipe, load_recipe
from flows.recipe_files import recipe_names
from flows.stages.known import known_runs
from flows.stages.remake import Remaker
from kdm.datasets import DataSet
from pairgen.filters.digests import reference_digest
from pairgen.filters.drop_rule import DropRule
from pairgen.filters.judge import Judge, fit_judge
from storage.any_folder import folder_at
from storage.audit import read_audit_rows
from storage.digest import digest_of, short
from storage.errors import MismatchError
from storage.fs import Folder
from storage.importers import import_pairs
from storage.manifest import record_name
from storage.mend import Remade, Wanted
from storage.records import INVALID_REASONS
from storage.salvage import common_environment, from_other_layout
from storage.store import PairStore


@dataclass
class Means:
    """A set's teacher below a home, or what the set was imported from; each is opened once."""

    home: Folder
    source: Path | None = None
    _remakers: dict[str, Remaker] = field(default_factory=dict, repr=False)

    def remake(self, store: PairStore, wanted: Wanted) -> Remade:
        """The shard's pairs made again; a ValueError that says what it takes where that is not there."""
        if store.spec.get("kind") == "imported":
            return self._imported(store, wanted)
        remaker = self._remaker(store, wanted)
        asked = store.indices(wanted.shard)
        pairs, invalid = remaker.make(store.split, int(asked[0]), int(asked[-1]) + 1)
        dropped = {**invalid, **_rejected(store, wanted.shard)}
        if wanted.record is not None:
            dropped = wanted.record.dropped
        lost = [index for indices in dropped.values() for index in indices]
        kept = pairs.take(~np.isin(pairs.index, lost))
        return Remade(kept.columns(store.schema), dropped, remaker.environment, "the teacher")

    def audit(self, store: PairStore, wanted: Wanted) -> list[dict[str, Any]]:
        """Why filters of `drop_at_write` left samples of a shard out, judged again."""
        remaker = self._remaker(store, wanted)
        judges = [self._judge(rule) for rule in remaker.spec.drop_at_write]
        asked = store.indices(wanted.shard)
        return remaker.audit(store.split, int(asked[0]), int(asked[-1]) + 1, judges)

    def _remaker(self, store: PairStore, wanted: Wanted) -> Remaker:
        recorded = wanted.record.environment if wanted.record else common_environment(store)
        key = digest_of([store.layout, recorded])
        if key not in self._remakers:
            self._remakers[key] = Remaker.of(store, self.home, recorded or {})
        return self._remakers[key]

    def _judge(self, rule: DropRule) -> Judge:
        unread: list[str] = []
        for dataset in self._data_sets():
            try:
                reference = dataset.train()
            except ValueError as error:  # pictures that are gone; another set may be the one
                unread.append(f" (not read: {error})")
                continue
            if reference_digest(reference) == rule.reference:
                return fit_judge(rule.filter, reference)
        raise ValueError(
            f"no recipe that is known here has the data set (reference {short(rule.reference)}…) of "
            f"filter '{rule.filter.plugin}'{''.join(unread)}; remove the audit with the record and "
            "run generate-pairs"
        )

    def _data_sets(self) -> Iterator[DataSet]:
        seen: set[DataSet] = set()
        recipes = [known.run.recipe for known in known_runs(self.home)]
        for recipe in [*recipes, *_own_recipes()]:
            if recipe.dataset is not None and recipe.dataset not in seen:
                seen.add(recipe.dataset)
                yield recipe.dataset

    def _imported(self, store: PairStore, wanted: Wanted) -> Remade:
        """Import once more, aside, and take the shard from there."""
        if self.source is None:
            raise ValueError(
                f"{store.folder.name} was imported, so no teacher can make it again; give what it was "
                "imported from with --source PATH"
            )
        with tempfile.TemporaryDirectory() as place:
            made = import_pairs(
                str(store.spec["importer"]),
                self.source,
                folder_at(place),
                name="again",
                rows={split: (first, end) for split, (first, end) in store.spec["rows"].items()},
                layout=store.layout,
                **_import_options(store),
            )
            again = PairStore.open(made.folder, split=store.split, layout=store.layout)
            if again.spec_digest != store.spec_digest:
                raise MismatchError(
                    f"{self.source} is not what {store.folder.name} was imported from: its spec comes "
                    f"out as {short(again.spec_digest)}…, not {short(store.spec_digest)}…"
                )
            remade = from_other_layout(store, wanted, [again])
        if remade is None:
            raise MismatchError(
                f"{self.source} gives another content than shard {wanted.shard} had"
            )
        return remade._replace(origin="what it was imported from")


def _rejected(store: PairStore, shard: int) -> dict[str, list[int]]:
    """What filters of `drop_at_write` left out, by its audit."""
    found: dict[str, list[int]] = {}
    if store.spec.get("drop_at_write") and (store.base / "audit").exists(record_name(shard)):
        for index, reason in sorted(read_audit_rows(store, shard)):
            if reason not in INVALID_REASONS:
                found.setdefault(reason, []).append(index)
    return found


def _import_options(store: PairStore) -> Mapping[str, Any]:
    """The options that the spec shows; the importer of points takes but one."""
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


def _own_recipes() -> Iterator[Recipe]:
    """Those that come with the project and are whole without a teacher's or a file's name."""
    for name in recipe_names():
        with suppress(ValueError):
            yield load_recipe(name)
