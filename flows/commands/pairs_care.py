"""`kdm pairs verify` and `repair`: find damage, and fix it."""

from collections.abc import Sequence
from typing import Any

import typer

from flows.care.repair import LEFT_TO_GC, planned, repair
from flows.care.sources import Sources
from flows.commands.set_stores import fail_with, sound_set, stores_of
from flows.commands.stored_set import home_of
from flows.table import many, say_document
from flows.terminal import counting
from storage.care.fault import Fault
from storage.care.verify import faults
from storage.care.verify_purges import purge_faults
from storage.folders import local_file
from storage.store import PairStore

_LEFT = {
    "gc": "left to 'kdm pairs gc'",
    "you": "left to you: it is no file of kdm's",
    "filter-pairs": "run filter-pairs to restore it",
}


def verify(name: str, home: str, *, is_deep: bool, as_json: bool) -> None:
    """Check a set; prints every fault, with exit code 1 if there is one."""
    found: dict[str, list[Fault]] = {}
    folder, stores = sound_set(name, home)
    for store in stores:
        with counting("verify", _place(store), "shards") as report:
            found[_place(store)] = faults(store, deep=is_deep, report=report)
        if not as_json:
            said = _judgement(store, found[_place(store)], is_deep=is_deep)
            typer.echo(f"{_place(store)}: {said}")
    of_purges = purge_faults(stores)
    wrong = [fault for each in (*found.values(), of_purges) for fault in each]
    if as_json:
        shards = {_place(store): len(store.ledger.recorded()) for store in stores}
        say_document(
            {
                "folder": folder.url,
                "is_sound": not wrong,
                "is_deep": is_deep,
                "splits": {
                    place: {"shards": shards[place], "faults": _documents(each)}
                    for place, each in found.items()
                },
                "purges": {"faults": _documents(of_purges)},
            }
        )
    fail_with([f"{fault.kind}: {fault.sentence}" for fault in wrong])


def _documents(wrong: Sequence[Fault]) -> list[dict[str, Any]]:
    return [fault._asdict() for fault in wrong]


def repair_set(name: str, home: str, *, source: str, is_dry: bool) -> None:
    """Restore what is damaged and check again; exit code 1 if something couldn't be fixed."""
    folder, stores = sound_set(name, home)
    sources = Sources(
        home_of(folder, home),
        local_file(source, "what a set was imported from") if source else None,
    )
    failed = []
    for store in stores:
        with counting("verify", _place(store), "shards") as report:
            wrong = faults(store, report=report)
        lines, of_store = _planned(store, wrong) if is_dry else _mended(store, wrong, sources)
        base = f"{_place(store)}/"
        for line in lines or ["sound"]:
            typer.echo(f"{_place(store)}: {line.removeprefix(base)}")
        failed += of_store
    failed += [f"{fault.kind}: {fault.sentence}" for fault in purge_faults(stores_of(folder))]
    fail_with(failed)


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
    """Who fixes what repair can't: 'you', 'gc', 'filter-pairs', or nobody ('')."""
    if fault.kind == "foreign":
        return "you"
    if fault.kind in LEFT_TO_GC:
        return "gc"
    return "filter-pairs" if fault.kind == "missing" and "/masks/" in fault.file else ""
