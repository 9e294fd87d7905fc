"""`kdm student presets`: lists the papers' students, or prints one as in a recipe."""

import typer

from flows.table import aligned
from kdm.presets.preset import Mode
from kdm.presets.preset_choice import with_preset
from kdm.presets.presets import preset, preset_names
from storage.yaml_text import yaml_text


def list_presets() -> None:
    """Print every preset with its pairs and its numbers of parameters."""
    rows = [["preset", "student", "pairs", "classes", "trainable", "for sampling"]]
    for name in preset_names():
        chosen = preset(name)
        student, label = chosen.build(), chosen.schema.label
        counts = student.num_trainable_parameters(), student.num_inference_parameters()
        pairs = "×".join(map(str, chosen.schema.shape)), str(label.num_classes if label else 0)
        rows.append([name, chosen.student.plugin, *pairs, *(f"{count:,}" for count in counts)])
    typer.echo(aligned(rows))


def show_preset(name: str, mode: Mode) -> None:
    """Print a preset as one of a recipe's students, its name left out."""
    choice = with_preset({"preset": {"name": name, "mode": mode}})
    typer.echo(yaml_text(choice), nl=False)
