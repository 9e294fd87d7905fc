"""The learning rate η as a function of the step s alone, so that a resumed run needs no state of it.

    s < W:      η_max (s + 1) / W                                     (linear: Goyal et al. 2017, Sec. 2.2)
    constant:   η_max
    cosine:     η_max ½ (1 + cos(π (s − W) / (S − W)))                (Loshchilov and Hutter 2017, Eq. 5)

with W warm-up steps of S in all. The paper has no warm-up or schedule (App. E.3): W = 0, constant.
"""

import math

from kdm.training.options import TrainingOptions


def learning_rate(options: TrainingOptions, step: int) -> float:
    """η of a step, 0 … num_steps − 1; the cosine would reach 0 one step after the last."""
    if step < options.warmup_steps:
        return options.learning_rate * (step + 1) / options.warmup_steps
    if options.schedule == "constant":
        return options.learning_rate
    progress = (step - options.warmup_steps) / (options.num_steps - options.warmup_steps)
    return options.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
