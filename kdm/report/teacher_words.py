"""What a student's card says of its teacher: that the student never saw it, or began with its weights."""

from storage.digest import short


def teacher_words(weights: str | None) -> str:
    """The end of a sentence; `weights` is the digest of those that the student started from, or None."""
    if weights is None:
        return "and never saw its teacher."
    return (
        f"and started from its teacher's weights `{short(weights)}`; filters of the pairs don't reach what "
        "these hold."
    )
