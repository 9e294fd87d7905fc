"""The learning rate as a function of the step alone."""

import math

from kdm.training.options import TrainingOptions


def learning_rate(options: TrainingOptions, step: int) -> float:
    """The rate of step 0 … num_steps − 1: a linear warm-up, then constant or half a cosine."""
    if step < options.warmup_steps:
        return options.learning_rate * (step + 1) / options.warmup_steps
    if options.schedule == "constant":
        return options.learning_rate
    progress = (step - options.warmup_steps) / (options.num_steps - options.warmup_steps)
    return options.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
