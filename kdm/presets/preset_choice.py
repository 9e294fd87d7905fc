"""A recipe's student by the name of a preset: `preset: cifar10`, and what the recipe sets on top of it.

`mode` chooses between the published training and this project's, `terms` and `has_adversary` the rows of
the paper's ablation (Table 5).
"""

from collections.abc import Mapping
from typing import Annotated, Any

from kdm.losses.distances import GROUP as DISTANCES
from kdm.losses.distances import Distance
from kdm.presets.preset import Mode, Preset, Terms
from kdm.presets.presets import preset
from storage.options import Options, parse
from storage.plugins import Configured, describe

_KEY = "preset"


class PresetChoice(Options):
    """Which preset, in which mode, with which distance and terms (Table 5)."""

    name: str  # as `kdm student presets` lists it
    mode: Mode = "default"  # 'published': the published training; else this project's
    distance: Annotated[Distance, Configured(DISTANCES)] | None = None  # null: the preset's own
    terms: Terms | None = None  # null: all that it has
    has_adversary: bool | None = None  # null: as the preset has it

    def chosen(self) -> Preset:
        """The preset; a ValueError for an unknown name."""
        return preset(
            self.name,
            self.mode,
            distance=self.distance,
            terms=self.terms,
            has_adversary=self.has_adversary,
        )


def with_preset(choice: Any) -> Any:
    """A student's document with `preset` resolved into `model` and `training`; any other as it is.

    What the document sets under `model` and `training` wins over the preset, key by key; if it
    names a `plugin` or a `kind`, that mapping replaces the preset's as a whole. A conditional preset
    adds `needs_labels: true`. Raises a ValueError for an unknown preset, or a choice that it lacks.
    """
    if not isinstance(choice, Mapping) or _KEY not in choice:
        return choice
    named = choice[_KEY]
    named = {"name": named} if isinstance(named, str) else named
    found = parse(PresetChoice, named, _KEY).chosen()
    own = {"model": describe(found.student), "training": found.training.model_dump(mode="json")}
    rest = {key: value for key, value in choice.items() if key != _KEY}
    if found.schema.label is not None:
        rest = {"needs_labels": True, **rest}
    return {**rest, **{key: _laid_over(base, rest.get(key, {})) for key, base in own.items()}}


def _laid_over(base: Any, said: Any) -> Any:
    """`said` over `base`, key by key through nested mappings."""
    is_whole = not (isinstance(base, Mapping) and isinstance(said, Mapping))
    if is_whole or {"plugin", "kind"} & said.keys():
        return said
    both = {
        key: _laid_over(base[key], value) if key in base else value for key, value in said.items()
    }
    return {**base, **both}
