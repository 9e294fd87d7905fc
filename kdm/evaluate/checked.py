"""A metric's answers, checked: one that a report can't show ends the evaluation with a sentence.

A metric may come from another package. So each answer must be a dict of finite numbers under the
very names of the metric's `meanings`, and an error of the metric is passed on with its name.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from kdm.metrics.bootstrap import Estimate
from kdm.metrics.metric import Metric
from kdm.metrics.samples import EvaluationSamples
from storage.errors import StoreError

Numbers = Mapping[str, Estimate] | Mapping[str, float]


class MetricError(StoreError):
    """A metric raised, or returned something other than its numbers."""


def own_numbers(metric: Metric, samples: EvaluationSamples) -> Numbers:
    """The student's: `estimates` if the metric has any, else `measure`."""
    return _estimates(metric, samples) or _floats(metric, "measure", samples)


def floor_numbers(metric: Metric, samples: EvaluationSamples) -> Numbers:
    """The teacher's in the student's place, in the same form as the student's."""
    copy = samples.with_teacher_as_student()
    return _estimates(metric, copy) or _floats(metric, "floor", samples)


def real_numbers(metric: Metric, samples: EvaluationSamples) -> Mapping[str, Estimate]:
    """Those of real samples; a metric may give some of them or none."""
    found = _answer(metric, "real", samples)
    _require_known(metric, "real", found)
    return {name: _estimate(metric, "real", name, value) for name, value in found.items()}


def deviations(metric: Metric, samples: EvaluationSamples) -> Mapping[str, tuple[float, ...]]:
    """What resampled rows do to its numbers; for some of them, for all or for none."""
    found = _answer(metric, "deviations", samples)
    _require_known(metric, "deviations", found)
    return {name: _resampled(metric, "deviations", name, each) for name, each in found.items()}


def _require_known(metric: Metric, method: str, found: Mapping[str, Any]) -> None:
    """Raise `MetricError` if an answer names a number that the metric doesn't state."""
    unknown = [name for name in found if name not in metric.meanings]
    if unknown:
        raise _fault(metric, f"`{method}` named {_listed(unknown)}, {_which_are_known(metric)}")


def _estimates(metric: Metric, samples: EvaluationSamples) -> Mapping[str, Estimate]:
    """The metric's numbers with intervals; {} if it has none."""
    found = _answer(metric, "estimates", samples)
    if found:
        _require_names(metric, "estimates", found)
    return {name: _estimate(metric, "estimates", name, value) for name, value in found.items()}


def _floats(metric: Metric, method: str, samples: EvaluationSamples) -> Mapping[str, float]:
    """The numbers of `measure` or `floor`: one for each name, finite."""
    found = _answer(metric, method, samples)
    _require_names(metric, method, found)
    return {name: _float(metric, method, name, value) for name, value in found.items()}


def _answer(metric: Metric, method: str, samples: EvaluationSamples) -> Mapping[str, Any]:
    """What the method returned, which must be a mapping."""
    with _named(metric, method):
        found = getattr(metric, method)(samples)
    if not isinstance(found, Mapping):
        raise _fault(metric, f"`{method}` returned {type(found).__name__}, not a dict by name")
    return found


def _require_names(metric: Metric, method: str, found: Mapping[str, Any]) -> None:
    """Raise `MetricError` unless the answer has exactly the metric's names."""
    unknown = [name for name in found if name not in metric.meanings]
    missing = [name for name in metric.meanings if name not in found]
    if unknown or missing:
        named = f"named {_listed(unknown)}" if unknown else f"left out {_listed(missing)}"
        raise _fault(metric, f"`{method}` {named}, {_which_are_known(metric)}")


def _estimate(metric: Metric, method: str, name: str, value: Any) -> Estimate:
    """One estimate with its bounds and deviations, all finite."""
    if not isinstance(value, Estimate):
        raise _fault(metric, f"`{method}` gave {name} as {type(value).__name__}, not an Estimate")
    number, low, high = (_float(metric, method, name, each) for each in value[:3])
    return Estimate(number, low, high, _resampled(metric, method, name, value.deviations))


def _resampled(metric: Metric, method: str, name: str, found: Any) -> tuple[float, ...]:
    if not isinstance(found, Sequence):
        raise _fault(metric, f"`{method}` gave {name} as {type(found).__name__}, not as numbers")
    return tuple(_float(metric, method, name, each) for each in found)


def _float(metric: Metric, method: str, name: str, value: Any) -> float:
    """One finite number; a bool, a text or an array isn't one."""
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        raise _fault(metric, f"`{method}` gave {name} as {type(value).__name__}, not a number")
    if not math.isfinite(value):
        raise _fault(metric, f"`{method}` gave {name} the value {float(value)}")
    return float(value)


def _which_are_known(metric: Metric) -> str:
    return f"but its `meanings` are {_listed(list(metric.meanings)) or 'empty'}"


def _listed(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:8])


def _fault(metric: Metric, what: str) -> MetricError:
    return MetricError(
        f"metric '{metric.plugin}': {what}; every meaning needs one finite number: fix the metric, "
        "or take it out of evaluation.metrics"
    )


@contextmanager
def _named(metric: Metric, method: str) -> Iterator[None]:
    # A metric may be foreign code and raise anything; nothing is swallowed, only named. A ValueError
    # may be a sentence for the user (too few samples), so nothing is added to it.
    try:
        yield
    except ValueError as error:
        raise ValueError(f"metric '{metric.plugin}': {error}") from error
    except Exception as error:
        raise _fault(metric, f"`{method}` failed ({type(error).__name__}: {error})") from error
