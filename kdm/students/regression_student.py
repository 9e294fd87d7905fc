"""The network N of the plainest student and its loss d(x_0, N(x_T, y)) (Eq. 7).

N may be a teacher's denoiser at the noise level of x_T: N(x_T, y) = D_θ(x_T; σ_T, y) (teacher_start.py).
"""

from functools import partial

import torch
from torch import nn

from kdm.batch import Batch
from kdm.losses.distances import Distance
from kdm.networks.folded_denoiser import can_fold, folded
from kdm.networks.preconditioning import Preconditioner
from kdm.networks.song_unet import SongUNet
from kdm.shapes import Labels, Samples, Scalar
from kdm.students.adversarial_steps import Own
from kdm.students.kept_while_still import Kept, stand_still
from kdm.students.labels import one_hot, require_known, required
from kdm.students.one_pass import OnePassStudent
from kdm.students.sampler import Sampler
from kdm.students.student import DTYPES, sampling
from kdm.students.trace import Trace


class RegressionStudent(OnePassStudent):
    """x_0^ = N(x_T, y); the loss is in units of `data_scale`.

    N sees x_T over the schema's noise scale, so that its inputs have unit variance, and gives
    x_0 over `data_scale`; a denoiser sees and gives them as they are. A U-Net whose weights no longer
    learn is folded before it samples.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        num_classes: int,
        distance: Distance,
        data_scale: float,
        noise_scale: float,
    ) -> None:
        super().__init__()
        self.network, self.num_classes = network, num_classes
        self._kept = Kept[nn.Module]()
        self._distance = distance
        self._data_scale, self._noise_scale = data_scale, noise_scale

    @torch.no_grad()
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ (n, ...) in the pairs' units. Nothing random: `seed` doesn't matter.

        Raises a ValueError for missing labels, and for labels outside 0 … num_classes − 1, if the
        network sees labels.
        """
        require_known(label, self.num_classes)
        with sampling(self, x_T.device):
            x_0 = self._folded(x_T, label) if self._can_fold else self._predict(x_T, label)
        return x_0.reshape(x_T.shape).to(x_T.dtype) * self._data_scale

    def drawn(self, batch: Batch) -> Samples:
        """x_0^ (n, ...), not folded."""
        x_T = batch.noise()
        return self._predict(x_T, batch.label).reshape(x_T.shape) * self._data_scale

    def sampler(self) -> nn.Module:
        """Folded, unless the network can't be or that makes it larger, as many classes do."""
        plain = super().sampler()
        if not can_fold(self.network):
            return plain
        made = folded(self.network, self._level, dtype=None)
        scales = (1.0, 1.0) if self._is_denoiser else (self._noise_scale, self._data_scale)
        small = Sampler(made, takes=scales[0], gives=scales[1])
        num_plain = sum(each.numel() for each in self.network.parameters())
        return small if small.num_values <= num_plain else plain

    @property
    def _own(self) -> Own[Trace]:
        """`pred`: d(x_0, N(x_T, y)) in scaled units (Eq. 7)."""
        return Own(self._trace, self._terms, {})

    def _trace(self, batch: Batch) -> Trace:
        x_0 = batch.x_0 / self._data_scale
        x_pred = self._predict(batch.noise(), batch.label).reshape(x_0.shape)
        return Trace(x_0, x_pred=x_pred)

    def _terms(self, trace: Trace) -> dict[str, Scalar]:
        assert trace.x_pred is not None
        return {"pred": self._distance.distance(trace.x_pred, trace.x_0)}

    @property
    def _can_fold(self) -> bool:
        return can_fold(self.network) and stand_still(self.inference_modules())

    @property
    def _is_denoiser(self) -> bool:
        return isinstance(self.network, Preconditioner)

    @property
    def _level(self) -> float:
        """At which the network is folded: a denoiser's σ_T, or a U-Net's time."""
        return self._noise_scale if self._is_denoiser else 1.0

    def _folded(self, x_T: Samples, label: Labels | None) -> Samples:
        make = partial(folded, self.network, self._level, dtype=DTYPES[self.precision])
        network = self._kept.of(self.inference_modules(), make, kind=self.precision)
        given = required(label, self.num_classes)
        if self._is_denoiser:
            return network(x_T, given) / self._data_scale  # type: ignore[no-any-return]
        return network(x_T / self._noise_scale, given)  # type: ignore[no-any-return]

    def _predict(self, x_T: Samples, label: Labels | None) -> Samples:
        """Flat from an MLP. A U-Net's time is 1, that of noise; a denoiser's is its level σ_T."""
        if isinstance(self.network, Preconditioner):
            labels = one_hot(label, self.num_classes, like=x_T)
            sigma = x_T.new_full((1,), self._noise_scale)
            return self.network(x_T, sigma, labels) / self._data_scale  # type: ignore[no-any-return]
        x = x_T / self._noise_scale
        if isinstance(self.network, SongUNet):
            labels = one_hot(label, self.num_classes, like=x)
            return self.network(x, x.new_ones(1), labels)  # type: ignore[no-any-return]
        return self.network(x.flatten(1))  # type: ignore[no-any-return]
