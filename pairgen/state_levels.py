"""At which levels x_T and the stored states of generated pairs are: what a set's spec implies.

Times follow from the sampler's grid and the teacher's times, levels from the teacher's path (kdm/level.py).
"""

from kdm.level import Level
from pairgen.spec import PairSpec

# So that a name that covers levels doesn't depend on the last digits of one machine's power function.
_DIGITS = 6


def state_levels(spec: PairSpec) -> tuple[Level, ...]:
    """The level of x_T and then of each of the K stored states, K + 1 in all, from noise to data.

    A ValueError if the sampler or the teacher doesn't say. The teacher's network is built, without its
    weights: which times it knows may depend on it.
    """
    import torch  # here, because a set can be described without it

    with torch.random.fork_rng(devices=[]):  # building draws initial weights
        teacher = spec.teacher.plugin.build(spec.pairs.shape)
    kept = spec.sampler.kept_times(teacher, spec.pairs.num_states)
    levels = (teacher.level(t) for t in (spec.sampler.begins_at(teacher), *kept))
    return tuple(Level(_rounded(alpha), _rounded(sigma)) for alpha, sigma in levels)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
