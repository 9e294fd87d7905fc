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

from pydantic import model_validator

from kdm.losses.spectral_options import DenseSpectralOptions
from kdm.students.koopman_options import KoopmanOptions
from kdm.students.late_student import KoopmanOperator, SpectralPenalties


class Koopman(KoopmanOptions):
    """KDM: a dense operator C_η (d, d), affine as published unless `operator_bias` is off."""

    plugin = "kdm"
    added_later: ClassVar[Mapping[str, Any]] = {
        "penalties": None,
        "adversary": None,
        "init": None,
        "learns_operator": True,
    }

    operator_bias: bool = True  # whether C_η is affine, as published, or linear
    learns_operator: bool = True  # off: C_η stays 1, to see what the operator is worth
    penalties: DenseSpectralOptions | None = None  # it costs an eigendecomposition a step

    @model_validator(mode="after")
    def _check_operator(self) -> "Koopman":
        if self.penalties is not None and not self.learns_operator:
            raise ValueError(
                "penalties pull the operator's eigenvalues, and with learns_operator false it stays 1; "
                "leave out one of them"
            )
        return self

    def _operator(self, latent_dim: int) -> KoopmanOperator:
        from kdm.operators import DenseOperator  # torch: imported only to build

        operator = DenseOperator(latent_dim, bias=self.operator_bias)
        if not self.learns_operator:
            operator.begin_as_identity()
            operator.requires_grad_(False)
        return operator

    def _penalties(self, latent_dim: int) -> SpectralPenalties | None:
        from kdm.losses.spectral import SpectralPenalties as Built  # torch: imported only to build

        return None if self.penalties is None else Built(latent_dim, self.penalties)
