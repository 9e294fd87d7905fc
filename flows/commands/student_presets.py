"""`kdm student presets`: the paper's students by name, and one of them as a recipe has it."""

import typer
import yaml

from flows.commands.table import aligned
from kdm.students.presets import Mode, preset, preset_names
from storage.plugins import describe


def list_presets() -> None:
    """Print every preset with its numbers of parameters."""
    rows = [["preset", "student", "trainable", "for sampling"]]
    for name in preset_names():
        chosen = preset(name, "published")
        student = chosen.build()
        counts = student.num_trainable_parameters(), student.num_inference_parameters()
        rows.append([name, chosen.student.plugin, *(f"{count:,}" for count in counts)])
    typer.echo(aligned(rows))


def show_preset(name: str, mode: Mode) -> None:
    """Print a preset as the `model` of a recipe's student."""
    choice = {"model": describe(preset(name, mode).student)}
    typer.echo(yaml.safe_dump(choice, sort_keys=False), nl=False)
