"""Whether a file gives what the student's `generate` does: asked of a few samples before it is kept."""

import numpy as np
import torch
from numpy.typing import NDArray

from kdm.exporters.form import Run
from kdm.students.student import Student
from storage.records import PairSchema, Rounding, to_bytes

MOST_APART = 1e-4  # of the range of samples, in float32
_NUM_COMPARED = 3  # other than traced, so that the number of samples is free


def difference(student: Student, run: Run, schema: PairSchema, *, rounding: Rounding) -> float:
    """How far the file's samples are from `generate`'s, over the range of samples; noise of seed 0.

    Bytes are compared with rounded samples: a level is 1/255. Raises a ValueError if the file's samples are
    too far away.
    """
    x_T = torch.randn(_NUM_COMPARED, *schema.shape, generator=torch.Generator().manual_seed(0))
    x_T *= schema.noise.scale
    label = torch.arange(_NUM_COMPARED) % student.num_classes if student.num_classes else None
    wanted = student.generate(x_T, label).numpy()
    made = run(x_T.numpy(), None if label is None else label.numpy())
    if rounding == "none":
        apart, most = _apart(made, wanted, _range(wanted, schema)), MOST_APART
    else:  # an edge between two bytes may lie between values that only rounding keeps apart
        apart, most = _apart(made, to_bytes(wanted, rounding), 255), 1 / 255
    if not apart <= most:
        raise ValueError(
            f"the exported program's samples are {apart:.1e} of their range away from the student's, more "
            f"than {most:.1e}, so that nothing was written; check the versions of torch and of the "
            "packages of the extra onnx ('kdm doctor')"
        )
    return apart


def _apart(made: NDArray[np.generic], wanted: NDArray[np.generic], size: float) -> float:
    return float(np.abs(made.astype(np.float64) - wanted.astype(np.float64)).max() / size)


def _range(x_0: NDArray[np.float32], schema: PairSchema) -> float:
    """Of valid samples; where the pairs don't say it, of these."""
    low, high = schema.value_range or (x_0.min(), x_0.max())
    return float(high - low) or 1.0
