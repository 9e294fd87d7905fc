"""`kdm pairs who`: who is making which shards of a set, since when, what died, what is left, at what rate."""

import time
from dataclasses import dataclass, field

import typer

from flows.claim_file import Claim, claim_span, has_died, holder_is_stopped, is_here, process_number
from flows.commands.stored_set import require_set
from flows.generation.shard_claims import holders
from flows.home import found
from flows.table import aligned
from flows.terminal import clock
from storage.folders import Folder
from storage.set_folder import places
from storage.spec_file import own_spec
from storage.store import PairStore

_HEAD = ["split", "shards", "process", "machine", "engine", "part", "since", "state"]
_NUM_RECENT = 100  # records whose times give the rate
_WATCH_EVERY = 5.0


def who(name: str, home: str, *, watches: bool) -> None:
    """Print it once, or every five seconds until nobody is at work."""
    folder = found(home, "pairs", name)
    require_set(folder)
    signs = _Signs()
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


def _standing(store: PairStore, claims: dict[int, Claim]) -> str:
    """'train/wds-4096: 40 of 245 shards are there; 0.5 a second, 6:50 to go'."""
    files = (store.base / "records").files()
    num_there = len(files)
    wanted = max((int(claim.get("num_shards", 0)) for claim in claims.values()), default=0)
    said = f"{store.place}: {num_there:,} shards are there"
    if wanted:
        said = f"{store.place}: {num_there:,} of {wanted:,} shards are there"
    times = sorted(each.modified_at for each in files.values())[-_NUM_RECENT:]
    if not claims or len(times) < 2 or times[-1] <= times[0]:
        return said
    rate = (len(times) - 1) / (times[-1] - times[0])
    left = f", {clock((wanted - num_there) / rate)} to go" if wanted > num_there else ""
    return f"{said}; {rate:.3g} a second over the last {len(times)}{left}"
