"""Pairs that the recipe's teacher generates, and the recipe's filters."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from flows.config.imported_pairs import Layout, Name
from pairgen.filters.filter import Filter
from pairgen.filters.set_filter import require_pair_by_pair
from pairgen.precision import Precision
from pairgen.samplers.sampler import Sampler
from pairgen.spec import require_generable
from storage.options import LastingOptions
from storage.plugins import Configured
from storage.records import PairSchema
from storage.store import DEFAULT_LAYOUT


def _require_batch(batch: Any) -> Any:
    if batch != "auto" and (type(batch) is not int or batch < 1):
        raise ValueError("give a whole number of samples (1 or more), or 'auto'")
    return batch


class FilterRecipe(LastingOptions):
    """A filter and its threshold: given directly, or calibrated to a false-positive rate."""

    added_later: ClassVar[Mapping[str, Any]] = {"jointly": False}

    filter: Annotated[Filter, Configured("pairgen.filters")]  # a plugin and its options
    fpr: float = Field(0.01, ge=0, lt=1)  # share of held-out real samples that it may drop
    threshold: float | None = None  # in the filter's own unit; overrides `fpr`
    jointly: bool = (
        False  # `fpr` is of all such filters of the recipe together, which is that of each of them
    )


class GeneratedPairs(LastingOptions):
    """Pairs that the teacher generates."""

    added_later: ClassVar[Mapping[str, Any]] = {
        "precision": "float32",
        "guidance": None,
        "num_threads": 1,
        "num_workers": 0,
        "on": "threads",
        "is_compiled": False,
    }

    kind: Literal["generated"] = "generated"
    name: Name  # of the set; its digest follows in the folder's name
    sampler: Annotated[Sampler, Configured("pairgen.samplers")]  # a plugin and its options
    pairs: PairSchema  # what one pair is
    train: int = Field(ge=1, le=10**10)  # number of indices
    heldout: int = Field(ge=1, le=10**10)  # the same of pairs that students are measured on
    precision: Precision = "float32"  # of the teacher's networks
    guidance: float | None = Field(None, gt=0)  # weight of classifier-free guidance
    # Samples per batch; 'auto': as many as the device's memory holds. Part of the environment.
    sampling_batch: Annotated[int | Literal["auto"], BeforeValidator(_require_batch)] = 4096
    num_threads: int = Field(1, ge=1, le=1024)  # per worker, on a CPU; part of the environment
    # Shards generated in parallel; 0: one per GPU or CPU core. Changes no number.
    num_workers: int = Field(0, ge=0, le=1024)
    # What makes shards unless --on says: threads of the run's process, or processes, whose memory is
    # given back before students are trained. Changes no number.
    on: Literal["threads", "processes"] = "threads"
    is_compiled: bool = False  # the teacher's networks by torch.compile; part of the environment
    layout: Layout = DEFAULT_LAYOUT  # the format and the indices of a shard
    drop_at_write: tuple[FilterRecipe, ...] = ()  # filters between sampler and writer

    @field_validator("pairs", mode="before")
    @classmethod
    def _store_pictures_as_bytes(cls, pairs: Any) -> Any:
        if _is_picture(pairs) and not {"x_0_dtype", "rounding"} & set(pairs):
            return {**pairs, "x_0_dtype": "uint8", "rounding": "half-even"}
        return pairs

    @model_validator(mode="after")
    def _check_schema(self) -> Self:
        require_generable(self.pairs, self.sampler, guidance=self.guidance)
        for choice in self.drop_at_write:
            require_pair_by_pair(choice.filter)
        return self


def _is_picture(pairs: Any) -> bool:
    """Grey or colour, [1 or 3, H, W]. Other numbers of channels are latents, which 8 bits would spoil."""
    shape = pairs.get("shape") if isinstance(pairs, Mapping) else None
    return isinstance(shape, list | tuple) and len(shape) == 3 and shape[0] in (1, 3)
