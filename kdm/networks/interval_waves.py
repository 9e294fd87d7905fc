"""How a U-Net sees the interval t − r beside its time: sines and cosines where augmentation labels enter."""

from kdm.networks.edm_layers import PositionalEmbedding
from kdm.networks.image_shapes import Augmentations, Times


def interval_waves(size: int) -> PositionalEmbedding | None:
    """What encodes an interval in `size` numbers; None for a network that takes none."""
    return PositionalEmbedding(size, has_endpoint=True, sine_first=True) if size else None


def encoded(waves: PositionalEmbedding | None, interval: Times, time_scale: float) -> Augmentations:
    """Sines and cosines (n, size) of time_scale · interval, less those of 0: an interval of 0 is nothing."""
    assert waves is not None
    scaled = time_scale * interval
    return waves(scaled) - waves(0 * scaled)  # type: ignore[no-any-return]
