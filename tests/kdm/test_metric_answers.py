"""A metric's answer either is a number for every meaning, or ends the evaluation with one sentence."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kdm.evaluate.checked import MetricError
from kdm.evaluate.evaluate import measure_samples
from kdm.evaluate.evaluation_options import EvaluationOptions
from kdm.metrics.bootstrap import Estimate
from kdm.metrics.metric import Meaning, Metric
from kdm.metrics.samples import EvaluationSamples


def samples() -> EvaluationSamples:
    points = np.random.RandomState(0).standard_normal((7, 20, 2)).astype(np.float32)
    return EvaluationSamples(*points)


def metric(**answers: Callable[[Any], Any]) -> Metric:
    """One number, `spread`, with some methods answered otherwise."""
    meanings = {"spread": Meaning("spread", "Spread of samples.", "higher", "fresh")}
    methods = {name: lambda _, given, say=say: say(given) for name, say in answers.items()}
    methods = {"measure": lambda _, given: {"spread": float(given.x_0_hat.std())}} | methods
    return type("Spread", (Metric,), {"plugin": "spread", "meanings": meanings, **methods})()


def measured(**answers: Callable[[Any], Any]) -> dict[str, Any]:
    chosen = EvaluationOptions.model_construct(metrics=(metric(**answers),), num_fresh=20)
    return measure_samples(samples(), chosen)


def failed(_samples: EvaluationSamples) -> Any:
    raise KeyError("colour")


FAULTS = {
    "NaN": ({"measure": lambda _: {"spread": float("nan")}}, "`measure` gave spread the value nan"),
    "Inf": ({"measure": lambda _: {"spread": np.float32("inf")}}, "gave spread the value inf"),
    "other names": (
        {"measure": lambda _: {"width": 1.0}},
        "`measure` named 'width', but its `meanings` are 'spread'",
    ),
    "no names": ({"measure": lambda _: {}}, "`measure` left out 'spread'"),
    "a bare number": ({"measure": lambda _: 1.0}, "`measure` returned float, not a dict by name"),
    "nothing": ({"measure": lambda _: None}, "`measure` returned NoneType"),
    "a text": ({"measure": lambda _: {"spread": "1"}}, "gave spread as str, not a number"),
    "a pair": ({"estimates": lambda _: {"spread": (0, 1)}}, "gave spread as tuple, not an Esti"),
    "a NaN interval": (
        {"estimates": lambda _: {"spread": Estimate(1.0, float("nan"), 2.0)}},
        "`estimates` gave spread the value nan",
    ),
    "a NaN floor": ({"floor": lambda _: {"spread": float("nan")}}, "`floor` gave spread the"),
    "an unknown real": (
        {"real": lambda _: {"width": Estimate(1.0, 0.0, 2.0)}},
        "`real` named 'width'",
    ),
    "unknown deviations": (
        {"deviations": lambda _: {"width": (0.1, -0.1)}},
        "`deviations` named 'width'",
    ),
    "a NaN deviation": (
        {"deviations": lambda _: {"spread": (float("nan"), 0.0)}},
        "`deviations` gave spread the value nan",
    ),
    "a bare deviation": (
        {"deviations": lambda _: {"spread": 0.1}},
        "`deviations` gave spread as float, not as numbers",
    ),
    "a failure": ({"measure": failed}, r"`measure` failed \(KeyError: 'colour'\)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_number_for_a_meaning_is_refused_by_the_metrics_name(fault: str) -> None:
    answers, sentence = FAULTS[fault]
    with pytest.raises(MetricError, match=f"^metric 'spread': .*{sentence}.*fix the metric"):
        measured(**answers)


def test_numbers_of_numpy_are_kept_as_plain_ones() -> None:
    found = measured(measure=lambda _: {"spread": np.float32(0.5)})
    assert found["values"] == found["floor"] == {"spread": 0.5}
    assert type(found["values"]["spread"]) is float


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("smaller", "fresh"), "has better 'smaller'; known: higher, lower, nearer 1"),
        (("lower", "held-out"), "has measured_on 'held-out'; did you mean 'heldout'"),
    ],
)
def test_a_meaning_that_no_table_knows_is_refused(words: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Meaning("spread", "Spread of samples.", *words)
