"""A student or a teacher as it travels: config, weights, numbers and pictures of samples.

Checkpoints, the best weights, logs and the job's file, which names folders of this machine, stay here.
"""

import re
from typing import Any, NamedTuple

from flows.hub.cargo import Cargo, sources_of
from flows.hub.no_places import told_documents
from kdm.hub.hub_address import HubAddress
from kdm.licences import UNKNOWN, hub_fields, said_by
from kdm.report.existing_card import CARD
from kdm.report.markdown import code_block, front_matter, inline, read_front_matter
from kdm.trained import read_config, read_weights
from storage.digest import digest_of
from storage.folders import Folder
from storage.yaml_text import yaml_text

_LIBRARY = "kdm-offline"
_INSTALL = f"pip install '{_LIBRARY}[hub]'"
_PICTURES = "unconditional-image-generation"
_GROUPS = {"student": "kdm.students", "teacher": "pairgen.teachers"}
_LOADING = re.compile(
    r"^from kdm\.export import load_student\n\nstudent = .*(\nx_0 = .*)?$", re.MULTILINE
)
_MADE_BY = re.compile(r"^Made by:\n\n(`{3,})sh\n(.*?)\n\1\n\n?", re.MULTILINE | re.DOTALL)
_MEASURED_BY = re.compile(
    r"; this measures it and puts the numbers here:\n\n(`{3,})sh\n.*?\n\1\n", re.DOTALL
)
_PICTURE_OF_TRAINING = re.compile(r"^!\[.*\]\(samples/.*\)\n\n", re.MULTILINE)  # which stays here
_OF_A_PLACE = re.compile(r"[/~\\]")  # a path, or the address of a bucket


class Lineage(NamedTuple):
    """What a model came from, by its name on the Hub; '' if it isn't there."""

    base_model: str = ""
    dataset: str = ""


def model_cargo(folder: Folder, address: HubAddress, lineage: Lineage) -> Cargo:
    """All that is sent of a student or a teacher, whose weights are checked first.

    Raises a ValueError if the folder holds none, or says a place of this machine, and a DamageError if it
    isn't as it was written.
    """
    config = read_config(folder)
    if config is None or config["group"] != _GROUPS[address.kind]:
        raise ValueError(f"{folder.url} holds no finished {address.kind}; see 'kdm ls'")
    read_weights(folder, config)
    sources = sources_of(folder, address.kind)
    sources |= told_documents(folder, sources)
    card = _card(folder, config, address, lineage)
    return Cargo.of(address.kind, folder.name, digest_of(config["identity"]), sources, card=card)


def _card(folder: Folder, config: dict[str, Any], address: HubAddress, lineage: Lineage) -> str:
    """card.md as the Hub reads it: its front matter, and a text that is of use to strangers."""
    written = folder.read(CARD).decode() if folder.exists(CARD) else ""
    front = read_front_matter(written)
    body = written.partition("\n---\n")[2] if front else _plain_body(folder, config)
    return f"{front_matter(_front(front, config, address, lineage))}{_for_strangers(body, address)}"


def _front(
    front: dict[str, Any], config: dict[str, Any], address: HubAddress, lineage: Lineage
) -> dict[str, Any]:
    numbers = front.get("metrics")
    shown = {**hub_fields(UNKNOWN), **{k: v for k, v in front.items() if k != "metrics"}}
    tags = [*shown.get("tags", []), *_more_tags(address, config)]
    fields = {
        **shown,
        "library_name": _LIBRARY,
        **({"pipeline_tag": _PICTURES} if len(config["shape"]) == 3 else {}),
        "tags": list(dict.fromkeys(tags)),
        **({"base_model": lineage.base_model} if lineage.base_model else {}),
        **({"datasets": [lineage.dataset]} if lineage.dataset else {}),
    }
    if isinstance(numbers, dict) and numbers:
        fields["metrics"] = sorted(numbers)
        fields["model-index"] = [_model_index(front, numbers, config, lineage)]
    return fields


def _more_tags(address: HubAddress, config: dict[str, Any]) -> list[str]:
    kind = str(config["model"]["plugin"])
    return ["diffusion", "distillation", kind] if address.kind == "student" else ["diffusion", kind]


def _model_index(
    front: dict[str, Any], numbers: dict[str, Any], config: dict[str, Any], lineage: Lineage
) -> dict[str, Any]:
    """The measured numbers as the Hub's model-index has them, each of one task and data set."""
    pairs = str(front.get("pairs", "pairs"))
    is_pictures = len(config["shape"]) == 3
    task = _PICTURES if is_pictures else "other"
    measured = [
        {"type": name, "name": name.replace("_", " "), "value": value}
        for name, value in numbers.items()
        if isinstance(value, int | float)
    ]
    result = {
        "task": {"type": task, "name": task.replace("-", " ")},
        "dataset": {"type": lineage.dataset or pairs, "name": pairs, "split": "heldout"},
        "metrics": measured,
    }
    return {"name": str(front.get("name", "model")), "results": [result]}


def _for_strangers(body: str, address: HubAddress) -> str:
    """The card's text with the repository in the place of the home, and no path or address of a home."""
    text = _MADE_BY.sub(lambda made: "" if _OF_A_PLACE.search(made[2]) else made[0], body)
    text = _PICTURE_OF_TRAINING.sub("", _MEASURED_BY.sub(".\n", text))
    lines, language = _use(address)
    told, found = _LOADING.subn(lambda _: lines, text)
    return told if found else "\n".join([text, *code_block(lines, language), ""])


def _use(address: HubAddress) -> tuple[str, str]:
    """What a stranger types to use it, and in which language: only names that last (docs/python.md)."""
    if address.kind == "teacher":
        return f"{_INSTALL}\nkdm pull teacher {address.repo}", "sh"
    loaded = f'import kdm\n\nstudent = kdm.load_student("{address.repo}")'
    return f"# {_INSTALL}\n{loaded}\nx_0 = student.sample(16)", "python"


def _plain_body(folder: Folder, config: dict[str, Any]) -> str:
    settings = yaml_text(config["model"], sort_keys=True)
    return (
        f"# {inline(folder.name)}\n\nAll that determines its networks:\n\n```yaml\n{settings}```\n"
    )


def licence_on(card: str) -> str:
    """The licence that a card gives."""
    return said_by(read_front_matter(card))
