"""Whether filters have kept anything: asked without torch, by processes that only hand out work."""

from storage.store import PairStore


def has_kept(store: PairStore) -> bool:
    """Whether a split has a pair that its filters kept."""
    return any(record.kept for record in store.records(store.ledger.recorded()))
