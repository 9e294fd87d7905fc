"""`kdm pairs convert`, `import` and `export`: the same pairs in another layout, from others, for others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import typer

from flows.commands.chosen_masks import chosen_masks
from flows.commands.find import found
from flows.commands.pairs import require_set
from flows.console import Terminal
from flows.imported_pairs import ImportedPairs
from flows.progress import Meter
from flows.recipe import load_recipe
from flows.request import home_folder
from flows.stages.cards import Origin, origin_of_card, write_set_card
from kdm.licences import require_licence
from storage.any_folder import folder_at
from storage.convert import convert
from storage.digest import short
from storage.exporters.kdm_npz import export_kdm_npz
from storage.exporters.per_sample import export_per_sample
from storage.exporters.pictures import export_npz, export_png
from storage.exporters.rectified_flow import export_rectified_flow
from storage.fs import Folder
from storage.importers import import_pairs, importer_of
from storage.local_paths import local_file
from storage.options import nearest
from storage.sets import splits_of
from storage.store import PairStore
from storage.verify import Report
from storage.whole_numbers import whole_number
from storage.yaml_text import read_yaml

DEFAULT_IMPORTER = "kdm-checkerboard"
EXPORTS: Mapping[str, Callable[..., int]] = {
    "kdm-npz": export_kdm_npz,
    "per-sample": export_per_sample,
    "rectified-flow": export_rectified_flow,
    "png": export_png,
    "npz": export_npz,
}
_PICTURES = ("png", "npz")  # which hold no noise


@dataclass(frozen=True)
class Import:
    """What the user says of a published set."""

    source: str
    importer: str = ""  # else by what lies there
    name: str = ""
    train: str = ""  # rows, as FIRST:END
    heldout: str = ""
    layout: str = ""
    licence: str = ""
    options: Sequence[str] = ()  # NAME=VALUE, of the importer
    noise: str = ""  # 'first' or 'last'; else the numbers tell


@dataclass(frozen=True)
class Export:
    """Which pairs of a set go out, and how."""

    to: str
    folder: str
    split: str = "train"
    layout: str = ""
    count: int | None = None
    variant: str = ""
    decisions: Sequence[str] = ()
    is_unmasked: bool = False


def convert_set(name: str, home: str, *, to: str, source: str) -> None:
    """Write every split in the layout `to`, from the layout `source` or the nearest that is there."""
    folder = found(home, "pairs", name)
    require_set(folder)
    for split, layouts in _layouts(folder).items():
        chosen = _source(split, layouts, to=to, source=source)
        if chosen is None:
            typer.echo(f"{split}/{to}: is all there is")
            continue
        store = PairStore.open(folder, split=split, layout=chosen)
        with _progress("convert", f"{split}/{to}", "shards") as report:
            made = convert(store, to, report=report)
        typer.echo(
            f"{split}/{to}: {len(made.ledger.recorded())} shards from {chosen}{_masks(made, store)}"
        )
    write_set_card(folder)


def import_set(wanted: Import, home: str) -> None:
    """Store a published set; the numbers tell which end is noise, or the user states it."""
    licence = require_licence(wanted.licence) if wanted.licence else ""
    defaults = load_recipe("checkerboard-import").pairs
    assert isinstance(defaults, ImportedPairs)  # that is what the recipe is
    source = local_file(wanted.source, "what is imported")
    wanted = replace(wanted, importer=wanted.importer or importer_of(source))
    with _progress("import", wanted.source, "pairs") as report:
        made = import_pairs(
            wanted.importer,
            source,
            home_folder(home) / "pairs",
            name=wanted.name or _name(wanted, defaults),
            rows=_rows(wanted, defaults),
            layout=wanted.layout or defaults.layout,
            report=report,
            **_options(wanted),
        )
    known = origin_of_card(made.folder)
    write_set_card(made.folder, Origin(known.teacher, licence or known.licence))
    counts = ", ".join(f"{count:,} {split}" for split, count in made.counts.items())
    typer.echo(f"{made.folder.url}: {counts}")
    if made.advice:
        typer.echo(made.advice)


def export_set(name: str, home: str, wanted: Export) -> None:
    """Write pairs for other trainers; those that the recipe's filters dropped stay here."""
    if wanted.to not in EXPORTS:
        raise ValueError(f"no export '{wanted.to}'; {nearest(wanted.to, list(EXPORTS))}")
    if wanted.variant and wanted.to != "kdm-npz":
        raise ValueError(f"--variant is for --to kdm-npz; leave it out with --to {wanted.to}")
    folder = found(home, "pairs", name)
    require_set(folder)
    layouts = _layouts(folder).get(wanted.split, [])
    layout = wanted.layout or (layouts[0] if layouts else "")
    store = PairStore.open(folder, split=wanted.split, layout=layout or "wds-4096")
    masks = chosen_masks(store, home_folder(home), wanted.decisions, is_unmasked=wanted.is_unmasked)
    target = folder_at(wanted.folder)
    count = wanted.count or store.ledger.largest().attempted
    with _progress("export", f"{wanted.split}/{store.layout}", "pairs") as report:
        options = {"variant": wanted.variant} if wanted.variant else {}
        num = EXPORTS[wanted.to](store, target, count=count, masks=masks, report=report, **options)
    named = ", ".join(short(mask.decision) for mask in masks)
    masked = f", without what {named} drops" if masks else ", no mask applied"
    unit = "pictures" if wanted.to in _PICTURES else "pairs"
    typer.echo(f"{target.url}: {num:,} {unit}{masked}")


@contextmanager
def _progress(stage: str, name: str, unit: str) -> Iterator[Report]:
    with Terminal() as terminal:
        meter = Meter(terminal.report, stage, name, 0, unit)

        def report(done: int, total: int) -> None:
            meter.total = total
            meter.at(done)

        yield report


def _layouts(folder: Folder) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for place in splits_of(folder):
        split, layout = place.split("/")
        found.setdefault(split, []).append(layout)
    return found


def _source(split: str, layouts: list[str], *, to: str, source: str) -> str | None:
    """The layout to convert from: the one that was named, else one whose shards are as large."""
    others = [layout for layout in layouts if layout != to]
    if source and source not in others:
        known = ", ".join(others) or "no other"
        raise ValueError(f"'{split}' is not there in layout {source}; there is {known}")
    size = to.rpartition("-")[2]
    others.sort(key=lambda layout: (layout.rpartition("-")[2] != size, layout))
    return source or next(iter(others), None)


def _masks(made: PairStore, store: PairStore) -> str:
    if not (store.base / "masks").names():
        return ""
    if made.shard_size == store.shard_size:
        return ", with its masks"
    return "; its shards are others, so run filter-pairs for it"


def _name(wanted: Import, defaults: ImportedPairs) -> str:
    if wanted.importer == DEFAULT_IMPORTER:
        return defaults.name
    raise ValueError(f"say what the set is to be called with --name (importer {wanted.importer})")


def _rows(wanted: Import, defaults: ImportedPairs) -> Mapping[str, tuple[int, int]] | None:
    """Rows as given; of the published checkerboard, what is left empty is as in its recipe."""
    given = {"train": wanted.train, "heldout": wanted.heldout}
    rows = {split: _range(split, text) for split, text in given.items() if text}
    if wanted.importer == DEFAULT_IMPORTER:
        return {"train": defaults.train_rows, "heldout": defaults.heldout_rows} | rows
    return rows or None


def _range(split: str, text: str) -> tuple[int, int]:
    first, end = map(whole_number, text.partition(":")[::2])
    if first is None or end is None:
        raise ValueError(f"--{split} {text[:60]}: write rows as FIRST:END, for instance 0:45000")
    return first, end


def _options(wanted: Import) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for each in wanted.options:
        name, equals, value = each.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"--set {each}: write it as --set NAME=VALUE, as in x_0_dtype=uint8")
        options[name] = read_yaml(value, f"--set {name}: the value")
    if wanted.noise:
        if wanted.noise not in ("first", "last"):
            raise ValueError(f"--noise is '{wanted.noise}'; it must be 'first' or 'last'")
        if options.get("noise_end", wanted.noise) != wanted.noise:
            raise ValueError("--noise and --set noise_end name different ends; give one of them")
        options["noise_end"] = wanted.noise
    return options
