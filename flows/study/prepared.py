"""What all trials of a study share, made once before them: teacher, pairs, masks, and the classifier."""

from flows.stage import Run
from flows.stages.sequence import run_stages
from flows.study.trials import Plan
from flows.watcher import Watcher
from kdm.evaluate.evaluate import needs_of
from storage.digest import digest_of


def prepare(plan: Plan, watcher: Watcher) -> None:
    """Make what is missing of it; the first of each sort of pairs makes them."""
    for run in _different(plan, watcher):
        for result in run_stages(run, until="filter-pairs"):
            watcher.finished(result)
    first = plan.trials[0].recipe
    if "classifier" in needs_of(first.evaluation.metrics) and first.dataset is not None:
        # Trained at most once; trials that need it side by side would each train it.
        import torch

        from kdm.evaluate.classifier_training import known_classifier

        torch.set_num_threads(1)
        known_classifier(plan.home, first.dataset, first.evaluation.classifier)


def _different(plan: Plan, watcher: Watcher) -> list[Run]:
    """A run for each different teacher, pairs or filters among the trials."""
    found: dict[str, Run] = {}
    for trial in plan.trials:
        document = trial.recipe.document()
        key = digest_of([document[part] for part in ("dataset", "teacher", "pairs", "filters")])
        if key not in found:
            found[key] = trial.run(
                plan.home, device=plan.device, report=watcher.report, say=watcher.say
            )
    return list(found.values())
