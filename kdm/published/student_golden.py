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
from torch import Tensor

from kdm.published.golden_kinks import Kinks
from kdm.published.golden_rounding import Compared, beside
from kdm.published.golden_step import GoldenStep
from kdm.published.network_golden import Golden, error

VALUE_TOLERANCE = 1e-5  # of losses and outputs
GRADIENT_TOLERANCE = 1e-4  # of the norms of gradients
_MOST_KINKS = 16  # each of them takes a separate step; three pictures of 3×32×32 have two or none


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
    """The names of a golden's arrays that aren't inputs or compared."""
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
    step = GoldenStep(golden, dtype, kinks)
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
    """A computed number, or infinity if the name is missing: then it agrees with nothing."""
    return computed.get(name, torch.tensor(float("inf")))


def _named(kind: str, values: Mapping[str, Any]) -> dict[str, Tensor]:
    return {f"{kind} {name}": _tensor(value) for name, value in values.items()}


def _tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)


def _tolerance(name: str) -> float:
    return GRADIENT_TOLERANCE if name.startswith("gradient ") else VALUE_TOLERANCE


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread, as goldens are made: the order of LAPACK's eigenvalues depends on rounding."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _critic_losses(golden: Golden) -> dict[str, Any]:
    wanted = golden.arrays.get("dlosses", golden.meta.get("dlosses"))
    if wanted is None:
        return {}
    values = wanted.values() if isinstance(wanted, Mapping) else wanted
    return dict(zip(("total", "real", "fake"), map(float, values), strict=True))


def _outputs(golden: Golden) -> dict[str, Tensor]:
    return {name[4:]: each for name, each in golden.arrays.items() if name.startswith("out/")}


def _error(computed: Tensor, wanted: Tensor) -> float:
    """The largest difference over the largest wanted value; the difference itself if all are 0."""
    computed = computed.detach()
    if computed.numel() == wanted.numel():
        computed = computed.reshape(wanted.shape)
    return float(computed.abs().max()) if not wanted.any() else error(computed, wanted.detach())
