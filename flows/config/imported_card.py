"""The card of an imported teacher: what it is, how to sample it, and its licence."""

import math
from typing import Any, NamedTuple

from flows.table import num_bytes
from kdm.differential_privacy import Claim, claim_fields, claim_lines, stated_in
from kdm.licences import UNKNOWN, hub_fields
from kdm.report.existing_card import front_of, licence_of
from kdm.report.markdown import front_matter, inline
from kdm.trained import read_config
from storage.folders import Folder
from storage.yaml_text import yaml_text

PICTURE = "samples.png"
_NOTES = {
    "cc-by-nc-sa-4.0": "EDM's code and released networks are under CC BY-NC-SA 4.0: not for "
    "commercial use, and what is made with them is shared under the same licence.",
    UNKNOWN: "The file doesn't state a licence: ask its authors, and import it again with "
    "`--license`.",
}
_NOTE = "Pairs and students made with it inherit this licence."


class Card(NamedTuple):
    """The text, and a one-line summary for the terminal."""

    text: str
    summary: str


def teacher_card(folder: Folder, *, licence: str = "") -> Card:
    """The card of a finished import; the licence is the given one, else the existing card's."""
    config = read_config(folder)
    assert config is not None  # the import was finished
    known = licence_of(folder)
    licence = licence or (known if known != UNKNOWN else config["source"]["license"])
    stated = stated_in(front_of(folder))
    claim = Claim(stated) if stated else None
    front = {
        "name": folder.name.rpartition("-")[0],
        "digest": config["digest"],
        "weights_sha256": config["weights"]["sha256"],
        "source_sha256": config["source"]["sha256"],
        "parameters": config["parameters"]["trainable"],
        **hub_fields(licence),
        **claim_fields(claim),
    }
    words = "\n".join(["", *claim_lines(claim)]) if claim else ""
    body = _body(folder, config, _facts(config), licence)
    return Card(f"{front_matter(front)}{body}{words}", _summary(config))


def _body(folder: Folder, config: dict[str, Any], facts: dict[str, str], licence: str) -> str:
    rows = "".join(f"| {name} | {value} |\n" for name, value in facts.items())
    settings = yaml_text(config["model"]["init_kwargs"], sort_keys=True)
    picture = f"![16 samples]({PICTURE})\n\n" if folder.exists(PICTURE) else ""
    return (
        f"# {inline(folder.name.rpartition('-')[0])}\n\n"
        "A published teacher. Nothing in its file was executed when it was imported. "
        f"Its tensors are in `model.safetensors`, bit for bit.\n\n{picture}"
        f"| | |\n|---|---|\n{rows}\n"
        f"**Licence:** {inline(licence)}. {_NOTES.get(licence, _NOTE)}\n\n"
        f"What its network is built with:\n\n```yaml\n{settings}```\n"
    )


def _facts(config: dict[str, Any]) -> dict[str, str]:
    sampler, num_classes = config["sampler"], config["num_classes"]
    steps = f"`{sampler['plugin']}` in {sampler['num_steps']} steps, {config['nfe']} evaluations"
    return {
        "architecture": _architecture(config),
        "parameters": f"{config['parameters']['trainable']:,} in "
        f"{config['parameters']['tensors']:,} tensors",
        "samples": f"{_side(config)}, {num_classes or 'no'} classes",
        "noise levels": _levels(config["sigma"]),
        "recommended sampler": steps,
        "weights": {"ema": "averaged over training (EMA)", "raw": "not averaged"}.get(
            config["source"]["weights"], "the file doesn't say whether they're averaged"
        ),
        "sha256 of its source": f"`{config['source']['sha256']}`",
    }


def _summary(config: dict[str, Any]) -> str:
    size = num_bytes(config["weights"]["num_bytes"])
    parameters = f"{config['parameters']['trainable']:,} parameters"
    return f"{_architecture(config)}, {parameters}, {_side(config)}, {size}"


def _architecture(config: dict[str, Any]) -> str:
    precond = config["model"]["precond"]
    return f"{precond} of {config['class']}" if precond else str(config["class"])


def _side(config: dict[str, Any]) -> str:
    return " × ".join(map(str, config["shape"]))


def _levels(sigma: dict[str, float | None] | None) -> str:
    if sigma is None:
        return "flow matching: unit noise at T = 1, data at 0"
    high = math.inf if sigma["max"] is None else sigma["max"]
    known = f"σ from {sigma['min']:g} to {high:g}"
    return f"{known}; sampled from {sigma['sampled_max']:g} down to {sigma['sampled_min']:g}"
