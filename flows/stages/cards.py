"""The cards of teachers and pairs: what lies in a folder, for people and for the Hub."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from flows.recipe import Recipe, TeacherRecipe
from flows.stages.counts import filter_counts, split_counts
from flows.stages.run import Run, StageResult
from flows.stored_pairs import StoredPairs
from kdm.analyze.shown_pairs import EACH_WAY, can_be_shown
from kdm.datasets import described
from kdm.licences import UNKNOWN, hub_fields, said_by
from kdm.report.content import FilterCounts
from kdm.report.markdown import front_matter, inline, read_front_matter
from kdm.report.pairs_card import PairsCard, SplitEntry, pairs_card
from pairgen.samplers.sampler import Sampler
from storage.any_folder import folder_at
from storage.digest import digest_of
from storage.fs import Folder
from storage.masks import judged
from storage.plugins import configure, describe, plugin_names
from storage.records import PairBatch
from storage.sets import read_spec, splits_of
from storage.store import PairStore
from storage.verify_masks import decisions_of
from storage.yaml_text import yaml_text

# Points in a set's picture; more hide one another.
NUM_POINTS = 4096
_PICTURE = "pairs.png"
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
            write_set_card(folder_at(judged.folder))
        return
    folder, origin = folder_at(judged.folder), _origin(run.recipe)
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
    is_drawn = folder.exists(_PICTURE) or not has_picture
    if is_drawn and folder.exists("card.md") and folder.read("card.md") == text:
        return
    if has_picture:
        _draw(folder, frozen[0])
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


def write_teacher_card(run: Run, teacher: TeacherRecipe, result: StageResult) -> None:
    """Write card.md beside a trained teacher's weights."""
    assert teacher.training is not None  # a teacher known in closed form has no folder
    assert run.recipe.dataset is not None  # checked by the recipe
    front: dict[str, Any] = {
        "name": teacher.name,
        "digest": result.digest,
        "weights_sha256": result.facts["weights"],
        "parameters": result.facts["parameters"]["trainable"],
        **hub_fields(teacher.license or run.recipe.dataset.license),
    }
    settings = {
        "model": describe(teacher.model),
        "dataset": described(run.recipe.dataset),
        "training": teacher.training.model_dump(mode="json"),
    }
    text = (
        f"{front_matter(front)}# {inline(teacher.name)}\n\n"
        f"A `{teacher.model.plugin}` teacher: a vector field that carries noise at T to data at 0. "
        "Its averaged weights are in `model.safetensors`, its losses in `losses.json`.\n\n"
        f"All that determines it:\n\n```yaml\n{yaml_text(settings, sort_keys=True)}```\n"
    )
    folder_at(result.folder).replace("card.md", text.encode())


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


def _draw(folder: Folder, store: PairStore) -> None:
    shape, scale = store.schema.shape, store.schema.noise.scale
    # Of twice as many as there is room for, because filters may drop some.
    shown = _shown(store, NUM_POINTS if shape == (2,) else 2 * EACH_WAY**2)
    # A filter may have dropped them all; whoever reads the set is told so.
    if not len(shown):
        return
    # matplotlib: who finds a picture there does not wait for it.
    from kdm.analyze.image_pairs import image_pairs_picture
    from kdm.analyze.sample_plots import pairs_picture

    if shape == (2,):
        folder.replace(_PICTURE, pairs_picture(shown.x_T, shown.x_0))
    else:
        folder.replace(_PICTURE, image_pairs_picture(shown.x_T, shown.x_0, noise_scale=scale))


def _shown(store: PairStore, num_pairs: int) -> PairBatch:
    """The first pairs that every filter keeps which has judged the first shard."""
    contents = store.ledger.largest().content_digests
    folder = store.base / "masks"
    decided = {mask: judged(folder, mask) for mask in decisions_of(folder)}
    masks = [mask for mask, there in decided.items() if contents[0] in there]
    num_shards = 1
    while num_shards < min(len(contents), -(-num_pairs // store.shard_size)) and all(
        contents[num_shards] in decided[mask] for mask in masks
    ):
        num_shards += 1
    count = min(num_pairs, int(store.indices(num_shards - 1)[-1]) + 1)
    return store.load(count, masks).pairs
