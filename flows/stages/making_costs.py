"""What making takes, in numbers that hold on every machine: steps, samples, pairs, evaluations, bytes."""

from collections.abc import Sequence

from flows.config.generated_pairs import GeneratedPairs
from flows.config.splits import counts
from flows.generation.work import Work
from flows.stage import Run, StageResult
from flows.stages.pair_spec import pair_spec
from kdm.training.options import TrainingOptions

Cost = dict[str, int]  # steps and samples of a training; pairs, evaluations and bytes of a set


def training_cost(trainings: Sequence[TrainingOptions]) -> Cost:
    """Steps, and samples over all of them."""
    steps = sum(each.num_steps for each in trainings)
    return {"steps": steps, "samples": sum(each.num_steps * each.batch_size for each in trainings)}


def pairs_cost(run: Run, teacher: StageResult | None) -> Cost:
    """Missing pairs, the network's evaluations and bytes on disk; without a teacher the number of all pairs.

    Nothing for pairs that aren't generated.
    """
    pairs = run.recipe.pairs
    if not isinstance(pairs, GeneratedPairs):
        return {}
    if teacher is None:
        return {"pairs": sum(counts(pairs).values())}
    work = Work(run, pair_spec(run, weights=teacher.facts["weights"]), teacher)
    missing = work.missing()
    num = work.num_pairs(missing)
    evaluations = {"evaluations": num * work.spec.nfe} if work.spec.nfe else {}
    return {"pairs": num, **evaluations, "bytes": work.num_bytes(missing)}
