"""What a user asked for, kept with a run so that its report can say how to repeat it."""

from storage.options import Options


class Asked(Options):
    """What was asked for: a recipe's name or file, and what was laid over it."""

    recipe: str = ""  # empty: a home from before this was kept
    overrides: tuple[str, ...] = ()
    count: int | None = None
    students: tuple[str, ...] = ()  # those that were named; recipes do not list presets
