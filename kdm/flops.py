"""FLOPs, counted by torch's own counter: of any call, of a student's sample and of its training.

A multiplication with its addition is two (torch.utils.flop_counter). Products of matrices, convolutions
and attention count, forward and backward; norms, activations, optimisers and averages take time and
count none. Networks are built on the meta device: shapes without numbers, so that counting takes a
second and no memory. Our own kernels multiply less often than the plain convolution that they stand
for; what is counted is the plain one, on every processor.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from kdm.batch import Batch
from kdm.networks.plain import plain_kernels
from kdm.objective import Objective, Player
from kdm.students.plugin import StudentPlugin
from kdm.students.student import Student
from kdm.training.options import TrainingOptions
from storage.records import PairSchema

_META = torch.device("meta")
# Beginnings of the names of operations that multiply, in case that there is no formula for one. What is
# neither here nor has a formula works value by value, as norms do.
_MULTIPLYING = (
    "_cdist",
    "_fft",
    "_native_multi_head",
    "_scaled_dot",
    "_thnn_fused",
    "_transformer_encoder",
    "addbmm",
    "addmv",
    "addr",
    "cholesky",
    "cudnn_",
    "dot",
    "geqrf",
    "linalg_",
    "lu_",
    "mkldnn_",
    "mv",
    "ormqr",
    "triangular_solve",
    "vdot",
)
# Which begin so too, and multiply as often as they have values.
_NORMS = ("linalg_vector_norm",)


class Flops(NamedTuple):
    """A number of FLOPs, and by name the operations that multiply and aren't in it.

    `uncounted` is empty for the project's own students, except that a dense operator's eigenvalues
    (its `spectral` penalty) have no formula in torch.
    """

    total: int
    uncounted: tuple[str, ...] = ()

    def times(self, number: int) -> "Flops":
        """Of so many such calls."""
        return Flops(number * self.total, self.uncounted if number else ())

    def plus(self, other: "Flops") -> "Flops":
        """Of both."""
        return Flops(self.total + other.total, tuple(sorted({*self.uncounted, *other.uncounted})))


def counted(call: Callable[[], object]) -> Flops:
    """The FLOPs of a call, on whatever device it computes; its convolutions are plain ones meanwhile."""
    # Imported here, because counting imports torch's compiler: a second.
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False, custom_mapping=_formulas())
    counter.mod_tracker = _OneSum()  # type: ignore[assignment]
    unknown = _Unknown(frozenset(counter.flop_registry))
    with plain_kernels(), counter, unknown:
        call()
    return Flops(int(counter.get_total_flops()), tuple(sorted(unknown.names)))


def sample_flops(student: StudentPlugin, schema: PairSchema) -> Flops:
    """Of one sample, as a student draws it whose weights don't change any more."""
    with _META:
        built = student.build(schema).to(_META).eval().requires_grad_(False)
        batch = _batch(schema, 1)
        x_T = batch.noise()
        with plain_kernels():  # what follows from weights alone is computed at the first call
            built.generate(x_T, batch.label)
        return counted(lambda: built.generate(x_T, batch.label))


def step_flops(
    student: StudentPlugin, schema: PairSchema, batch_size: int, *, share_done: float = 1.0
) -> Flops:
    """Of one step on a batch: every player's passes, forward and backward, with losses and critic.

    `share_done` is the share of training that lies behind the step: a critic may come in later.
    """
    objective = _objective(student, schema)
    return _step(objective, objective.playing(share_done), _batch(schema, batch_size))


def finish_step_flops(
    student: StudentPlugin, schema: PairSchema, batch_size: int, *, has_anchor: bool
) -> Flops:
    """Of one step of a finish, forward and backward: the samples, and with an anchor the own loss.

    Without the network whose features it compares (kdm/finish/distribution.py).
    """
    built, batch = _objective(student, schema).model, _batch(schema, batch_size)
    assert isinstance(built, Student)

    def play() -> None:
        total = built.drawn(batch).sum()
        if has_anchor:
            total = total + built.measure(batch).total
        total.backward()  # type: ignore[no-untyped-call]

    with _META:
        return counted(play)


def training_flops(student: StudentPlugin, schema: PairSchema, training: TrainingOptions) -> Flops:
    """Of all steps. How they are shared among ranks and micro-batches makes no difference here."""
    objective = _objective(student, schema)
    batch, num_steps = _batch(schema, training.batch_size), training.num_steps
    # Steps s with s / num_steps < opening_share, as the trainer has them.
    num_opening = min(num_steps, math.ceil(objective.opening_share * num_steps))
    usual = _step(objective, objective.players, batch).times(num_steps - num_opening)
    if not num_opening:
        return usual
    return usual.plus(_step(objective, objective.opening, batch).times(num_opening))


def _objective(student: StudentPlugin, schema: PairSchema) -> Objective:
    """An untrained student with its losses and its critic, on the meta device."""
    with _META:
        objective = student.build(schema).objective()
    for player in objective.players:
        player.module.to(_META)  # constants are made on the CPU
    return objective


def _step(objective: Objective, playing: tuple[Player, ...], batch: Batch) -> Flops:
    """Each player's loss and its gradient, one after another as in training."""

    def play() -> None:
        for player in playing:
            player.module.zero_grad()
            player.loss(batch).total.backward()  # type: ignore[no-untyped-call]

    objective.model.train()
    with _META:
        return counted(play)


def _batch(schema: PairSchema, size: int) -> Batch:
    """A batch of such pairs on the meta device."""
    x = torch.empty(size, *schema.shape, device=_META)
    index = torch.empty(size, dtype=torch.int64, device=_META)
    label = None if schema.label is None else index
    between = torch.empty(size, schema.num_states, *schema.shape, device=_META)
    return Batch(index, x_0=x, x_T=x, label=label, states=between if schema.num_states else None)


class _OneSum:
    """In place of torch's sums for each module, whose hooks fail in a critic's gradient penalty."""

    parents = ("Global",)

    def __enter__(self) -> "_OneSum":
        return self

    def __exit__(self, *_error: object) -> None: ...


class _Unknown(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the operations that multiply and for which the counter has no formula."""

    def __init__(self, known: frozenset[Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._known = known
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in _SHAPES and args[0].is_meta:
            return _SHAPES[name](*args)
        may_count = name.startswith(_MULTIPLYING) and not name.startswith(_NORMS)
        if may_count and func.overloadpacket not in self._known:
            self.names.add(name)
        return func(*args, **(kwargs or {}))


def _group_norm(
    x: Tensor, _weight: Any, _bias: Any, num: int, _c: int, _pixels: int, groups: int, _eps: float
) -> tuple[Tensor, ...]:
    statistics = x.new_empty(num, groups)
    return torch.empty_like(x), statistics, torch.empty_like(statistics)


def _group_norm_backward(
    _of_y: Tensor,
    x: Tensor,
    _mean: Any,
    _inverse: Any,
    _weight: Any,
    _num: int,
    c: int,
    *_more: Any,
) -> tuple[Tensor, ...]:
    return torch.empty_like(x), x.new_empty(c), x.new_empty(c)


# torch finds the shapes of norms by thirty operations in Python, which takes most of the time that a
# U-Net's count does.
_SHAPES: dict[str, Callable[..., tuple[Tensor, ...]]] = {
    "native_group_norm": _group_norm,
    "native_group_norm_backward": _group_norm_backward,
}


def _formulas() -> dict[Any, Callable[..., Any]]:
    """Of operations that torch has and doesn't count: a processor's attention, products with a vector."""
    from torch.utils.flop_counter import sdpa_backward_flop_count, sdpa_flop_count

    def attention(query: Any, key: Any, value: Any, *_options: Any, **_more: Any) -> Any:
        return sdpa_flop_count(query, key, value)  # type: ignore[no-untyped-call]

    def attention_backward(
        of_out: Any, query: Any, key: Any, value: Any, *_options: Any, **_more: Any
    ) -> Any:
        return sdpa_backward_flop_count(of_out, query, key, value)  # type: ignore[no-untyped-call]

    def matrix_vector(matrix: Any, _vector: Any, *_options: Any, **_more: Any) -> int:
        return 2 * int(math.prod(matrix))

    def added_matrix_vector(_sum: Any, matrix: Any, *_options: Any, **_more: Any) -> int:
        return 2 * int(math.prod(matrix))

    def product(vector: Any, _other: Any, *_options: Any, **_more: Any) -> int:
        return 2 * int(math.prod(vector))

    aten = torch.ops.aten
    return {
        aten._scaled_dot_product_flash_attention_for_cpu: attention,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: attention_backward,
        aten.mv: matrix_vector,
        aten.addmv: added_matrix_vector,
        aten.dot: product,
    }
