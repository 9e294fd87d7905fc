"""How a set was sampled, in words."""

from typing import Any

from pairgen.samplers.sampler import Sampler
from storage.plugins import configure, plugin_names


def sampler_words(spec: dict[str, Any], nfe: float) -> str:
    """'midpoint in 8 evaluations'; empty if that sampler isn't installed here.

    `nfe` is as it was counted; 0, not known, in sets from before it was.
    """
    choice, guidance = spec.get("sampler"), spec.get("guidance")
    if not isinstance(choice, dict) or choice.get("plugin") not in plugin_names("pairgen.samplers"):
        return ""
    sampler = configure("pairgen.samplers", choice)
    assert isinstance(sampler, Sampler)  # it was registered as one
    words = sampler.plugin if guidance is None else f"{sampler.plugin} with guidance {guidance:g}"
    found = nfe or sampler.nfe
    return f"{words} in {found:g} evaluations of its field" if found else words
