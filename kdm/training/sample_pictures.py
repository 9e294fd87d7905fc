"""Pictures of samples during training, made with the averaged weights; no bit of training changes.

They show θ̄ (kdm/training/ema.py), which is what would be exported at that step, and always from the same
noise, so that one sees the same samples get better.
"""

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray

from kdm.image_grid import Colours, image_grid
from kdm.objective import Objective
from kdm.shapes import Samples
from kdm.training.ema import Ema, averaged
from kdm.training.options import TrainingOptions

_PICTURES = 5  # a run, unless its options say otherwise
_NUM_COLUMNS, _SIDE = 8, 64  # images a row, and pixels that small ones are enlarged to


def is_due(options: TrainingOptions, step: int) -> bool:
    """Whether a picture is drawn after `step` steps: every `samples_every`, and after the last one."""
    every = options.samples_every
    if every is None:
        every = -(-options.num_steps // _PICTURES)
    return bool(every) and (step % every == 0 or step == options.num_steps)


def drawn(objective: Objective, ema: Ema, *, is_compiled: bool) -> Colours | None:
    """A picture (height, width, colours) of the averaged model's samples; None if it can't draw.

    Dropout is off. Networks run uncompiled, since torch.compile would compile them again for this.
    """
    if objective.draw is None:
        return None
    with averaged(ema), _uncompiled() if is_compiled else nullcontext():
        return image_grid(_bytes(objective.draw()), num_columns=_NUM_COLUMNS, side=_SIDE)


def _uncompiled() -> AbstractContextManager[object]:
    stance: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return stance


def _bytes(samples: Samples) -> NDArray[np.uint8]:
    """Pictures (n, c, h, w) of −1 … 1 as bytes."""
    # Truncated, as EDM's pictures are: -1 … 1 to 0 … 255.
    colours: NDArray[np.uint8] = (samples * 127.5 + 128).clip(0, 255).to(torch.uint8).cpu().numpy()
    return colours
