"""Proof of a student against a numeric golden of one training step of the published code.

A golden is a file of arrays: `meta` (JSON) has the constructor's arguments, the losses and the norm of
every parameter's gradient; `w/NAME` are the student's weights, `d/NAME` the discriminator's, `out/NAME`
latents and images. Here the same step (Algorithm 1, lines 2 to 16) is made by this project's student from
these weights and inputs, in float64 and in float32 (kdm/published/golden_rounding.py says why both), and
every number is compared.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.losses.adversarial import NonSaturating
from kdm.objective import weighted
from kdm.operators import DenseOperator, KoopmanOperator
from kdm.published.golden_kinks import Kinks
from kdm.published.golden_rounding import Compared, beside
from kdm.published.network_golden import Golden, error
from kdm.published.student_options import schema_of, student_of
from kdm.published.tensor_names import to_ours, to_published
from kdm.shapes import ComplexVector, Scalar
from kdm.students.koopman_student import KoopmanStudent
from kdm.students.trace import Trace

VALUE_TOLERANCE = 1e-5  # of losses and outputs
GRADIENT_TOLERANCE = 1e-4  # of the norms of gradients
_MOST_KINKS = (
    16  # of which each takes a step of its own; three pictures of 3×32×32 have two or none
)
_GAME = NonSaturating()  # 0.01 times the student's term
_OUTPUTS = {
    "z0": "z_0",
    "zT": "z_T",
    "z0_pushed": "pushed",
    "x0_hat": "x_rec",
    "x0_pushed_hat": "x_pred",
}


def check_step(path: str) -> list[Compared]:
    """Every loss, output and gradient norm of a golden, beside what this project computes.

    Arrays that aren't compared are listed by `unchecked`. Raises a ValueError for a file that isn't a
    golden of a student's step.
    """
    golden, kinks = _golden(path), Kinks()
    with _one_thread():
        exact = _computed(golden, torch.float64, kinks)
        plain = _computed(golden, torch.float32, Kinks())
        compared = [
            beside(name, each, (_of(exact, name), _of(plain, name)), _tolerance(name), _error)
            for name, each in _wanted(golden).items()
        ]
        if not kinks.num or all(each.agrees for each in compared):
            return compared
        moves = _moves_of_kinks(golden, exact, kinks.num)
    return [each.with_room(moves.get(each.name, 0.0)) for each in compared]


def errors(path: str) -> dict[str, float]:
    """The errors of the same numbers by name, from the step in float64 alone."""
    golden = _golden(path)
    with _one_thread():
        exact = _computed(golden, torch.float64, Kinks())
    return {name: _error(_of(exact, name), each) for name, each in _wanted(golden).items()}


def unchecked(path: str) -> list[str]:
    """The names of a golden's arrays that are neither inputs nor compared."""
    known = {"x0", "xT", "labels", "uniform_vec", "dlosses"}
    held = Golden.read(path).arrays
    return [name for name in held if name not in known and not name.startswith(("out/", "d/"))]


def _wanted(golden: Golden) -> dict[str, Tensor]:
    norms = {name: norm or 0 for name, norm in golden.meta["grad_norms"].items()}
    return {
        **_named("loss", golden.meta["losses"]),
        **_named("critic", _critic_losses(golden)),
        **_named("out", _outputs(golden)),
        **_named("gradient", norms),
    }


def _moves_of_kinks(golden: Golden, exact: Mapping[str, Tensor], num: int) -> dict[str, float]:
    """How far each number moves in all when the critic's inputs next to a kink change sides, one by one."""
    runs = [
        _computed(golden, torch.float64, Kinks(other)) for other in range(min(num, _MOST_KINKS))
    ]
    return {
        name: sum((_error(run[name], value) for run in runs), 0.0) for name, value in exact.items()
    }


def _computed(golden: Golden, dtype: torch.dtype, kinks: Kinks) -> dict[str, Tensor]:
    step = _Step(golden, dtype, kinks)
    return {
        **_named("loss", step.losses),
        **_named("critic", step.critic_losses),
        **_named("out", step.outputs()),
        **_named("gradient", step.gradient_norms()),
    }


def _golden(path: str) -> Golden:
    golden = Golden.read(path)
    if "kw" not in golden.meta or "losses" not in golden.meta:
        raise ValueError(f"{path} isn't a golden of a student's step: its meta lacks kw or losses")
    return golden


def _of(computed: Mapping[str, Tensor], name: str) -> Tensor:
    """A computed number, or infinity where there is none of that name: then it agrees with nothing."""
    return computed.get(name, torch.tensor(float("inf")))


def _named(kind: str, values: Mapping[str, Any]) -> dict[str, Tensor]:
    return {f"{kind} {name}": _tensor(value) for name, value in values.items()}


def _tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)


def _tolerance(name: str) -> float:
    return GRADIENT_TOLERANCE if name.startswith("gradient ") else VALUE_TOLERANCE


class _Step:
    """The forward pass and the losses, on the golden's weights and inputs."""

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
        held: Trace = self._trace
        return {theirs: getattr(held, ours) for theirs, ours in _OUTPUTS.items()}

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


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread, as goldens are made: the order of LAPACK's eigenvalues depends on rounding."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
    """Class numbers (n,), from numbers or one-hot rows; NaN rows are how published code says none."""
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


def _critic_losses(golden: Golden) -> dict[str, Any]:
    wanted = golden.arrays.get("dlosses", golden.meta.get("dlosses"))
    if wanted is None:
        return {}
    values = wanted.values() if isinstance(wanted, Mapping) else wanted
    return dict(zip(("total", "real", "fake"), map(float, values), strict=True))


def _outputs(golden: Golden) -> dict[str, Tensor]:
    return {name[4:]: each for name, each in golden.arrays.items() if name.startswith("out/")}


def _error(computed: Tensor, wanted: Tensor) -> float:
    """The largest difference over the largest wanted value; the difference itself where all are 0."""
    computed = computed.detach()
    if computed.numel() == wanted.numel():
        computed = computed.reshape(wanted.shape)
    return float(computed.abs().max()) if not wanted.any() else error(computed, wanted.detach())
