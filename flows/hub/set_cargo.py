"""A set of pairs as it travels: spec, records, manifests and shards as they are, and what the viewer shows.

Masks, scores and audits stay here: they are reports on the private data (docs/privacy.md). What is pushed
can't be left out in part, so a set of which a filter's decision drops pairs is refused unless all may go.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from flows.documents.mask_counts import masked_by_decision
from flows.documents.set_card import card_for_strangers
from flows.hub.cargo import Cargo, Shown, Source, sources_of
from flows.hub.no_places import told_documents
from flows.hub.set_readme import set_readme
from flows.hub.told_reasons import told_reasons
from kdm.hub.hub_address import HubAddress
from storage.care.verify import faults, spec_faults
from storage.care.verify_purges import purge_faults
from storage.digest import short
from storage.errors import DamageError
from storage.exporters.as_view import view_tar
from storage.folders import Folder
from storage.set_folder import splits_of
from storage.store import PairStore

_VIEW = "view"
_SHOWN = 3


def set_cargo(
    folder: Folder, address: HubAddress, *, layout: str = "", is_unmasked: bool, has_view: bool
) -> Cargo:
    """All that is sent of a set, each split in one layout; every byte is verified first.

    Raises a ValueError if there is no set, or filters would leave out pairs of it, and a DamageError that
    names what is damaged.
    """
    stores = _stores(folder, layout)
    _require_sound(folder, stores)
    if not is_unmasked:
        _require_unmasked(stores)
    sources = dict(_files(folder, stores))
    told_documents(folder, sources)  # a spec, which is the name, may say no place
    shown = list(_view(stores)) if has_view else []
    card = card_for_strangers(folder, stores)
    return Cargo.of(
        "pairs",
        folder.name,
        stores[0].spec_digest,
        sources,
        card=set_readme(card, address.repo, has_view=has_view),
        shown=shown,
    )


def _stores(folder: Folder, layout: str) -> list[PairStore]:
    """Every split, in the wanted layout or its first one; training pairs come first."""
    chosen: dict[str, str] = {}
    for split, found in (place.split("/") for place in splits_of(folder)):
        chosen.setdefault(split, layout or found)
    stores = [PairStore.open(folder, split=split, layout=each) for split, each in chosen.items()]
    frozen = [store for store in stores if store.ledger.sizes()]
    if not frozen:
        raise ValueError(
            f"{folder.url} holds no finished pairs; run generate-pairs to its end first"
        )
    return sorted(frozen, key=lambda store: (store.split != "train", store.split))


def _require_sound(folder: Folder, stores: Sequence[PairStore]) -> None:
    wrong = [*spec_faults(folder), *(fault for store in stores for fault in faults(store))]
    wrong = wrong or purge_faults(stores)
    if wrong:
        said = "; ".join(fault.sentence for fault in wrong[:_SHOWN])
        raise DamageError(
            f"{said}; nothing was pushed: run 'kdm pairs verify' and 'kdm pairs repair'"
        )


def _require_unmasked(stores: Sequence[PairStore]) -> None:
    for store in stores:
        dropped = max(masked_by_decision(store), default=0)
        if dropped:
            raise ValueError(
                f"filters leave out {dropped:,} pairs of {store.base.url}, and a push sends whole shards: "
                "remove them first with 'kdm pairs purge', or say --unmasked if everyone may have them"
            )


def _files(folder: Folder, stores: Sequence[PairStore]) -> Iterator[tuple[str, Source]]:
    wanted = ("spec.json", "pairs.png", *(f"{store.place}/" for store in stores))
    for name, source in sources_of(folder, "pairs").items():
        if name.startswith(wanted):
            yield name, source
    yield from told_reasons(folder, stores).items()  # in the place of those that tell scores


def _view(stores: Sequence[PairStore]) -> Iterator[Shown]:
    for store in stores:
        for shard, content in enumerate(store.ledger.largest().content_digests):
            name = f"{_VIEW}/{store.split}-{shard:06d}-{short(content)}.tar"
            yield Shown(name, partial(_tar, store, shard, content))


def _tar(store: PairStore, shard: int, content: str) -> bytes:
    return view_tar(store.columns(shard, content), store.schema)
