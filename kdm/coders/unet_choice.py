"""One U-Net for pictures as the whole network of a student: from x_T, or x_t, to x_0 or a velocity."""

from kdm.coders.unet_sizes import UNetSizes
from kdm.networks.late_networks import SongUNet
from storage.records import PairSchema


class UNetChoice(UNetSizes):
    """From pictures (n, C, H, H) to pictures of the same shape; by default of KDM's size (Table 7)."""

    sees_labels: bool = True  # if the pairs have any

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError for samples that aren't square pictures, or too small for the levels."""
        self.side(shape)

    def num_classes(self, schema: PairSchema) -> int:
        """How many classes the network distinguishes; 0 if it sees no label."""
        return 0 if schema.label is None or not self.sees_labels else schema.label.num_classes

    def build(self, schema: PairSchema, *, augment_dim: int = 0) -> SongUNet:
        """An untrained network of (x, time, one-hot labels or None), see `UNetSizes.unet`."""
        channels = schema.shape[0]
        return self.unet(
            schema.shape,
            in_channels=channels,
            out_channels=channels,
            num_classes=self.num_classes(schema),
            augment_dim=augment_dim,
        )
