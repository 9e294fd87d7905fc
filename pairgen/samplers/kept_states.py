"""What is kept of the states that a solver passes: the last one alone, or some of those before it too.

Of N steps the solver passes x after each; the one after step N is x_0. K states between are those after the
steps ⌊k N / (K + 1)⌋, k = 1 … K, evenly spaced and without the ends. Steps that aren't kept are freed at
once, so that memory holds K + 1 states and not N.
"""

from collections.abc import Iterable

from kdm.shapes import Samples
from kdm.torch_types import Tensor


def evenly_spaced(keep_states: int, *, num_steps: int, sampler: str) -> tuple[int, ...]:
    """The steps, counted from 1, after which a state is kept; a ValueError if there are too few."""
    if not 0 <= keep_states < num_steps:
        raise ValueError(
            f"{keep_states} states between noise and data are required, but '{sampler}' in "
            f"{num_steps} steps passes {num_steps - 1}; keep at most that many, or take more steps"
        )
    return tuple(number * num_steps // (keep_states + 1) for number in range(1, keep_states + 1))


def kept_of(
    passed: Iterable[tuple[int, Samples]], kept: tuple[int, ...], *, num_steps: int
) -> tuple[Samples, Tensor]:
    """x_0 [n, *shape] and the kept states [n, K, *shape], of all states with their steps."""
    import torch  # here, because recipes import samplers and must start without torch

    x_at = {step: x for step, x in passed if step in kept or step == num_steps}
    x_0 = x_at[num_steps]
    if not kept:
        return x_0, x_0.new_empty(len(x_0), 0, *x_0.shape[1:])
    return x_0, torch.stack([x_at[step] for step in kept], dim=1)
