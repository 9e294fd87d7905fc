"""The card of an imported student: what it is, how to sample it, and its licence."""

from typing import Any, NamedTuple

from flows.table import num_bytes
from kdm.licences import UNKNOWN, hub_fields
from kdm.report.markdown import front_matter, inline
from kdm.trained import read_config
from storage.folders import Folder
from storage.yaml_text import yaml_text


class Card(NamedTuple):
    """The text, and a one-line summary for the terminal."""

    text: str
    summary: str


def imported_card(folder: Folder) -> Card:
    """Of a finished import."""
    config = read_config(folder)
    assert config is not None  # the import was finished
    name = folder.name.rpartition("-")[0]
    front = {
        "name": name,
        "digest": config["digest"],
        "plugin": config["model"]["plugin"],
        "weights_sha256": config["weights"]["sha256"],
        "source_sha256": config["source"]["sha256"],
        **hub_fields(UNKNOWN),
        "tags": ["distillation", "one-step", "koopman"],
    }
    return Card(f"{front_matter(front)}{_body(name, config)}", _summary(config))


def _body(name: str, config: dict[str, Any]) -> str:
    rows = "".join(f"| {what} | {value} |\n" for what, value in _facts(config).items())
    settings = yaml_text(config["model"], sort_keys=True)
    return (
        f"# {inline(name)}\n\n"
        "A published Koopman student. Nothing in its file was executed when it was imported. The "
        "pairs that it was trained on aren't known here.\n\n"
        f"| | |\n|---|---|\n{rows}\n"
        "**Licence:** unknown. The published KDM code comes without a licence, and the file "
        "doesn't name one: ask its authors before you pass it on.\n\n"
        f"```sh\nkdm sample {name} -n 64 --grid samples.png\n```\n\n"
        f"Its networks' options (the file doesn't say how it was trained):\n\n"
        f"```yaml\n{settings}```\n"
    )


def _facts(config: dict[str, Any]) -> dict[str, str]:
    parameters, schema = config["parameters"], config["schema"]
    num_classes = schema["label"]["num_classes"] if schema["label"] else "no"
    return {
        "student": f"`{config['model']['plugin']}`",
        "parameters": f"{parameters['trainable']:,} trainable, {parameters['inference']:,} sample",
        "samples": f"{_side(config)}, {num_classes} classes",
        "noise": f"standard deviation {schema['noise']['scale']:g}",
        "saved as": inline(config["source"]["kind"]),
        "sha256 of its source": f"`{config['source']['sha256']}`",
    }


def _summary(config: dict[str, Any]) -> str:
    size = num_bytes(config["weights"]["num_bytes"])
    parameters = f"{config['parameters']['inference']:,} parameters sample"
    return f"{config['model']['plugin']}, {parameters}, {_side(config)}, {size}"


def _side(config: dict[str, Any]) -> str:
    return " × ".join(map(str, config["shape"]))
