"""What a purge writes first: the journal, which closes the set, and the rows that it removes."""

from collections.abc import Sequence
from itertools import groupby

from storage.care.purge_plan import Plan, plan_purge
from storage.digest import seal
from storage.errors import UnfinishedPurgeError
from storage.folders import Folder
from storage.masks import Mask
from storage.purges import BLOCK, JOURNAL, Purges, rows_name
from storage.shard_record import VERSION
from storage.store import PairStore


def begin_purge(folder: Folder, stores: Sequence[PairStore], plan: Plan) -> None:
    """Write the journal: from now on the set is closed until `finish_purge` has ended."""
    purges = Purges(folder, stores[0].spec_digest)
    folder.require_space(
        plan.num_bytes, "a purge, which writes shards anew before it removes them,"
    )
    number = max(purges.numbers, default=0) + 1
    if not purges.place.create(JOURNAL, seal(plan.document(number, purges.spec_digest))):
        raise UnfinishedPurgeError(f"{folder.url} is being purged by another process")


def write_rows(purges: Purges, stores: Sequence[PairStore]) -> None:
    """The rows of the purge, by split and block; before anything that they follow from is replaced."""
    journal = purges.journal()
    number, splits = int(journal["number"]), journal["splits"]
    mask = Mask(score=journal["score"], decision=journal["decision"])
    if all(purges.block_numbers(number, each) == splits[each]["blocks"] for each in splits):
        return
    about = {
        "version": VERSION,
        "number": number,
        "spec_digest": purges.spec_digest,
        **mask.model_dump(),
    }
    for split, rows in plan_purge(stores, mask).rows.items():
        for block, of_block in groupby(rows, lambda row: row["index"] // BLOCK):
            document = {**about, "split": split, "block": block, "rows": list(of_block)}
            purges.place.create(rows_name(number, split, block), seal(document))
