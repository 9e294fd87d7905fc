"""Which coders a Koopman student has, chosen by `kind`: MLPs for points, U-Nets for pictures.

Recipes from when MLPs were the only kind don't name it, so a missing `kind` means `mlp`.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from kdm.coders.mlp_coders import MlpCoders
from kdm.coders.unet_coders import UNetCoders


def _as_mlp(choice: Any) -> Any:
    """The choice with `kind: mlp` added to a mapping without a kind; anything else as it is."""
    if isinstance(choice, Mapping) and "kind" not in choice:
        return {"kind": "mlp", **choice}
    return choice


DEFAULT_CODERS = MlpCoders()
AnyCoders = Annotated[
    Annotated[MlpCoders | UNetCoders, Field(discriminator="kind")], BeforeValidator(_as_mlp)
]
