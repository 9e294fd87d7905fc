"""The cards of teachers and pairs: what lies in a folder, for people and for the Hub."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from flows.config.recipe import Recipe
from flows.config.stored_pairs import StoredPairs
from flows.documents.counts import split_counts
from flows.documents.mask_counts import filter_counts
from flows.documents.set_picture import SET_PICTURE, draw_set_picture
from flows.stage import Run, StageResult
from kdm.analyze.shown_pairs import can_be_shown
from kdm.licences import UNKNOWN, said_by
from kdm.report.content import FilterCounts
from kdm.report.markdown import read_front_matter
from kdm.report.pairs_card import PairsCard, SplitEntry, pairs_card
from pairgen.samplers.sampler import Sampler
from storage.digest import digest_of
from storage.fs import Folder
from storage.masks import judged
from storage.plugins import configure, plugin_names
from storage.sets import read_spec, splits_of
from storage.store import PairStore
from storage.verify_masks import decisions_of

_MAX_CARD_BYTES = 2**22


class Origin(NamedTuple):
    """What a card says and no file of the set but the card: it is in no digest."""

    teacher: str
    licence: str


def write_pairs_card(run: Run, judged: StageResult) -> None:
    """The card of the recipe's pairs; a licence that the recipe does not know stays as it was said.

    A set that was there before keeps its origin, and its card where nothing is judged.
    """
    if isinstance(run.recipe.pairs, StoredPairs):
        if run.recipe.filters:
            write_set_card(Folder.at(judged.folder))
        return
    folder, origin = Folder.at(judged.folder), _origin(run.recipe)
    if origin.licence == UNKNOWN:
        origin = origin._replace(licence=origin_of_card(folder).licence)
    write_set_card(folder, origin)


def write_set_card(folder: Folder, origin: Origin | None = None) -> None:
    """Write card.md and pairs.png from what lies in a set, unless they are as they would be.

    Without an origin it is that of the card that is there.
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


def origin_of_card(folder: Folder) -> Origin:
    """What the card that is there says; without one, the kind of teacher that the spec names."""
    front: dict[str, Any] = {}
    if folder.exists("card.md"):
        text = folder.read("card.md", at_most=_MAX_CARD_BYTES).decode(errors="replace")
        front = read_front_matter(text)
    teacher = read_spec(folder).get("teacher")
    nameless = "an unknown teacher (imported)"
    if isinstance(teacher, Mapping):
        nameless = str(teacher["plugin"]["plugin"])
    return Origin(str(front.get("teacher", nameless)), said_by(front))


def _origin(recipe: Recipe) -> Origin:
    teacher = recipe.teacher.name if recipe.teacher else "an unknown teacher (imported)"
    return Origin(teacher, recipe.licence())


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
    """'midpoint in 8 evaluations'; nothing where that sampler is not installed here.

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
    """The counts of every decision; layouts that agree are told once."""
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
