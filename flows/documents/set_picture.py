"""A set's picture: its first pairs that no filter drops."""

from kdm.analyze.shown_pairs import EACH_WAY, can_be_shown
from storage.folders import Folder
from storage.mask_documents import decisions_of
from storage.masks import judged
from storage.records import PairBatch
from storage.store import PairStore

# Points in a set's picture; more would hide each other.
NUM_POINTS = 4096
SET_PICTURE = "pairs.png"


def has_set_picture(store: PairStore) -> bool:
    """Whether samples of this shape can be drawn: points in the plane, and images."""
    return store.schema.shape == (2,) or can_be_shown(store.schema.shape)


def draw_set_picture(folder: Folder, store: PairStore) -> None:
    """Draw the set that `store` is a split of; draws nothing if filters drop every pair."""
    shape, scale = store.schema.shape, store.schema.noise.scale
    # Twice as many as fit, because filters may drop some.
    shown = _shown(store, NUM_POINTS if shape == (2,) else 2 * EACH_WAY**2)
    # A filter may have dropped them all; then readers get an error.
    if not len(shown):
        return
    # These need matplotlib, which isn't imported if the picture exists.
    from kdm.analyze.image_pairs import image_pairs_picture
    from kdm.analyze.sample_plots import pairs_picture

    if shape == (2,):
        folder.replace(SET_PICTURE, pairs_picture(shown.x_T, shown.x_0))
    else:
        folder.replace(SET_PICTURE, image_pairs_picture(shown.x_T, shown.x_0, noise_scale=scale))


def _shown(store: PairStore, num_pairs: int) -> PairBatch:
    """The first pairs, without those dropped by filters that judged the first shard."""
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
