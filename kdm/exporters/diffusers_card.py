"""README.md of a diffusers folder: what the Hub reads, and how the pipeline is opened and called."""

from collections.abc import Mapping
from typing import Any

from kdm.licences import hub_fields
from kdm.report.markdown import code_block, front_matter, inline

_OPENING = """from diffusers import DiffusionPipeline

pipe = DiffusionPipeline.from_pretrained("FOLDER", trust_remote_code=True)
"""


def diffusers_card(options: Mapping[str, Any], what: str, note: str) -> str:
    """Markdown under front matter; `what` is a student or a teacher, `note` a sentence about its steps."""
    is_picture, num_classes = len(options["shape"]) == 3, options["num_classes"]
    front = {
        **hub_fields(options["licence"]),
        "library_name": "diffusers",
        "tags": ["diffusers", "distillation"],
        **({"pipeline_tag": "unconditional-image-generation"} if is_picture else {}),
    }
    labels = f", class_labels={min(3, num_classes - 1)}" if num_classes else ""
    call = f"samples = pipe(batch_size=16{labels}).images\n"
    shape = ", ".join(str(each) for each in options["shape"])
    classes = f" and a class from 0 to {num_classes - 1}" if num_classes else ""
    return "\n".join(
        [
            front_matter(front),
            f"# {inline(options['exported_from'])}",
            "",
            f"A {what} as a pipeline of diffusers: noise{classes} in, samples of shape [{shape}] out.",
            *([note] if note else []),
            "",
            *code_block(_OPENING + call, "python"),
            "",
            "The folder contains Python files, which diffusers runs only with `trust_remote_code=True`: read "
            "them first. They import torch, numpy, Pillow and diffusers alone. Weights are float32 in "
            "safetensors.",
            "",
            f"Licence: {inline(options['licence'])}. Made by {inline(options['made_by'])}.",
            "",
        ]
    )
