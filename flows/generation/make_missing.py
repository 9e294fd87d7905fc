"""Makes the missing shards of a set: prints their cost, hands them to an engine, waits for what others hold.

Several commands may make one set at once, on any machines. Each takes shards that nobody has claimed, then
those whose owner died or fell silent, and freezes the set once all are there.
"""

from flows.generation.engines import is_in_process, start_of
from flows.generation.invalid_pairs import InvalidPairs
from flows.generation.kept import has_kept
from flows.generation.part import Part
from flows.generation.passes import Making
from flows.generation.tally import Tally
from flows.generation.unit import Unit
from flows.generation.work import Announcement, Missing, Work

# A filter keeps 8 bytes of score and 1 of decision a sample, as base64 (4 bytes for 3), and a row of
# text for each that it drops. A shard adds its tar's heads, its record and the ends of disk blocks.
MASK_BYTES, SHARD_BYTES = 16, 24 * 1024


def make_missing(work: Work, missing: Missing, *, part: Part | None = None) -> bool:
    """Make what is missing; whether all is there at the end.

    It isn't if this is a `part` with nothing left to take while others still work: the last of
    them ends the set. Shards that are written when an error occurs stay.
    """
    _require_space(work, missing)
    if work.spec.sampler.caution:
        work.run.say(work.spec.sampler.caution)
    invalid = InvalidPairs.recorded(work.stores, work.counts, missing)
    start = start_of(work.run)
    if work.spec.drop_at_write and not is_in_process(work.run):
        _make_first(work, missing, invalid)
        missing = work.missing()
    num_pairs = sum(map(len, missing.values())) * work.shard_size
    announcement = Announcement(num_pairs, _num_bytes(work, missing))
    longest = max(map(len, missing.values()))
    with start(work, invalid.note, announcement, num_shards=longest) as engine:
        return Making(work, engine, invalid, part, missing).until_all_is_there()


def make_unit_here(work: Work, split: str, shards: list[int]) -> None:
    """Make some shards of a split in this process, as far as nobody else is at them."""
    from flows.generation.maker import prepared_maker

    tally = Tally(work, split, len(shards))
    prepared = prepared_maker(
        work,
        InvalidPairs(work.num_indices).note,
        num_workers=work.pairs.num_workers,
        num_shards=len(shards),
    )
    with prepared as maker, tally.timed():
        tally.take(maker.make(Unit(split, shards), tally.on_message))


def _make_first(work: Work, missing: Missing, invalid: InvalidPairs) -> None:
    """Make shards here until each split has a pair that its filters keep.

    Whether a filter rejects everything is for one process to see, before others begin.
    """
    if all(map(has_kept, work.stores.values())):
        return
    from flows.generation.maker import prepared_maker

    prepared = prepared_maker(work, invalid.note, num_workers=1, num_shards=1)
    with prepared as maker:
        for split, shards in missing.items():
            next(maker.writers[split].written(shards, lambda _message: None), None)


def _num_bytes(work: Work, missing: Missing) -> int:
    """Bytes on disk, including what filters will store next to the pairs."""
    num_shards, store = sum(map(len, missing.values())), work.stores["train"]
    return num_shards * (store.shard_size * (store.schema.num_bytes + MASK_BYTES) + SHARD_BYTES)


def _require_space(work: Work, missing: Missing) -> None:
    purpose = f"making {sum(map(len, missing.values()))} shards"
    folder = work.stores["train"].folder
    folder.require_writable(purpose)
    folder.require_space(_num_bytes(work, missing), purpose)
