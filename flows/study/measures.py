"""Which numbers a study can print, and which it does."""

from flows.study.costs import COSTS
from flows.study.trials import Plan
from kdm.evaluate.evaluate import meanings_of
from kdm.metrics.metric import Meaning
from storage.did_you_mean import nearest


def known_on(plan: Plan) -> dict[str, Meaning]:
    """Every number that the study could print, by name."""
    metrics = plan.trials[0].recipe.evaluation.metrics
    analysis = plan.analysis
    return {**meanings_of(metrics), **(analysis.meanings if analysis else {}), **COSTS}


def measured_on(plan: Plan) -> dict[str, Meaning]:
    """The numbers that it does print, in the order of the table."""
    known = known_on(plan)
    metrics = meanings_of(plan.trials[0].recipe.evaluation.metrics)
    own = plan.analysis.meanings if plan.analysis else {}
    names = plan.study.on[plan.data].measure or (*own, *metrics)
    return {name: known[name] for name in names}


def require_measures(plan: Plan) -> None:
    """Raise a ValueError if the study names a number that neither metrics nor analysis give."""
    known, on = known_on(plan), plan.study.on[plan.data]
    for key, names in (("measure", on.measure), ("figure", on.figure or ())):
        for name in names:
            if name not in known:
                raise ValueError(
                    f"study '{plan.study.name}': on.{plan.data}.{key}: nothing measures '{name}'; "
                    f"{nearest(name, list(known))}"
                )
