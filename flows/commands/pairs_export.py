"""`kdm pairs export`: writes pairs for other trainers, or the teacher's pictures alone."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import typer

from flows.commands.chosen_masks import chosen_masks
from flows.commands.stored_set import layouts_by_split, require_set
from flows.home import found, home_folder
from flows.terminal import counting
from storage.digest import short
from storage.exporters.export import Chosen
from storage.exporters.forms import PICTURES, exporter
from storage.folders import WouldWriteError, folder_at, untouched
from storage.store import PairStore


@dataclass(frozen=True)
class Export:
    """Which pairs of a set to export, and how."""

    to: str
    folder: str
    split: str = "train"
    layout: str = ""
    count: int | None = None
    variant: str = ""
    decisions: Sequence[str] = ()
    is_unmasked: bool = False
    is_dry: bool = False


def export_set(name: str, home: str, wanted: Export) -> None:
    """Write pairs for other trainers, without those that the recipe's filters dropped.

    A dry run says how many they are, once the folder may be written to.
    """
    export = exporter(wanted.to)
    if wanted.variant and wanted.to != "kdm-npz":
        raise ValueError(f"--variant is for --to kdm-npz; leave it out with --to {wanted.to}")
    folder = found(home, "pairs", name)
    require_set(folder)
    layouts = layouts_by_split(folder).get(wanted.split, [])
    layout = wanted.layout or (layouts[0] if layouts else "")
    store = PairStore.open(folder, split=wanted.split, layout=layout or "wds-4096")
    masks = chosen_masks(store, home_folder(home), wanted.decisions, is_unmasked=wanted.is_unmasked)
    count = wanted.count or store.ledger.largest().attempted
    chosen = Chosen.of(store, count, masks)
    options = {"variant": wanted.variant} if wanted.variant else {}
    if wanted.is_dry:
        with (
            untouched(),
            suppress(WouldWriteError),
        ):  # at its first new file, after all that it refuses
            target = folder_at(wanted.folder)
            export(chosen, target, **options)
        num = chosen.num_pairs()
    else:
        target = folder_at(wanted.folder)
        with counting("export", f"{wanted.split}/{store.layout}", "pairs") as report:
            num = export(chosen, target, report=report, **options)
    named = ", ".join(short(mask.decision) for mask in masks)
    masked = f", without what {named} drops" if masks else ", no mask applied"
    unit = "pictures" if wanted.to in PICTURES else "pairs"
    ending = "; nothing was written" if wanted.is_dry else ""
    typer.echo(f"{target.url}: {num:,} {unit}{masked}{ending}")
