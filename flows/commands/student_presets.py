"""`kdm student presets`: lists the papers' students, or prints one as in a recipe."""

from typing import Any

import typer

from flows.table import aligned, say_document
from kdm.presets.preset import Mode
from kdm.presets.preset_choice import with_preset
from kdm.presets.presets import preset, preset_names
from storage.yaml_text import yaml_text

_HEAD = ["preset", "student", "pairs", "classes", "trainable", "for sampling"]


def list_presets(*, as_json: bool) -> None:
    """Print every preset with its pairs and its numbers of parameters."""
    facts = [_facts(name) for name in preset_names()]
    if as_json:
        say_document({"presets": facts})
    else:
        typer.echo(aligned([_HEAD, *map(_cells, facts)]))


def _facts(name: str) -> dict[str, Any]:
    chosen = preset(name)
    student, label = chosen.build(), chosen.schema.label
    return {
        "name": name,
        "student": chosen.student.plugin,
        "shape": list(chosen.schema.shape),
        "classes": label.num_classes if label else 0,
        "trainable_parameters": student.num_trainable_parameters(),
        "inference_parameters": student.num_inference_parameters(),
    }


def _cells(facts: dict[str, Any]) -> list[str]:
    name, student, shape, classes, *counts = facts.values()
    pairs = "×".join(map(str, shape))
    return [name, student, pairs, str(classes), *(f"{count:,}" for count in counts)]


def show_preset(name: str, mode: Mode, *, as_json: bool) -> None:
    """Print a preset as one of a recipe's students, its name left out."""
    choice = with_preset({"preset": {"name": name, "mode": mode}})
    if as_json:
        say_document(choice)
    else:
        typer.echo(yaml_text(choice), nl=False)
