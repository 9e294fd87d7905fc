"""`kdm pairs purge`: removes what a decision dropped for good, and names the students that had read it."""

from collections.abc import Sequence

import typer

from flows.care.purging import purge, require_quiet, require_sound, tidy_after_purges
from flows.commands.purge_readers import Readers, readers_of, removed_before, removed_by
from flows.commands.set_stores import fail_with, stores_of
from flows.commands.stored_set import home_of, require_set
from flows.home import found
from flows.table import many, num_bytes
from flows.terminal import counting
from flows.verbosity import warn
from storage.care.purge_plan import Plan, plan_purge
from storage.care.verify import spec_faults
from storage.decisions import decision_of_set
from storage.digest import short
from storage.folders import Folder
from storage.store import PairStore

_LEFT = (
    "not touched: exports, copies and backups elsewhere, pictures in reports and of students, and on other "
    "machines that read this set the cache, which the same command empties there (docs/privacy.md)"
)


def purge_set(name: str, home: str, *, decision: str, is_confirmed: bool) -> None:
    """Say what would go; with `is_confirmed`, remove it, or go on with a purge that was begun."""
    folder = found(home, "pairs", name)
    require_set(folder)
    fail_with([f"{fault.kind}: {fault.sentence}" for fault in spec_faults(folder)])
    stores = stores_of(folder)
    place = home_of(folder, home)
    if stores and stores[0].purges.is_unfinished:
        _go_on(folder, stores, place, decision, is_confirmed=is_confirmed)
        return
    mask = decision_of_set(folder, decision)
    plan = plan_purge(stores, mask)
    if not plan.num_rows:
        tidy_after_purges(folder, stores)
        typer.echo(f"{short(mask.decision)} drops none of the pairs that are stored")
        _tell_readers(readers_of(place, removed_before(stores)))
        return
    _tell_plan(plan)
    if not is_confirmed:
        _tell_readers(readers_of(place, removed_by(stores, plan)))
        typer.echo("nothing was changed; end what reads this set, then add --yes")
        return
    require_quiet(folder, stores)
    for store in stores:
        with counting("verify", store.place, "shards") as report:
            require_sound(store, report)
    _purge(folder, stores, place, plan)


def _go_on(
    folder: Folder, stores: Sequence[PairStore], home: Folder, decision: str, *, is_confirmed: bool
) -> None:
    begun = str(stores[0].purges.journal()["decision"])
    if not decision or not begun.startswith(decision):
        raise ValueError(
            f"{folder.url} is being purged by decision {short(begun)}, not by '{decision}'; finish that "
            f"first: --decision {short(begun)} --yes"
        )
    if not is_confirmed:
        _tell_readers(readers_of(home, removed_before(stores)))
        typer.echo(f"a purge by {short(begun)} is half done; add --yes to finish it")
        return
    _purge(folder, stores, home, None)


def _purge(folder: Folder, stores: Sequence[PairStore], home: Folder, plan: Plan | None) -> None:
    with counting("purge", folder.name, "shards") as report:
        purge(folder, stores, plan, report=report, say=warn)
    after = stores_of(folder)
    for words in after[0].purges.words():
        typer.echo(f"purged: {words}")
    _tell_readers(readers_of(home, removed_before(after)))
    typer.echo(_LEFT)


def _tell_plan(plan: Plan) -> None:
    for split, stored in sorted(plan.stored.items()):
        rows = plan.rows.get(split, ())
        typer.echo(f"{split}: {len(rows):,} of {stored:,} pairs go")
    for place, shards in plan.shards.items():
        typer.echo(f"{place}: {many(len(shards), 'shard')} written again without them")
    typer.echo(f"shards to write again have {num_bytes(plan.num_bytes)}")


def _tell_readers(readers: Readers) -> None:
    if readers.found:
        typer.echo("students trained on these pairs; remove them ('kdm rm') or train them again:")
    for reader in readers.found:
        typer.echo(f"  students/{reader.name}: {many(reader.num_rows, 'pair')} of them")
    if not readers.found:
        typer.echo("no student in this home has read these pairs")
    for fault in readers.faults:
        warn(f"  not known: {fault}")
