"""FLOPs of the presets of students: of a sample, and of a training step for each picture of its batch.

Counted on the meta device (kdm/flops.py), so that no processor and no file of weights matters.
"""

from collections.abc import Iterator

from kdm.flops import sample_flops, training_flops
from kdm.presets.presets import preset, preset_names

PUBLISHED = ("cifar10", "cifar10-kdm-f")


def table() -> Iterator[str]:
    yield "| preset | GFLOPs a sample | GFLOPs a step and picture | FLOPs of its training |"
    yield "|---|---:|---:|---:|"
    for name in preset_names():
        yield _row(name, is_published=False)
        if name in PUBLISHED:
            yield _row(name, is_published=True)


def _row(name: str, *, is_published: bool) -> str:
    chosen = preset(name, "published" if is_published else "default")
    sample = sample_flops(chosen.student, chosen.schema).total
    whole = training_flops(chosen.student, chosen.schema, chosen.training).total
    seen = chosen.training.num_steps * chosen.training.batch_size
    mode = ", published" if is_published else ""
    return f"| `{name}`{mode} | {sample / 1e9:.4g} | {whole / seen / 1e9:.4g} | {whole:.3g} |"
