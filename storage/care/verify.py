"""Every file of a set against what it must be: what is damaged, missing, swapped, or doesn't belong there.

No file is trusted because it can be read: records and manifests go by their digests, shards by the
sha256 that was recorded, masks by digest and place; a file that no document mentions is reported too.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from storage.care.fault import Fault, Kind, words_of
from storage.care.inventory import Inventory
from storage.care.verify_shard import shard_report
from storage.errors import DamageError, MismatchError
from storage.folders import Folder
from storage.golden_noise import GOLDEN_NOISE, golden_noise_digest
from storage.spec_file import own_spec
from storage.store import PairStore

Report = Callable[[int, int], None]  # shards that are done, of all
# Shards in memory at once, read and hashed side by side; one of large images may have gigabytes.
_AT_ONCE = 2


def spec_faults(folder: Folder) -> list[Fault]:
    """What is wrong with a set's spec; without a sound one nothing else can be judged."""

    def of_spec(kind: Kind, words: str) -> list[Fault]:
        return [Fault(kind, None, "spec.json", f"{folder.url}/spec.json {words}")]

    try:
        own_spec(folder)
    except MismatchError as error:
        return of_spec("swapped", words_of(error, f"{folder.url}/spec.json"))
    except FileNotFoundError:
        return of_spec("missing", "is missing; restore it, or run generate-pairs again")
    except DamageError as error:
        words = words_of(error, f"{folder.url}/spec.json")
        return of_spec("damaged", f"{words}, and run generate-pairs again")
    return []


def faults(
    store: PairStore, *, deep: bool = False, report: Report = lambda done, total: None
) -> list[Fault]:
    """All faults of one split in one layout; every byte is read, two shards at a time.

    `deep` decodes the shards too: content, indices, labels, values, and this machine's noise.
    """
    found = Inventory.of(store)
    shards, sizes = found.numbers("records"), found.numbers("manifests")
    _check_shards(found, shards, deep=deep, report=report)
    found.manifests(sizes)
    found.metadata(max(sizes, default=0))
    found.masks()
    found.leftovers()
    if deep and store.schema.noise.kind != "stored" and golden_noise_digest() != GOLDEN_NOISE:
        words = "may be sound, but this machine's numpy draws other noise: install another numpy"
        found.note("damaged", "shards", words)
    return found.faults


def _check_shards(found: Inventory, shards: list[int], *, deep: bool, report: Report) -> None:
    digests: dict[str, str] = {}
    judge = partial(shard_report, found.store, deep=deep)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for first in range(0, len(shards), _AT_ONCE):
            report(first, len(shards))
            records = list(found.records(shards[first : first + _AT_ONCE]))
            for judged in threads.map(judge, records):
                found.faults += judged.faults
                digests |= judged.digests
    report(len(shards), len(shards))
    found.faults = [_swapped(fault, found, digests) for fault in found.faults]


def _swapped(fault: Fault, found: Inventory, digests: dict[str, str]) -> Fault:
    """A damaged file with exactly the bytes recorded for another shard is a swapped one."""
    other = found.shard_of_digest.get(digests.get(fault.file, ""))
    if other is None or fault.kind != "damaged":
        return fault
    words = f"{fault.sentence} (it holds the bytes of shard {other}: files were swapped)"
    return fault._replace(kind="swapped", sentence=words)
