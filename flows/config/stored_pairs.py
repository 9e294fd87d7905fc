"""A recipe's pairs that are made already.

Students learn from them as they are; no teacher is near, and nothing is written beside them unless
the recipe has filters, whose masks belong there.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from flows.config.imported_pairs import Layout
from kdm.differential_privacy import DifferentialPrivacy
from kdm.licences import UNKNOWN, Licence
from storage.options import LastingOptions
from storage.records import LabelRule
from storage.shard_record import Digest


class StoredPairs(LastingOptions):
    """An existing set; the counts are the committed ones, or fewer."""

    added_later: ClassVar[Mapping[str, Any]] = {"differential_privacy": None}

    kind: Literal["stored"]
    name: str = Field(pattern=r"^[a-z0-9-]{1,64}$")  # of the set
    folder: str  # its URL; in no digest
    spec: Digest  # of the set's spec.json
    shape: tuple[int, ...]  # of one sample
    label: LabelRule | None = None  # null: samples without classes
    train: int = Field(ge=1, le=10**10)  # number of indices
    heldout: int = Field(ge=0, le=10**10)  # 0: nothing can be measured
    layout: Layout  # the format and the indices of a shard
    license: Licence = UNKNOWN  # as the set's card gives it
    differential_privacy: DifferentialPrivacy | None = None  # its teacher's, as the card gives it
