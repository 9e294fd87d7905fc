"""A recipe's pairs that its teacher generates, and the filters that judge pairs."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from flows.config.imported_pairs import Layout, Name
from pairgen.filters.filter import Filter
from pairgen.precisions import Precision
from pairgen.samplers.sampler import Sampler
from pairgen.spec import require_generable
from storage.options import LastingOptions, Options
from storage.plugins import Configured
from storage.records import PairSchema
from storage.store import DEFAULT_LAYOUT


def _require_batch(batch: Any) -> Any:
    if batch != "auto" and (type(batch) is not int or batch < 1):
        raise ValueError("give a number of samples from 1, or 'auto'")
    return batch


class FilterRecipe(Options):
    """A filter and where it cuts: at a stated false-positive rate, or at a given threshold."""

    filter: Annotated[Filter, Configured("pairgen.filters")]
    fpr: float = Field(0.01, ge=0, lt=1)  # share of held-out real samples that it would drop
    threshold: float | None = None  # in the filter's own unit; takes the place of `fpr`


class GeneratedPairs(LastingOptions):
    """Pairs that the teacher makes."""

    added_later: ClassVar[Mapping[str, Any]] = {
        "precision": "float32",
        "guidance": None,
        "num_threads": 1,
        "num_workers": 0,
        "is_compiled": False,
    }

    kind: Literal["generated"] = "generated"
    name: Name
    sampler: Annotated[Sampler, Configured("pairgen.samplers")]
    pairs: PairSchema
    train: int = Field(ge=1, le=10**10)  # indices asked for
    heldout: int = Field(ge=1, le=10**10)
    precision: Precision = "float32"  # of the teacher's networks
    guidance: float | None = Field(None, gt=0)  # weight of classifier-free guidance
    # Samples at once; 'auto': as the device holds. Part of the environment.
    sampling_batch: Annotated[int | Literal["auto"], BeforeValidator(_require_batch)] = 4096
    num_threads: int = Field(1, ge=1, le=1024)  # a worker, on a CPU; part of the environment
    # Shards in the making at once; 0: one a GPU, or one for each CPU core. No number depends on it.
    num_workers: int = Field(0, ge=0, le=1024)
    is_compiled: bool = False  # the teacher's networks by torch.compile; part of the environment
    layout: Layout = DEFAULT_LAYOUT
    drop_at_write: tuple[FilterRecipe, ...] = ()

    @field_validator("pairs", mode="before")
    @classmethod
    def _store_pictures_as_bytes(cls, pairs: Any) -> Any:
        if _is_picture(pairs) and not {"x_0_dtype", "rounding"} & set(pairs):
            return {**pairs, "x_0_dtype": "uint8", "rounding": "half-even"}
        return pairs

    @model_validator(mode="after")
    def _check_schema(self) -> Self:
        require_generable(self.pairs, self.sampler, guidance=self.guidance)
        return self


def _is_picture(pairs: Any) -> bool:
    """Grey or colour, [1 or 3, H, W]: other channels are latents, which bytes would spoil."""
    shape = pairs.get("shape") if isinstance(pairs, Mapping) else None
    return isinstance(shape, list | tuple) and len(shape) == 3 and shape[0] in (1, 3)
