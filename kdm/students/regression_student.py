"""The network of the plainest student and its loss (Eq. 7)."""

from functools import partial

import torch
from torch import nn

from kdm.batch import Batch
from kdm.networks.folded_unet import FoldedUNet
from kdm.networks.song_unet import SongUNet
from kdm.objective import Losses, Objective, Player, weighted
from kdm.shapes import Labels, Samples
from kdm.students.kept import Kept, stand_still
from kdm.students.labels import one_hot, require_known, required
from kdm.students.regression import Regression
from kdm.students.student import DTYPES, Student, sampling
from storage.records import PairSchema


class RegressionStudent(Student):
    """x_0^ = N(x_T, y); the loss is in units of `data_scale`."""

    def __init__(self, schema: PairSchema, options: Regression) -> None:
        super().__init__()
        self.operator = None
        self.network = options.built_network(schema)
        self.num_classes = options.network.num_classes(schema) if options.network else 0
        self._kept = Kept[FoldedUNet]()
        self._options = options
        self._noise_scale = schema.noise.scale

    @torch.no_grad()
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ in the pairs' units; no seed matters, and labels where the network sees them."""
        require_known(label, self.num_classes)
        with sampling(self, x_T.device):
            x_0 = self._folded(x_T, label) if self._can_fold else self._predict(x_T, label)
        return x_0.reshape(x_T.shape).to(x_T.dtype) * self._options.data_scale

    def objective(self) -> Objective:
        """One player with one term."""
        player = Player("student", self, self.measure)
        return Objective(self, (player,), networks=(self.network,))

    def inference_modules(self) -> tuple[nn.Module, ...]:
        """All of it."""
        return (self.network,)

    def measure(self, batch: Batch) -> Losses:
        """d(x_0, N(x_T)) in scaled units (Eq. 7)."""
        x_0 = batch.x_0 / self._options.data_scale
        predicted = self._predict(batch.noise(), batch.label).reshape(x_0.shape)
        pred = self._options.distance.distance(predicted, x_0)
        return weighted({"pred": pred}, {})

    @property
    def _can_fold(self) -> bool:
        return isinstance(self.network, SongUNet) and stand_still(self.inference_modules())

    def _folded(self, x_T: Samples, label: Labels | None) -> Samples:
        assert isinstance(self.network, SongUNet)
        make = partial(FoldedUNet, self.network, 1.0, dtype=DTYPES[self.precision])
        unet = self._kept.of(self.inference_modules(), make, kind=self.precision)
        x_0: Samples = unet(x_T / self._noise_scale, required(label, self.num_classes))
        return x_0

    def _predict(self, x_T: Samples, label: Labels | None) -> Samples:
        """Flat from an MLP. A U-Net's time is 1, that of noise."""
        x = x_T / self._noise_scale
        if isinstance(self.network, SongUNet):
            labels = one_hot(label, self.num_classes, like=x)
            return self.network(x, x.new_ones(1), labels)  # type: ignore[no-any-return]
        return self.network(x.flatten(1))  # type: ignore[no-any-return]
