"""A recipe's teacher as a map from any noise to its sample, as its pairs were made."""

import numpy as np
import torch

from flows.config.generated_pairs import GeneratedPairs
from flows.stage import Run, StageResult
from flows.stages.pair_spec import pair_spec
from kdm.analyze.analysis import NoiseMap
from kdm.metrics.samples import Classes, Points
from pairgen.precision import arithmetic
from pairgen.sampling import place, sampled_batches
from pairgen.spec import PairSpec
from pairgen.teachers.guided import sampled_field
from pairgen.teachers.teacher import Teacher, load_teacher
from storage.records import PairBatch

_BATCH = 256  # if the recipe leaves the size to the device


def teacher_map(run: Run, teacher: StageResult) -> NoiseMap:
    """The map of a trained or stored teacher; its weights are read and checked here."""
    pairs = run.recipe.pairs
    assert isinstance(pairs, GeneratedPairs)  # an analysis that needs a teacher asked for it
    spec = pair_spec(run, weights=teacher.facts["weights"])
    plugin = spec.teacher.plugin
    weights = teacher.place.read("model.safetensors") if plugin.is_trained else None
    network = load_teacher(plugin, spec.pairs.shape, weights=weights, digest=spec.teacher.weights)
    device = torch.device(run.settled_device)
    placed = place(network, device)
    size = pairs.sampling_batch if isinstance(pairs.sampling_batch, int) else _BATCH

    def apply(x_T: Points, label: Classes | None) -> Points:
        with arithmetic(spec.precision, placed, device):
            return _sampled(spec, placed, x_T, label, size)

    return apply


def _sampled(
    spec: PairSpec, teacher: Teacher, x_T: Points, label: Classes | None, size: int
) -> Points:
    """x_0 [n, *shape] of noise [n, *shape], in batches."""
    whole = PairBatch(np.arange(len(x_T)), x_T, np.empty_like(x_T), label)
    batches = (whole.take(slice(first, first + size)) for first in range(0, len(x_T), size))
    field = sampled_field(teacher, spec.guidance)
    made = [np.asarray(batch.pairs.x_0) for batch in sampled_batches(spec, field, batches)]
    return np.concatenate(made).astype(np.float32)
