"""The file of a network in a diffusers folder: a model of diffusers around a program's plain code."""

from collections.abc import Iterable, Mapping
from textwrap import indent
from typing import Any

from torch import Tensor

from kdm.exporters.plain_code import PlainCode

CLASS = "ExportedNetwork"
# Lines around a program's own. It is imported where diffusers is, never here.
_FILE = '''"""{title}

Written by {made_by}: each line of `forward` is one operation of PyTorch.
"""

from math import inf, nan

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config

WEIGHTS = {{
{weights}
}}


class {name}(ModelMixin, ConfigMixin):
    """The network; its config says what noise and samples are."""

    @register_to_config
    def __init__(self, {options}):
        super().__init__()
        for name, (shape, dtype) in WEIGHTS.items():
            _put(self, name.split("."), torch.empty(shape, dtype=dtype))

{forward}


def _put(module, path, value):
    """Make `value` the attribute that `path` names, in modules of its own."""
    *parents, last = path
    for each in parents:
        if each not in dict(module.named_children()):
            module.add_module(each, torch.nn.Module())
        module = module.get_submodule(each)
    if value.is_floating_point():
        module.register_parameter(last, torch.nn.Parameter(value, requires_grad=False))
    else:
        module.register_buffer(last, value)
'''


def network_file(code: PlainCode, options: Mapping[str, Any], title: str) -> str:
    """Python text; `options` are the fields of its config, `made_by` among them.

    Raises a ValueError if a part of the network is called as a field, which diffusers forbids.
    """
    clashing = {name.partition(".")[0] for name in code.weights} & options.keys()
    if clashing:
        raise ValueError(
            f"its sampler has a part called '{min(clashing)}', which a field of diffusers' config is called "
            "as well; rename that attribute, or choose another --to"
        )
    return _FILE.format(
        title=title,
        made_by=options["made_by"],
        weights="\n".join(_lines(code.weights.items())),
        name=CLASS,
        options=", ".join(f"{name}=None" for name in options),
        forward=indent(code.forward, "    "),
    )


def _lines(weights: Iterable[tuple[str, Tensor]]) -> Iterable[str]:
    for name, value in weights:
        yield f'    "{name}": ({tuple(value.shape)}, {value.dtype}),'
