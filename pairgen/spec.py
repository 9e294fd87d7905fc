"""Everything that determines a set of pairs, and nothing else (docs/store.md).

    pair i of a split = sampler(teacher, x_T(seed, split, i), label(i)), rounded and filtered as the spec says

The digest of the spec is the name of the set. Count, split, shard size, format, batch size, device and paths
aren't here: they don't change a pair or the name of its set.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pairgen.filters.drop_rule import DropRule
from pairgen.precision import Precision
from pairgen.samplers.sampler import Sampler
from pairgen.teachers.plugin import TeacherPlugin
from storage.digest import digest_of
from storage.options import Options
from storage.plugins import Configured
from storage.records import PairSchema
from storage.shard_record import Digest


class TeacherIdentity(Options):
    """Which teacher: its plugin with version and options, and the digest of its weights."""

    plugin: Annotated[TeacherPlugin, Configured("pairgen.teachers")]
    weights: Digest  # pairgen.teachers.teacher.weights_digest


class PairSpec(Options):
    """One set of pairs; equal specs give the same pairs, up to round-off (docs/generation.md)."""

    # Fields that came after version 1, with their neutral values: left out while they have them.
    added_later: ClassVar[Mapping[str, Any]] = {"guidance": None}

    version: Literal[1] = 1
    teacher: TeacherIdentity
    sampler: Annotated[Sampler, Configured("pairgen.samplers")]
    pairs: PairSchema
    precision: Precision = "float32"  # of the networks; the solver's state is the sampler's choice
    guidance: float | None = Field(None, gt=0)  # weight of classifier-free guidance; None: without
    drop_at_write: tuple[DropRule, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_generable(self.pairs, self.sampler, guidance=self.guidance)
        return self

    @property
    def nfe(self) -> int | None:
        """Network evaluations that one sample takes, exactly; None if that depends on the batch."""
        if self.sampler.nfe is None or self.guidance is None:
            return self.sampler.nfe
        from pairgen.teachers.guided import Guided  # torch: imported only if it must be

        return self.sampler.nfe * Guided.num_asked

    def document(self) -> dict[str, Any]:
        """The spec as canonical JSON values; `PairSpec` reads it back."""
        document = self.model_dump(mode="json")
        for name, neutral in self.added_later.items():
            if document.get(name) == neutral:
                del document[name]
        return document

    def digest(self) -> str:
        """sha256 of the document."""
        return digest_of(self.document())


def require_generable(
    pairs: PairSchema, sampler: Sampler, *, guidance: float | None = None
) -> None:
    """Raise a ValueError unless this sampler, with this guidance, can produce pairs of this schema."""
    if guidance is not None and pairs.label is None:
        raise ValueError(
            f"guidance is {guidance:g}, which pushes samples towards their labels, but the pairs "
            "are unlabelled; set pairs.pairs.label, as in {rule: cycle, num_classes: 10}, or leave "
            "guidance out"
        )
    if pairs.noise.kind == "stored" or (pairs.label is not None and pairs.label.rule == "stored"):
        raise ValueError("noise and labels of generated pairs are derived, not 'stored'")
    if pairs.x_0_dtype == "uint8" and pairs.rounding == "none":
        raise ValueError(
            "x_0_dtype is uint8, but samplers give numbers of -1 to 1 and more: say how they become "
            "bytes with rounding, 'half-even' or 'floor'"
        )
    sampler.kept_steps(pairs.num_states)
