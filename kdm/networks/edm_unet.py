"""What EDM's two U-Nets have in common: one pass down and one up, with skips across (Karras et al. 2022).

F_θ(x; c_noise, y): an embedding e of noise level, labels and augmentations is seen by every block;
maps shrink through the encoder, each is kept, and the decoder takes them back in reverse order.
"""

from abc import ABC, abstractmethod

from torch import nn

from kdm.networks.image_shapes import Augmentations, Embeddings, Images, Maps, OneHot, Skips, Times


class EdmUNet(nn.Module, ABC):
    """F_θ of a preconditioned denoiser D_θ (Karras et al. 2022, Eq. 7), or of a student's coder."""

    def forward(
        self,
        x: Images,
        c_noise: Times,
        labels: OneHot | None = None,
        augmentations: Augmentations | None = None,
    ) -> Maps:
        """Images (n, in_channels, h, w) to (n, out_channels, h, w).

        `c_noise` (n,) or (1,) is what the preconditioner makes of the noise level. Labels are one-hot
        rows (n or 1, label_dim), augmentations rows of EDM's non-leaking parameters (App. F.2).
        """
        embedding = self.embedding(c_noise, labels, augmentations)
        x, skips = self.down(x, embedding)
        return self.up(x, skips, embedding)

    @abstractmethod
    def embedding(
        self, c_noise: Times, labels: OneHot | None, augmentations: Augmentations | None
    ) -> Embeddings:
        """e (rows, width): what every block sees; one row if all samples share it."""

    @abstractmethod
    def down(self, x: Images, embedding: Embeddings) -> tuple[Maps, Skips]:
        """x through the encoder: its last map, and the map of every layer, the last one among them."""

    @abstractmethod
    def up(self, x: Images, skips: Skips, embedding: Embeddings) -> Maps:
        """The last map through the decoder, which takes the others back, last first, and uses them up."""
