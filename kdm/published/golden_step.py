"""One training step of the published code (Algorithm 1, lines 2 to 16), made by this project's student."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.losses.adversarial import NonSaturating
from kdm.objective import weighted
from kdm.operators import DenseOperator, KoopmanOperator
from kdm.published.golden_kinks import Kinks
from kdm.published.network_golden import Golden
from kdm.published.student_options import schema_of, student_of
from kdm.published.tensor_names import to_ours, to_published
from kdm.shapes import ComplexVector, Scalar
from kdm.students.koopman_student import KoopmanStudent

_GAME = NonSaturating()  # 0.01 times the student's term
_OUTPUTS = {
    "z0": "z_0",
    "zT": "z_T",
    "z0_pushed": "pushed",
    "x0_hat": "x_rec",
    "x0_pushed_hat": "x_pred",
}


class GoldenStep:
    """The forward pass and the losses, on the golden's weights and inputs.

    `losses` and `critic_losses` are scalars by their published names.
    """

    def __init__(self, golden: Golden, dtype: torch.dtype, kinks: Kinks) -> None:
        self._has_linear = bool(golden.meta["kw"].get("linear_proj"))
        self._student, self._critic = _student(golden, dtype), _critic(golden, dtype)
        self._kinks, arrays = kinks, golden.inputs(dtype)
        x_0, labels = arrays["x0"], _labels(arrays.get("labels"))
        self._trace = self._student.trace(
            Batch(torch.arange(len(x_0)), x_0=x_0, x_T=arrays["xT"], label=labels)
        )
        self.critic_losses = self._critic_losses()
        self.losses = self._losses()

    def outputs(self) -> dict[str, Tensor]:
        """Latents (n, d) and images (n, c, h, w) by their published names."""
        return {theirs: getattr(self._trace, ours) for theirs, ours in _OUTPUTS.items()}

    def gradient_norms(self) -> dict[str, Tensor]:
        """The norms of the total loss's gradients, by the parameters' published names; 0 for none."""
        self.losses["loss"].backward()  # type: ignore[no-untyped-call]
        gradients = {
            name: torch.zeros_like(each) if each.grad is None else each.grad
            for name, each in self._student.named_parameters()
        }
        published = to_published(gradients, has_linear=self._has_linear)
        return {name: gradient.norm() for name, gradient in published.items()}

    def _critic_losses(self) -> dict[str, Scalar]:
        if self._critic is None or self._trace.x_pred is None:
            return {}
        fake = self._trace.x_pred.detach()
        terms = _GAME.critic_terms(self._critic, self._trace.x_0, fake)
        return {"total": terms["real"] + terms["fake"], **terms}

    def _losses(self) -> dict[str, Scalar]:
        terms, weights = self._student.terms(self._trace), self._student.weights
        if self._critic is not None and self._trace.x_pred is not None:
            with self._kinks.watching(self._critic):
                adv = _GAME.student_term(self._critic, self._trace.x_0, self._trace.x_pred)
            terms, weights = {**terms, "adv": adv}, {**weights, "adv": _GAME.weight}
        published = {
            "latent_loss": terms["lat"],
            "rec_loss": terms["rec"],
            "push_rec_loss": terms["pred"],
            "adv_loss_our": terms.get("adv"),
            "eigen_koopman_loss": _eigen(terms),
            "loss": weighted(terms, weights).total,
        }
        return {name: value for name, value in published.items() if value is not None}


def _student(golden: Golden, dtype: torch.dtype) -> KoopmanStudent:
    keywords = golden.meta["kw"]
    is_factorised = "koopman_operator.P_re" in golden.weights
    student = student_of(keywords, is_factorised=is_factorised).build(schema_of(keywords))
    assert isinstance(student, KoopmanStudent)
    state = to_ours(golden.weights)
    penalties = student.penalties
    if penalties is not None and penalties.targets is not None:
        is_pulled = penalties.options.spectral  # else its targets mean nothing
        targets = _targets(golden.arrays["uniform_vec"]) if is_pulled else penalties.targets
        state["penalties.targets"] = targets
    student.load_state_dict(state)
    if dtype == torch.float64 and penalties is not None and penalties.targets is not None:
        _follow_order(penalties.targets, student.operator)
    return student.to(dtype)


@torch.no_grad()
def _follow_order(targets: ComplexVector, operator: KoopmanOperator) -> None:
    """Put targets (2, d) in the order of float64's eigenvalues; they were in that of float32's."""
    if not isinstance(operator, DenseOperator):
        return
    matrix = operator.matrix()
    before = torch.linalg.eigvals(matrix)
    after = torch.linalg.eigvals(matrix.double())
    targets.copy_(targets[:, (after[:, None] - before).abs().argmin(1)])


def _critic(golden: Golden, dtype: torch.dtype) -> nn.Module | None:
    weights = {name[2:]: tensor for name, tensor in golden.arrays.items() if name.startswith("d/")}
    if not weights:
        return None
    critic = _GAME.critic(tuple(golden.arrays["x0"].shape[1:]))
    critic.load_state_dict(weights)
    return critic.to(dtype)


def _labels(labels: Tensor | None) -> Tensor | None:
    """Class numbers (n,), from numbers or one-hot rows; NaN rows mean "none" in published code."""
    if labels is None or labels.isnan().any():
        return None
    return labels.argmax(1) if labels.ndim == 2 else labels.long()


def _targets(vector: Tensor) -> ComplexVector:
    """(2, d), real and imaginary parts, from complex numbers or pairs of real ones in either order."""
    vector = torch.view_as_real(vector) if vector.is_complex() else vector
    vector = vector.squeeze().float()
    return vector if vector.shape[0] == 2 else vector.T.contiguous()


def _eigen(terms: Mapping[str, Scalar]) -> Scalar | None:
    """Both penalties as one loss, as the published code logs them."""
    penalties = [terms[name] for name in ("spectral", "inverse") if name in terms]
    return torch.stack(penalties).sum() if penalties else None
