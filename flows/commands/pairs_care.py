"""`kdm pairs verify`, `repair` and `gc`: find damage, fix it, and remove leftover files."""

from collections.abc import Iterator

import typer

from flows.care.repair import LEFT_TO_GC, planned, repair
from flows.care.sources import Sources
from flows.commands.stored_set import home_of, require_set
from flows.home import found, home_folder, things
from flows.table import aligned, many, num_bytes
from flows.terminal import counting
from storage.care.fault import Fault
from storage.care.garbage import Waste, temporary_files, waste_of
from storage.care.verify import faults, spec_faults
from storage.errors import DamageError
from storage.folders import Folder, local_file
from storage.folders.uploads import Upload, abort, unfinished_uploads
from storage.set_folder import places
from storage.spec_file import read_spec
from storage.store import PairStore

_LEFT = {"gc": "left to 'kdm pairs gc'", "filter-pairs": "run filter-pairs to restore it"}


def verify(name: str, home: str, *, is_deep: bool) -> None:
    """Check a set; prints every fault, with exit code 1 if there is one."""
    wrong = []
    for store in _stores(found(home, "pairs", name)):
        with counting("verify", _place(store), "shards") as report:
            of_store = faults(store, deep=is_deep, report=report)
        typer.echo(f"{_place(store)}: {_judgement(store, of_store, is_deep=is_deep)}")
        wrong += of_store
    _fail_with([f"{fault.kind}: {fault.sentence}" for fault in wrong])


def repair_set(name: str, home: str, *, source: str, is_dry: bool) -> None:
    """Restore what is damaged and check again; exit code 1 if something couldn't be fixed."""
    folder = found(home, "pairs", name)
    sources = Sources(
        home_of(folder, home),
        local_file(source, "what a set was imported from") if source else None,
    )
    failed = []
    for store in _stores(folder):
        with counting("verify", _place(store), "shards") as report:
            wrong = faults(store, report=report)
        lines, of_store = _planned(store, wrong) if is_dry else _mended(store, wrong, sources)
        base = f"{_place(store)}/"
        for line in lines or ["sound"]:
            typer.echo(f"{_place(store)}: {line.removeprefix(base)}")
        failed += of_store
    _fail_with(failed)


def clear(name: str, home: str, *, older_than: float, is_confirmed: bool) -> None:
    """List leftover files of one set or of all, ask, and remove them."""
    place = home_folder(home)
    names = [name] if name else things(place, "pairs")
    sets = [found(home, "pairs", each) for each in names]
    if name:
        require_set(sets[0])
    # Nothing in a folder is looked at, let alone removed, before its spec shows that it's a set.
    unsure = [fault.sentence for each in sets for fault in spec_faults(each)]
    sets = [each for each in sets if not spec_faults(each)]
    waste = {each: list(_waste(each, older_than, unsure)) for each in sets}
    uploads = {each: unfinished_uploads(each, older_than=older_than) for each in sets}
    _tell(waste, uploads)
    if any(waste.values()) or any(uploads.values()):
        freed = sum(file.num_bytes for files in waste.values() for file in files)
        if not is_confirmed:
            typer.confirm(f"Remove them ({num_bytes(freed)})?", abort=True)
        _remove(waste, uploads)
        typer.echo(f"freed {freed:,} bytes")
    _fail_with(unsure)


def _stores(folder: Folder) -> list[PairStore]:
    """Every split in every layout, including unfinished ones; exit code 1 if the spec is damaged."""
    if folder.exists("spec.json") or not places(folder):
        require_set(folder)
    _fail_with([f"{fault.kind}: {fault.sentence}" for fault in spec_faults(folder)])
    spec = read_spec(folder)
    return [PairStore(folder, split, layout, spec) for split, layout in places(folder)]


def _place(store: PairStore) -> str:
    return f"{store.split}/{store.layout}"


def _judgement(store: PairStore, wrong: list[Fault], *, is_deep: bool) -> str:
    num_shards = len(store.ledger.recorded())
    if wrong:
        damaged = {fault.shard for fault in wrong if fault.shard is not None}
        shards = many(num_shards, "shard")
        return f"{many(len(wrong), 'fault')}, {len(damaged)} of {shards} affected"
    checked = "bytes, digests, contents, labels, values" if is_deep else "bytes, digests"
    return f"{many(num_shards, 'shard')} sound ({checked})"


def _planned(store: PairStore, wrong: list[Fault]) -> tuple[list[str], list[str]]:
    lines = [f"{fault.file}: {_LEFT[_rest(fault)]}" for fault in wrong if _rest(fault)]
    return planned(store, wrong) + lines, []


def _mended(store: PairStore, wrong: list[Fault], sources: Sources) -> tuple[list[str], list[str]]:
    if not wrong:
        return [], []
    with counting("repair", _place(store), "shards") as report:
        result = repair(store, wrong, sources, report)
    # Nothing is trusted from the first check: a new store reads every byte again.
    again = faults(PairStore(store.folder, store.split, store.layout, store.spec))
    lines = [
        f"{fault.file}: {fault.kind}, {_LEFT[_rest(fault)]}" for fault in again if _rest(fault)
    ]
    failed = [f"{fault.kind}: {fault.sentence}" for fault in again if not _rest(fault)]
    return result.done + lines, result.failed + failed


def _rest(fault: Fault) -> str:
    """Which command fixes what repair can't: 'gc', 'filter-pairs', or none ('')."""
    if fault.kind in LEFT_TO_GC:
        return "gc"
    return "filter-pairs" if fault.kind == "missing" and "/masks/" in fault.file else ""


def _waste(folder: Folder, older_than: float, unsure: list[str]) -> Iterator[Waste]:
    yield from temporary_files(folder, older_than=older_than)
    for split, layout in places(folder):
        store = PairStore(folder, split, layout, read_spec(folder))
        try:
            yield from waste_of(store, older_than=older_than)
        except DamageError as error:
            unsure.append(str(error))


def _tell(waste: dict[Folder, list[Waste]], uploads: dict[Folder, list[Upload]]) -> None:
    rows = [
        [f"{folder.name}/{file.file}", num_bytes(file.num_bytes), file.why]
        for folder, files in waste.items()
        for file in files
    ]
    rows += [[each.key, "?", "an upload never ended"] for many in uploads.values() for each in many]
    typer.echo(aligned([["file", "size", "why"], *rows]) if rows else "nothing to remove")


def _remove(waste: dict[Folder, list[Waste]], uploads: dict[Folder, list[Upload]]) -> None:
    for folder, files in waste.items():
        for file in files:
            folder.remove(file.file)
    for folder, begun in uploads.items():
        for upload in begun:
            abort(folder, upload)


def _fail_with(sentences: list[str]) -> None:
    for sentence in sentences:
        typer.echo(sentence, err=True)
    if sentences:
        raise typer.Exit(1)
