"""The card of a set of pairs, written from what its folder holds."""

from typing import Any

from flows.config.stored_pairs import StoredPairs
from flows.documents.counts import split_counts
from flows.documents.mask_counts import filter_counts
from flows.documents.set_origin import Origin, origin_of_card, origin_of_recipe
from flows.documents.set_picture import SET_PICTURE, draw_set_picture
from flows.stage import Run, StageResult
from kdm.analyze.shown_pairs import can_be_shown
from kdm.licences import UNKNOWN
from kdm.report.content import FilterCounts
from kdm.report.pairs_card import PairsCard, SplitEntry, pairs_card
from pairgen.samplers.sampler import Sampler
from storage.digest import digest_of
from storage.folders import Folder, folder_at
from storage.mask_documents import decisions_of
from storage.masks import judged
from storage.plugins import configure, plugin_names
from storage.set_folder import splits_of
from storage.store import PairStore


def write_pairs_card(run: Run, judged: StageResult) -> None:
    """Write the card of the recipe's pairs; if the recipe doesn't know the licence, the old card's stays.

    A stored set keeps its origin; without filters, its card isn't touched.
    """
    if isinstance(run.recipe.pairs, StoredPairs):
        if run.recipe.filters:
            write_set_card(folder_at(judged.folder))
        return
    folder, origin = folder_at(judged.folder), origin_of_recipe(run.recipe)
    if origin.licence == UNKNOWN:
        origin = origin._replace(licence=origin_of_card(folder).licence)
    write_set_card(folder, origin)


def write_set_card(folder: Folder, origin: Origin | None = None) -> None:
    """Write card.md and pairs.png from what a set holds, unless they're up to date.

    Without an origin, the existing card's is kept.
    """
    stores = [
        PairStore.open(folder, split=split, layout=layout)
        for split, layout in (place.split("/") for place in splits_of(folder))
    ]
    frozen = [store for store in stores if store.ledger.sizes()]
    if not frozen:
        return
    frozen.sort(key=lambda store: (store.split != "train", store.split, store.layout))
    has_picture = frozen[0].schema.shape == (2,) or can_be_shown(frozen[0].schema.shape)
    origin = origin or origin_of_card(folder)
    card = _card(folder, frozen, origin, has_picture=has_picture)
    text = pairs_card(card).encode()
    is_drawn = folder.exists(SET_PICTURE) or not has_picture
    if is_drawn and folder.exists("card.md") and folder.read("card.md") == text:
        return
    if has_picture:
        draw_set_picture(folder, frozen[0])
    folder.replace("card.md", text)


def _card(
    folder: Folder, stores: list[PairStore], origin: Origin, *, has_picture: bool
) -> PairsCard:
    spec = dict(stores[0].spec)
    return PairsCard(
        name=folder.name,
        digest=stores[0].spec_digest,
        teacher=origin.teacher,
        sampler=_sampler_words(spec, stores[0].ledger.largest().nfe),
        spec=spec,
        schema=stores[0].schema,
        splits=tuple(map(_entry, stores)),
        filters=_filters(stores),
        licence=origin.licence,
        has_picture=has_picture,
    )


def _entry(store: PairStore) -> SplitEntry:
    manifest = store.ledger.largest()
    return SplitEntry(
        counts=split_counts(store),
        layout=store.layout,
        num_shards=len(store.ledger.recorded()),
        num_bytes=sum(record.num_bytes for record in store.records(store.ledger.recorded())),
        contents=digest_of(manifest.content_digests),
    )


def _sampler_words(spec: dict[str, Any], nfe: float) -> str:
    """'midpoint in 8 evaluations'; empty if that sampler isn't installed here.

    `nfe` is as it was counted; 0, not known, in sets from before it was.
    """
    choice, guidance = spec.get("sampler"), spec.get("guidance")
    if not isinstance(choice, dict) or choice.get("plugin") not in plugin_names("pairgen.samplers"):
        return ""
    sampler = configure("pairgen.samplers", choice)
    assert isinstance(sampler, Sampler)  # it was registered as one
    words = sampler.plugin if guidance is None else f"{sampler.plugin} with guidance {guidance:g}"
    found = nfe or sampler.nfe
    return f"{words} in {found:g} evaluations of its field" if found else words


def _filters(stores: list[PairStore]) -> tuple[FilterCounts, ...]:
    """The counts of every decision, once for layouts that agree."""
    found: list[FilterCounts] = []
    for store in stores:
        contents = store.ledger.largest().content_digests
        masks = store.base / "masks"
        for mask in decisions_of(masks):
            there = judged(masks, mask)
            decided = [content for content in contents if content in there]
            counts = filter_counts(store, mask, decided) if decided else None
            if counts is not None and counts not in found:
                found.append(counts)
    return tuple(found)
