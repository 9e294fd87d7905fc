"""How fast a student samples. A rate isn't a metric: it goes to timings.json, with its machine.

Rates are samples / seconds of the fastest of a few passes, because other work on a machine only slows
a pass down.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from kdm.evaluate.draw import push
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.metrics.sample_sets import Points, SampleSet
from kdm.metrics.samples import Classes
from kdm.students.student import Student

_MOST = 2**26  # bytes of noise in a pass, or a batch: 5,461 pictures of 3×32×32


@dataclass(frozen=True)
class Throughput:
    """The fastest of a few passes over the same noise, after one that warmed up."""

    nfe: int  # network evaluations a sample
    num_samples: int  # a pass
    batch_size: int
    num_threads: int
    wall_seconds: float  # of the fastest pass
    cpu_seconds: float  # of the whole process in that pass

    @property
    def samples_per_second(self) -> float:
        """Samples per second of wall time."""
        return self.num_samples / max(self.wall_seconds, 1e-9)

    @property
    def samples_per_cpu_second(self) -> float:
        """Samples per second of CPU time, which a busy machine changes less."""
        return self.num_samples / max(self.cpu_seconds, 1e-9)

    def document(self) -> dict[str, Any]:
        """All fields and both rates, for timings.json."""
        rates = {
            "samples_per_second": self.samples_per_second,
            "samples_per_cpu_second": self.samples_per_cpu_second,
        }
        return asdict(self) | rates


def measure_throughput(
    student: Student,
    x_T: Points | SampleSet,
    label: Classes | None = None,
    *,
    options: EvaluationOptions,
    num_passes: int = 5,
) -> Throughput:
    """Time `num_passes` passes of x_T ([n, *shape]), with `label` ([n]), through the student.

    Of large samples the first 64 MiB, so that a rate doesn't cost more than what is measured.
    """
    most = slice(max(options.batch_size, _MOST // x_T[:1].nbytes))
    noise, label = x_T[most], None if label is None else label[most]
    first = slice(options.batch_size)
    push(student, noise[first], None if label is None else label[first], options=options)
    timings = np.array([_timed_pass(student, noise, label, options) for _ in range(num_passes)])
    wall, cpu = timings[timings[:, 0].argmin()]
    return Throughput(
        nfe=student.nfe,
        num_samples=len(noise),
        batch_size=options.batch_size,
        num_threads=torch.get_num_threads(),
        wall_seconds=float(wall),
        cpu_seconds=float(cpu),
    )


def _timed_pass(
    student: Student, x_T: Points, label: Classes | None, options: EvaluationOptions
) -> tuple[float, float]:
    """Wall and CPU seconds of one pass."""
    # `push` copies the samples to the host, so a GPU has finished when it returns.
    wall, cpu = time.perf_counter(), time.process_time()
    push(student, x_T, label, options=options)
    return time.perf_counter() - wall, time.process_time() - cpu
