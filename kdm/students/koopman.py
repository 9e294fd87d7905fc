"""KDM: encode noise, push it linearly, decode data (Eqs. 3–7, Algorithm 1).

    x_T ─E_φ_T─► z_T ─C_η (+ C_μ y)─► z_0^ ─D_ψ─► x_0^          x_0 ─E_φ_0─► z_0 ─D_ψ─► x_0~

The teacher carries x_T to x_0 by a nonlinear flow of many steps. In the latents z, the observables of
Koopman's theory (Sec. 3), one linear map C_η does it in one step. Theorem 5.1 says that a finite d can do
so for an analytic flow, Theorem 5.2 that nearby z_T then mean similar samples.

x_0 is divided by `data_scale` on its way in and multiplied by it on its way out, x_T is divided by
the schema's noise scale unless its coders want it raw; all losses are in these scaled units.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from kdm.losses.adversarial import Adversary
from kdm.losses.spectral_options import DenseSpectralOptions
from kdm.students.coder_choice import AnyCoders
from kdm.students.koopman_losses import KoopmanLosses
from kdm.students.late import Student
from kdm.students.mlp_coders import MlpCoders
from kdm.students.plugin import StudentPlugin
from storage.records import PairSchema


class Koopman(StudentPlugin):
    """KDM: a dense operator C_η (d, d), affine as published unless `operator_bias` is off."""

    plugin = "kdm"
    added_later: ClassVar[Mapping[str, Any]] = {"penalties": None, "adversary": None}

    networks: AnyCoders = MlpCoders()
    losses: KoopmanLosses = KoopmanLosses()
    operator_bias: bool = True
    penalties: DenseSpectralOptions | None = None  # it costs an eigendecomposition a step
    adversary: Adversary | None = None
    data_scale: float = Field(1.0, gt=0)  # about the standard deviation of x_0, in its units

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError where d can't compare such samples, or lacks a file that it needs."""
        self.losses.distance.require_shape(shape, self.data_scale)

    def build(self, schema: PairSchema) -> Student:
        """An untrained student; its initial weights come from torch's global generator.

        Raises a ValueError where the networks can't take such samples.
        """
        from kdm.losses.spectral import SpectralPenalties  # torch: imported only to build
        from kdm.operators import DenseOperator
        from kdm.students.koopman_student import KoopmanStudent

        d, options = self.networks.num_latents(schema), self.penalties
        return KoopmanStudent(
            schema,
            DenseOperator(d, bias=self.operator_bias),
            networks=self.networks,
            losses=self.losses,
            data_scale=self.data_scale,
            penalties=None if options is None else SpectralPenalties(d, options),
            adversary=self.adversary,
        )
