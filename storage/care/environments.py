"""The environment that a record names for a shard that was made in shards of another size."""

from collections.abc import Mapping
from typing import Any

from storage.errors import DamageError
from storage.store import PairStore

# What a record of a converted set adds to its environment: bits depend on which samples were computed
# side by side, so anything that makes a shard again must know in which shards the teacher ran.
MADE_IN = "made_in_shards_of"


def environment_in(
    target: PairStore, environment: Mapping[str, Any], source_size: int
) -> dict[str, Any]:
    """The environment as a record of the target says it; on the way back it is as it was."""
    made_in = environment.get(MADE_IN, source_size)
    plain = {name: value for name, value in environment.items() if name != MADE_IN}
    return plain if made_in == target.shard_size else {**plain, MADE_IN: made_in}


def common_environment(store: PairStore) -> dict[str, Any] | None:
    """What all readable records agree on; None if they differ or don't exist."""
    found: dict[str, Any] | None = None
    for shard in store.ledger.recorded():
        try:
            environment = store.record(shard).environment
        except DamageError:
            continue
        if found is not None and environment != found:
            return None
        found = environment
    return found
