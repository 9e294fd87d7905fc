"""The card of a set of pairs, written from what its folder holds."""

from dataclasses import replace
from typing import TYPE_CHECKING

from flows.config.stored_pairs import StoredPairs
from flows.documents.dp_claims import claim_of_pairs
from flows.documents.sampler_words import sampler_words
from flows.documents.set_counts import filters_of, split_entry
from flows.documents.set_origin import Origin, origin_of_card, origin_of_recipe
from flows.documents.set_picture import SET_PICTURE, draw_set_picture, has_set_picture
from flows.stage import Run, StageResult
from kdm.report.pairs_card import PairsCard, pairs_card
from storage.set_folder import splits_of
from storage.store import PairStore

if TYPE_CHECKING:
    from storage.folders import Folder


def write_pairs_card(run: Run, judged: StageResult) -> None:
    """Write the card of the recipe's pairs; if the recipe doesn't know the licence, the old card's stays.

    A stored set keeps its origin; without filters, its card isn't touched.
    """
    if isinstance(run.recipe.pairs, StoredPairs):
        if run.recipe.filters:
            write_set_card(judged.place)
        return
    write_set_card(judged.place, origin_of_recipe(run.recipe, judged.place))


def write_set_card(folder: "Folder", origin: Origin | None = None) -> None:
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
    has_picture = has_set_picture(frozen[0])
    origin = origin or origin_of_card(folder)
    card = _card(folder, frozen, origin, has_picture=has_picture)
    text = pairs_card(card).encode()
    is_drawn = folder.exists(SET_PICTURE) or not has_picture
    if is_drawn and folder.exists("card.md") and folder.read("card.md") == text:
        return
    if has_picture:
        draw_set_picture(folder, frozen[0])
    folder.replace("card.md", text)


def card_for_strangers(folder: "Folder", stores: list[PairStore]) -> PairsCard:
    """What a card says of some splits of a set to those who get no masks: nothing of filters' thresholds.

    A calibrated threshold is the score of one held-out sample (docs/privacy.md).
    """
    origin, has_picture = origin_of_card(folder), folder.exists(SET_PICTURE)
    return replace(_card(folder, stores, origin, has_picture=has_picture), filters=())


def _card(
    folder: "Folder", stores: list[PairStore], origin: Origin, *, has_picture: bool
) -> PairsCard:
    spec = dict(stores[0].spec)
    return PairsCard(
        name=folder.name,
        digest=stores[0].spec_digest,
        teacher=origin.teacher,
        sampler=sampler_words(spec, stores[0].ledger.largest().nfe),
        spec=spec,
        schema=stores[0].schema,
        splits=tuple(map(split_entry, stores)),
        filters=filters_of(stores),
        purged=tuple(stores[0].purges.words()),
        licence=origin.licence,
        has_picture=has_picture,
        claim=claim_of_pairs(stores, origin.differential_privacy),
    )
