"""The sampler that is recommended for a field, by where its noise begins and how large its samples are.

EDM's: Heun's method along its noise levels, 18 steps (35 evaluations) up to 32 pixels a side and 40 (79)
above (Karras et al. 2022, App. F.1). Of flow matching: midpoint in 50 steps, as many evaluations as
torchcfm's Euler in 100 steps, with 1 % of its error.
"""

from pairgen.samplers.edm_heun import EdmHeun
from pairgen.samplers.fixed_steps import FixedSteps
from pairgen.samplers.midpoint import Midpoint

_COARSE, _FINE, _LARGEST_COARSE = 18, 40, 32  # steps, steps, pixels a side
_FLOW_STEPS = 50


def recommended_sampler(noise_scale: float, shape: tuple[int, ...]) -> FixedSteps:
    """For fields that begin at noise of this deviation; one that begins at 1 is of flow matching."""
    if noise_scale == 1:
        return Midpoint(num_steps=_FLOW_STEPS)
    is_fine = len(shape) == 3 and shape[-1] > _LARGEST_COARSE
    return EdmHeun(num_steps=_FINE if is_fine else _COARSE)
