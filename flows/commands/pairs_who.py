"""`kdm pairs who`: who is making which shards of a set, since when, what died, what is left, at what rate."""

import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import typer

from flows.claim_file import Claim, claim_span, has_died, holder_is_stopped, is_here, process_number
from flows.commands.stored_set import require_set
from flows.generation.shard_claims import holders
from flows.home import found
from flows.table import aligned, say_document
from flows.terminal import clock
from storage.folders import Folder
from storage.set_folder import places
from storage.spec_file import own_spec
from storage.store import PairStore

_HEAD = ["split", "shards", "process", "machine", "engine", "part", "since", "state"]
_NUM_RECENT = 100  # records whose times give the rate
_WATCH_EVERY = 5.0


def who(name: str, home: str, *, watches: bool, as_json: bool) -> None:
    """Print it once, or every five seconds until nobody is at work."""
    folder = found(home, "pairs", name)
    require_set(folder)
    signs = _Signs()
    if as_json:
        if watches:
            raise ValueError("--watch prints again and again, and --json once; leave one out")
        _say_json(folder, signs)
        return
    while True:
        is_at_work = _print(folder, signs)
        if not watches or not is_at_work:
            return
        time.sleep(_WATCH_EVERY)
        typer.echo()


@dataclass
class _Signs:
    """When each claim was last seen to change, by this process's own clock."""

    _seen: dict[tuple[str, int], tuple[Claim, float]] = field(default_factory=dict)

    def state(self, split: str, shard: int, claim: Claim) -> str:
        """'lives', 'died', 'stopped', or what is known of a process elsewhere."""
        if has_died(claim):
            return "died: its shards are free"
        if is_here(claim):
            return "stopped" if holder_is_stopped(claim) else "lives"
        before, since = self._seen.get((split, shard), (None, 0.0))
        now = time.monotonic()
        if claim != before:
            self._seen[split, shard] = (claim, now)
            return "not known yet: see --watch" if before is None else "lives"
        if now - since > claim_span():
            return f"silent for {clock(now - since)}: its shards are free"
        return f"last sign {clock(now - since)} ago"


def _print(folder: Folder, signs: _Signs) -> bool:
    """Whether anybody has claimed a shard."""
    rows, spec = [], own_spec(folder)
    for split, layout in places(folder):
        store = PairStore(folder, split, layout, spec)
        claims = holders(store)
        typer.echo(_standing(store, claims))
        rows += [_row(store, shards, claims, signs) for shards in _by_process(claims)]
    if rows:
        typer.echo(aligned([_HEAD, *rows]))
    else:
        typer.echo(f"nobody is making shards of {folder.name}")
    return bool(rows)


def _say_json(folder: Folder, signs: _Signs) -> None:
    makers: list[dict[str, Any]] = []
    splits, spec = {}, own_spec(folder)
    for split, layout in places(folder):
        store = PairStore(folder, split, layout, spec)
        claims = holders(store)
        splits[store.place] = _Standing.of(store, claims)._asdict()
        for shards in _by_process(claims):
            cells = _row(store, shards, claims, signs)
            makers.append({**dict(zip(_HEAD, cells, strict=True)), "shards": shards})
    say_document({"folder": folder.url, "splits": splits, "makers": makers})


def _by_process(claims: dict[int, Claim]) -> list[list[int]]:
    """The shards of each process, in the order of their first ones."""
    makers: dict[tuple[str, str], list[int]] = {}
    for shard, claim in claims.items():
        makers.setdefault((str(claim.get("machine")), str(claim.get("process"))), []).append(shard)
    return list(makers.values())


def _row(store: PairStore, shards: list[int], claims: dict[int, Claim], signs: _Signs) -> list[str]:
    claim = claims[shards[0]]
    return [
        store.split,
        ", ".join(map(str, shards)),
        process_number(claim),
        str(claim.get("machine")),
        str(claim.get("on", "")),
        str(claim.get("part", "")),
        str(claim.get("since")),
        signs.state(store.split, shards[0], claim),
    ]


class _Standing(NamedTuple):
    """How far a split is, and how fast it grows."""

    shards: int  # that are there
    shards_wanted: int | None  # None: nobody is at work who says it
    shards_per_second: float | None  # over the last `num_recent` of them; None: not known
    num_recent: int

    @classmethod
    def of(cls, store: PairStore, claims: dict[int, Claim]) -> Self:
        files = (store.base / "records").files()
        wanted = max((int(claim.get("num_shards", 0)) for claim in claims.values()), default=0)
        times = sorted(each.modified_at for each in files.values())[-_NUM_RECENT:]
        if not claims or len(times) < 2 or times[-1] <= times[0]:
            return cls(len(files), wanted or None, None, 0)
        rate = (len(times) - 1) / (times[-1] - times[0])
        return cls(len(files), wanted or None, rate, len(times))


def _standing(store: PairStore, claims: dict[int, Claim]) -> str:
    """'train/wds-4096: 40 of 245 shards are there; 0.5 a second, 6:50 to go'."""
    num_there, wanted, rate, num_recent = _Standing.of(store, claims)
    of = f" of {wanted:,}" if wanted else ""
    said = f"{store.place}: {num_there:,}{of} shards are there"
    if rate is None:
        return said
    is_unfinished = wanted is not None and wanted > num_there
    left = f", {clock((wanted - num_there) / rate)} to go" if wanted and is_unfinished else ""
    return f"{said}; {rate:.3g} a second over the last {num_recent}{left}"
