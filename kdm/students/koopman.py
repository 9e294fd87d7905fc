"""KDM: encode noise, push it linearly, decode data (Eqs. 3–7, Algorithm 1).

    x_T ─E_φ_T─► z_T ─C_η─► z_0^ ─D_ψ─► x_0^          x_0 ─E_φ_0─► z_0 ─D_ψ─► x_0~

x_0 is divided by `data_scale` on its way in and multiplied by it on its way out, x_T is divided by
the schema's noise scale; all losses are in these scaled units.
"""

import math
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import nn

from kdm.batch import Batch
from kdm.losses.distances import GROUP as DISTANCES
from kdm.losses.distances import L2, Distance
from kdm.losses.spectral import SpectralPenalties
from kdm.networks.mlp import MLP
from kdm.objective import Losses, Objective, Player, weighted
from kdm.operators import DenseOperator, KoopmanOperator
from kdm.shapes import Labels, Latents, Points, Samples, Scalar
from kdm.students.student import Student, StudentPlugin
from storage.options import Options
from storage.plugins import Configured
from storage.records import PairSchema


class KoopmanNetworks(Options):
    """Two encoders and a decoder of one width; each also sees the constant time t (kdm.md 1.12)."""

    kind: Literal["mlp"] = "mlp"
    latent_dim: int = Field(64, ge=1, le=2**16)  # d, numbers in z_0 and z_T
    width: int = Field(64, ge=1, le=2**16)  # of every hidden layer
    num_encoder_layers: int = Field(
        5, ge=1, le=1000
    )  # linear layers; the last one ends in d numbers
    num_decoder_layers: int = Field(
        5, ge=1, le=1000
    )  # linear layers; the last one ends in a sample
    # Times PyTorch's initial weights, in all layers but the first (published: 1).
    gain: float = Field(1.5, gt=0)
    # Times the initial first layer of the encoder of noise: what it learns has finer detail
    # than what it starts from (published: 1).
    noise_gain: float = Field(2.0, gt=0)

    def encoder(self, num_values: int, *, input_gain: float = 1.0) -> MLP:
        """[x, t] → z, with SiLU also after the last layer."""
        return MLP(
            num_values + 1,
            self.latent_dim,
            width=self.width,
            num_layers=self.num_encoder_layers,
            ends_in_silu=True,
            input_gain=input_gain,
            gain=self.gain,
        )

    def decoder(self, num_values: int) -> MLP:
        """[z, t] → x, flat."""
        return MLP(
            self.latent_dim + 1,
            num_values,
            width=self.width,
            num_layers=self.num_decoder_layers,
            gain=self.gain,
        )


class KoopmanLosses(Options):
    """Weights of Eq. 4's terms (0 switches one off), d of Eqs. 5 and 7, and the latent noise ε.

    The paper weighs all terms alike; a tenth for rec and lat halved the error of x_0^.
    """

    rec: float = Field(0.1, ge=0)
    lat: float = Field(0.1, ge=0)
    pred: float = Field(1.0, ge=0)
    distance: Annotated[Distance, Configured(DISTANCES)] = L2()
    # The share of each batch on which rec and lat are measured; pred always has all of it.
    rec_lat_share: float = Field(0.25, gt=0, le=1)
    # Standard deviation of ε_0 and ε_T (Algorithm 1; published: 0.4).
    latent_noise: float = Field(0.02, ge=0)

    @model_validator(mode="after")
    def _check(self) -> "KoopmanLosses":
        if not (self.rec or self.lat or self.pred):
            raise ValueError("rec, lat and pred are all 0; at least one loss must have a weight")
        return self

    @property
    def weights(self) -> dict[str, float]:
        """By the terms' names."""
        return {"rec": self.rec, "lat": self.lat, "pred": self.pred}


class KoopmanStudent(Student):
    """Encoders, operator and decoder; the operator is dense (KDM) or factorised (KDM-F)."""

    operator: KoopmanOperator

    def __init__(
        self,
        schema: PairSchema,
        operator: KoopmanOperator,
        *,
        networks: KoopmanNetworks,
        losses: KoopmanLosses,
        data_scale: float,
        penalties: SpectralPenalties | None = None,
    ) -> None:
        super().__init__()
        self.encoder_0 = networks.encoder(schema.num_values)
        self.encoder_T = networks.encoder(schema.num_values, input_gain=networks.noise_gain)
        self.operator = operator
        self.decoder = networks.decoder(schema.num_values)
        self.penalties = penalties
        self._losses = losses
        self._shape = schema.shape
        self._data_scale = data_scale
        self._noise_scale = schema.noise.scale

    def encode_0(self, x_0: Samples) -> Latents:
        """z_0 = E_φ(x_0, t = 0)."""
        z_0: Latents = self.encoder_0(_at_time(x_0 / self._data_scale, 0.0))
        return z_0

    def encode_T(self, x_T: Samples) -> Latents:
        """z_T = E_φ(x_T, t = 1)."""
        z_T: Latents = self.encoder_T(_at_time(x_T / self._noise_scale, 1.0))
        return z_T

    def decode(self, z_0: Latents) -> Points:
        """D_ψ(z_0, t = 0), flat and in scaled units."""
        x_0: Points = self.decoder(_at_time(z_0, 0.0))
        return x_0

    @torch.no_grad()
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ = D_ψ(C_η E_φ(x_T)) (Eq. 3), in the pairs' units; neither label nor seed matters."""
        x_0 = self.decode(self.operator(self.encode_T(x_T)))
        return x_0.reshape(len(x_T), *self._shape) * self._data_scale

    def objective(self) -> Objective:
        """One player with the terms of Eq. 4, and the operator's penalties where it has some."""
        return Objective(self, (Player("student", self, self.measure),))

    def inference_modules(self) -> tuple[nn.Module, ...]:
        """E_φ of noise, C_η and D_ψ; the encoder of data only trains."""
        return self.encoder_T, self.operator, self.decoder

    def measure(self, batch: Batch) -> Losses:
        """Eqs. 5–7 on a batch, with ε_0 before ε_T; a term of weight 0 is not computed.

        Latents are noisy on their way into decoder and operator; the target of `lat` is the clean
        z_0, and its distance is always the mean square (Algorithm 1).
        """
        options, terms = self._losses, dict[str, Scalar]()
        x_0 = batch.x_0.flatten(1) / self._data_scale
        num_rec_lat = math.ceil(options.rec_lat_share * len(x_0))
        if options.rec or options.lat:
            z_0 = self.encode_0(batch.x_0[:num_rec_lat])
        if options.rec:
            x_rec = self.decode(self._noisy(z_0))
            terms["rec"] = options.distance.distance(x_rec, x_0[:num_rec_lat])
        if options.lat or options.pred:
            pushed = self.operator(self._noisy(self.encode_T(batch.noise())))
        if options.lat:
            terms["lat"] = F.mse_loss(pushed[:num_rec_lat], z_0)
        if options.pred:
            terms["pred"] = options.distance.distance(self.decode(pushed), x_0)
        return self._with_penalties(terms)

    def _with_penalties(self, terms: dict[str, Scalar]) -> Losses:
        weights = self._losses.weights
        if self.penalties is None:
            return weighted(terms, weights)
        return weighted(
            {**terms, **self.penalties(self.operator)}, {**weights, **self.penalties.weights}
        )

    def _noisy(self, z: Latents) -> Latents:
        if self._losses.latent_noise == 0:
            return z
        return torch.add(z, torch.randn_like(z), alpha=self._losses.latent_noise)


class Koopman(StudentPlugin):
    """KDM: a dense operator, affine as published unless `operator_bias` is off."""

    plugin = "kdm"

    networks: KoopmanNetworks = KoopmanNetworks()
    losses: KoopmanLosses = KoopmanLosses()
    operator_bias: bool = True
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units

    def build(self, schema: PairSchema) -> KoopmanStudent:
        """A student for pairs of this schema, with weights from torch's global generator."""
        return KoopmanStudent(
            schema,
            DenseOperator(self.networks.latent_dim, bias=self.operator_bias),
            networks=self.networks,
            losses=self.losses,
            data_scale=self.data_scale,
        )


def _at_time(x: Samples, t: float) -> Points:
    """[n, ...] to [n, c + 1]: flat, with the constant time as its last column."""
    return F.pad(x.flatten(1), (0, 1), value=t)
