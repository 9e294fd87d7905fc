"""Which coders a Koopman student has, chosen by `kind`; MLPs where nothing is said."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from kdm.students.mlp_coders import MlpCoders
from kdm.students.unet_coders import UNetCoders


def _as_mlp(choice: Any) -> Any:
    """There were no others at first, so that old recipes name no kind."""
    if isinstance(choice, Mapping) and "kind" not in choice:
        return {"kind": "mlp", **choice}
    return choice


AnyCoders = Annotated[
    Annotated[MlpCoders | UNetCoders, Field(discriminator="kind")], BeforeValidator(_as_mlp)
]
