"""The networks of KDM and its losses (Eqs. 3–7, Algorithm 1), and how it samples (Algorithm 2).

    z_0 = E_φ_0(x_0, y),  z_T = E_φ_T(x_T, y),  z_0^ = C_η (z_T + ε_T) + C_μ y
    rec = d(x_0, D_ψ(z_0 + ε_0, y)),  lat = ‖z_0 − z_0^‖²,  pred = d(x_0, D_ψ(z_0^, y))

No gradient is stopped in any of the terms: rec keeps the latents informative, lat makes the dynamics
between them linear, and pred trains the whole path from noise to data.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from kdm.batch import Batch
from kdm.coders.coders import BuiltCoders
from kdm.losses.adversarial import Game
from kdm.losses.spectral import SpectralPenalties
from kdm.networks.image_shapes import OneHot
from kdm.objective import Losses, Objective, weighted
from kdm.operators import KoopmanOperator
from kdm.randomness.draws import draws
from kdm.shapes import AnyNumber, Labels, Latents, Samples, Scalar
from kdm.students.adversarial_steps import Own, objective_of
from kdm.students.folded import FoldedKoopman
from kdm.students.kept_while_still import Kept, stand_still
from kdm.students.koopman_losses import KoopmanLosses
from kdm.students.labels import one_hot, require_known, required
from kdm.students.student import DTYPES, Student, sampling
from kdm.students.trace import Trace

# z (n, d) and labels (n, classes), each part of its own n.
_Part = tuple[AnyNumber | None, AnyNumber | None]


class KoopmanStudent(Student):
    """Encoders, operator and decoder; the operator is dense (KDM) or factorised (KDM-F).

    `shape` is that of a sample; `coders` and `operator` are untrained modules for it; `penalties` and
    `adversary` add terms to Eq. 4. Public methods take x_0 and x_T (n, ...) in the pairs' units and
    class numbers (n,), which are required if the student distinguishes classes (a ValueError
    otherwise). Latents are (n, d).
    """

    operator: KoopmanOperator

    def __init__(
        self,
        shape: tuple[int, ...],
        coders: BuiltCoders,
        operator: KoopmanOperator,
        *,
        losses: KoopmanLosses,
        data_scale: float,
        penalties: SpectralPenalties | None = None,
        adversary: Game | None = None,
    ) -> None:
        super().__init__()
        # The order in which they are assigned is that of the parameters.
        self.encoder_0, self.encoder_T = coders.encoder_0, coders.encoder_T
        self.operator = operator
        self.decoder, self.control = coders.decoder, coders.control
        self.penalties = penalties
        self.num_classes = coders.num_classes
        self._folded = Kept[FoldedKoopman]()
        self._losses, self._adversary = losses, adversary
        self._joins_passes = coders.joins_passes
        self._shape, self._data_scale = shape, data_scale
        self._noise_divisor = coders.noise_divisor

    def encode_0(self, x_0: Samples, label: Labels | None = None) -> Latents:
        """z_0 = E_φ_0(x_0, t = 0, y) (n, d), without ε (Algorithm 1, line 2)."""
        labels = one_hot(label, self.num_classes, like=x_0)
        z_0: Latents = self.encoder_0(x_0 / self._data_scale, labels)
        return z_0

    def encode_T(self, x_T: Samples, label: Labels | None = None) -> Latents:
        """z_T = E_φ_T(x_T, t = 1, y) (n, d), without ε (Algorithm 1, line 3)."""
        return self._encode_T(x_T, one_hot(label, self.num_classes, like=x_T))

    def push(self, z_T: Latents, label: Labels | None = None) -> Latents:
        """z_0^ = C_η z_T + C_μ y (n, d) (Algorithm 1, lines 4 to 7)."""
        return self._push(z_T, one_hot(label, self.num_classes, like=z_T))

    def decode(self, z_0: Latents, label: Labels | None = None) -> Samples:
        """D_ψ(z_0, t = 0, y) (n, ...) in scaled units: times `data_scale` they are the pairs'."""
        return self._decode(z_0, one_hot(label, self.num_classes, like=z_0))

    @torch.no_grad()
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ = D_ψ(C_η E_φ_T(x_T)) (n, ...) in the pairs' units (Eq. 3, Algorithm 2).

        No noise is added to z_T and nothing is random: `seed` doesn't matter. Once no weight learns,
        `folded` makes the samples. Raises a ValueError for missing or unknown labels.
        """
        require_known(label, self.num_classes)
        still = stand_still(self.inference_modules())
        with sampling(self, x_T.device):
            x_0 = self._folded_sample(x_T, label) if still else self._sample(x_T, label)
        return x_0.reshape(len(x_T), *self._shape).to(x_T.dtype) * self._data_scale

    def drawn(self, batch: Batch) -> Samples:
        """x_0^ (n, ...), not folded and without noise on z_T."""
        return self._sample(batch.noise(), batch.label) * self._data_scale

    def folded(self) -> FoldedKoopman:
        """The student with all that follows from its weights computed in advance.

        It is made at the first call, and again after a weight or `precision` has changed.
        """
        parts = self.encoder_T, self.operator, self.control, self.decoder
        make = partial(FoldedKoopman, *parts, dtype=DTYPES[self.precision])
        return self._folded.of(self.inference_modules(), make, kind=self.precision)

    def sampler(self) -> nn.Module:
        """`folded`, or with coders as they are if folding makes them larger, as many classes do."""
        parts = self.encoder_T, self.operator, self.control, self.decoder
        forms = (
            FoldedKoopman(*parts, dtype=None, folds_coders=folds).sampler(
                takes=self._noise_divisor, gives=self._data_scale
            )
            for folds in (True, False)
        )
        return min(forms, key=lambda form: form.num_values)

    def objective(self) -> Objective:
        """The student's terms of Eq. 4 and its operator's penalties; with an adversary also a critic.

        The critic steps first on each batch. Until its game begins the student steps alone.
        """
        return objective_of(
            self,
            Own(self.trace, self.terms, self.weights),
            networks=(self.encoder_0, self.encoder_T, self.decoder),
            game=self._adversary,
            shape=self._shape,
        )

    def inference_modules(self) -> tuple[nn.Module, ...]:
        """E_φ_T, C_η, D_ψ and C_μ; the encoder of data is needed only in training."""
        used = self.encoder_T, self.operator, self.decoder, self.control
        return tuple(module for module in used if module is not None)

    def measure(self, batch: Batch) -> Losses:
        """L_Koopman on a batch (Eqs. 4 to 7) plus the penalties; terms of weight 0 aren't computed."""
        return weighted(self.terms(self.trace(batch)), self.weights)

    @property
    def weights(self) -> dict[str, float]:
        """The weights of all terms but the adversarial one, by name."""
        return {**self._losses.weights, **(self.penalties.weights if self.penalties else {})}

    def trace(self, batch: Batch) -> Trace:
        """Algorithm 1, lines 2 to 9: what each loss needs, and nothing else.

        Two random draws in this order: ε_0, then ε_T. In the decoder, whose dropout is random too, the
        prediction comes before x_rec. z_0 and x_rec cover the first `rec_lat_share` of the batch.
        """
        x_0, x_T, options = batch.x_0 / self._data_scale, batch.noise(), self._losses
        labels = one_hot(batch.label, self.num_classes, like=x_0)
        z_0 = noisy_0 = z_T = pushed = None
        few = slice(batch.num_first(options.rec_lat_share))
        few_labels = None if labels is None else labels[few]
        if options.rec or options.lat:
            z_0 = self.encoder_0(x_0[few], few_labels)
            noisy_0 = self._noisy(z_0) if options.rec else None
        if options.lat or self._predicts:
            z_T = self._encode_T(x_T, labels)
            pushed = self._push(self._noisy(z_T), labels)
        decoded = self._decode_both(
            (pushed if self._predicts else None, labels), (noisy_0, few_labels)
        )
        return Trace(x_0, z_0, z_T, pushed, *decoded)

    def terms(self, trace: Trace) -> dict[str, Scalar]:
        """rec, lat and pred of a trace (Eqs. 5 to 7), and the operator's penalties, unweighted.

        `lat` compares the push of the noisy z_T with the clean z_0, always by the mean square
        (Algorithm 1, line 10).
        """
        options, terms = self._losses, dict[str, Scalar]()
        compared = self._compared(trace)
        if "rec" in compared:
            terms["rec"] = compared["rec"]
        if options.lat and trace.z_0 is not None and trace.pushed is not None:
            terms["lat"] = F.mse_loss(trace.pushed[: len(trace.z_0)], trace.z_0)
        if "pred" in compared:
            terms["pred"] = compared["pred"]
        return terms if self.penalties is None else {**terms, **self.penalties(self.operator)}

    def _compared(self, trace: Trace) -> dict[str, Scalar]:
        """rec and pred, both compared with x_0 in one call: d may see x_0 through a network."""
        options = self._losses
        made = {
            name: x
            for name, weight, x in (
                ("rec", options.rec, trace.x_rec),
                ("pred", options.pred, trace.x_pred),
            )
            if weight and x is not None
        }
        if not made:
            return {}
        found = options.distance.distances(list(made.values()), trace.x_0)
        return dict(zip(made, found, strict=True))

    def _sample(self, x_T: Samples, label: Labels | None) -> Samples:
        labels = one_hot(label, self.num_classes, like=x_T)
        return self._decode(self._push(self._encode_T(x_T, labels), labels), labels)

    def _folded_sample(self, x_T: Samples, label: Labels | None) -> Samples:
        given = required(label, self.num_classes)
        x_0: Samples = self.folded()(x_T / self._noise_divisor, given)
        return x_0

    @property
    def _predicts(self) -> bool:
        return bool(self._losses.pred or self._adversary)

    def _encode_T(self, x_T: Samples, labels: OneHot | None) -> Latents:
        z_T: Latents = self.encoder_T(x_T / self._noise_divisor, labels)
        return z_T

    def _push(self, z_T: Latents, labels: OneHot | None) -> Latents:
        pushed: Latents = self.operator(z_T)
        return pushed if self.control is None else pushed + self.control(labels)

    def _decode(self, z_0: Latents, labels: OneHot | None) -> Samples:
        x_0: Samples = self.decoder(z_0, labels)
        return x_0.reshape(z_0.shape[0], *self._shape)

    def _decode_both(self, *parts: _Part) -> tuple[AnyNumber | None, ...]:
        """Each part (z (n, d), labels) decoded, if possible in one pass; None stays None."""
        given = [(z, labels) for z, labels in parts if z is not None]
        if len(given) < 2 or not self._joins_passes:
            return tuple(None if z is None else self._decode(z, labels) for z, labels in parts)
        labels = [each for _, each in given if each is not None]
        both = self._decode(torch.cat([z for z, _ in given]), torch.cat(labels) if labels else None)
        return torch.split(both, [len(z) for z, _ in given])

    def _noisy(self, z: Latents) -> Latents:
        if self._losses.latent_noise == 0:
            return z
        return torch.add(z, draws().normal_like(z), alpha=self._losses.latent_noise)
