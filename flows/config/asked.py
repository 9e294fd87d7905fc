"""The user's request, kept with a run so that its report can say how to repeat it."""

from storage.options import Options


class Asked(Options):
    """A recipe's name or file, and the overrides on top of it."""

    recipe: str = ""  # empty in homes that are older than this field
    overrides: tuple[str, ...] = ()
    count: int | None = None
    students: tuple[str, ...] = ()  # those that were named; a recipe doesn't list presets
