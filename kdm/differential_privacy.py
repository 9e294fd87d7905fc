"""A teacher's claim of differential privacy, and what becomes of it (Dwork and Roth 2014, Def. 2.4).

A mechanism M is (ε, δ)-differentially private if for all data sets D, D' that differ in one sample, and all
sets S of outcomes, P[M(D) ∈ S] ≤ e^ε P[M(D') ∈ S] + δ. What is computed from its outcome alone keeps that
(Prop. 2.1): pairs, and students of all pairs. A filter that compares pairs with the training data reads these
a second time, which nobody accounted for: what it chose has lost the claim.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import Field, ValidationError

from storage.options import Options

_FIELD = "differential_privacy"


class DifferentialPrivacy(Options):
    """What a teacher's maker states of it; nothing here can check that."""

    epsilon: float = Field(gt=0)  # ε (Def. 2.4)
    delta: float = Field(ge=0, lt=1)  # δ

    @property
    def words(self) -> str:
        """'ε = 8, δ = 1e-05'."""
        return f"ε = {self.epsilon:g}, δ = {self.delta:g}"


class Claim(NamedTuple):
    """What is stated of the teacher, and the filters that made it void for what a card is about."""

    stated: DifferentialPrivacy
    void_by: tuple[str, ...] = ()


def claim_fields(claim: Claim | None) -> dict[str, Any]:
    """The claim in a card's front matter; {} without one."""
    if claim is None:
        return {}
    holds: dict[str, Any] = {"holds": not claim.void_by}
    if claim.void_by:
        holds["void_by"] = list(claim.void_by)
    return {_FIELD: {**claim.stated.model_dump(), **holds}}


def claim_lines(claim: Claim | None) -> list[str]:
    """The claim as a paragraph of a card; [] without one."""
    if claim is None:
        return []
    if not claim.void_by:
        words = f"Differential privacy, as the teacher's maker states it: {claim.stated.words}."
    else:
        names = " and ".join(f"`{name}`" for name in claim.void_by)
        words = (
            f"**Not differentially private.** The teacher's claim ({claim.stated.words}) is void: "
            f"{names} chose among these pairs by the training data."
        )
    return [words, ""]


def stated_in(front: Mapping[str, Any]) -> DifferentialPrivacy | None:
    """What a card's front matter states of the teacher; None if it doesn't, or can't be read."""
    found = front.get(_FIELD)
    if not isinstance(found, Mapping):
        return None
    try:
        return DifferentialPrivacy.model_validate(
            {name: found.get(name) for name in DifferentialPrivacy.model_fields}
        )
    except ValidationError:  # a user may have edited the card
        return None
