"""The recommended sampler for a field, by its noise scale and the size of its samples.

| field | sampler | evaluations | why |
|---|---|---|---|
| EDM, to 32 pixels a side | edm-heun, 18 steps | 35 | Karras et al. 2022, App. F.1 |
| EDM, larger | edm-heun, 40 steps | 79 | the same |
| flow matching | midpoint, 50 steps | 100 | 1 % of the error of torchcfm's Euler in 100 steps |
"""

from pairgen.samplers.edm_heun import EdmHeun
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.samplers.midpoint import Midpoint

_COARSE, _FINE, _LARGEST_COARSE = 18, 40, 32  # steps, steps, pixels a side
_FLOW_STEPS = 50


def recommended_sampler(noise_scale: float, shape: tuple[int, ...]) -> FixedSteps:
    """For a field whose x_T has this standard deviation (1: flow matching) and samples of `shape`."""
    if noise_scale == 1:
        return Midpoint(num_steps=_FLOW_STEPS)
    is_fine = len(shape) == 3 and shape[-1] > _LARGEST_COARSE
    return EdmHeun(num_steps=_FINE if is_fine else _COARSE)
