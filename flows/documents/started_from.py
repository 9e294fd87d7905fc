"""Which teacher's weights a finished student started from."""

from kdm.trained import read_config
from storage.folders import Folder


def started_from(folder: Folder) -> str | None:
    """Their sha256, as the student's config names it; None if its first weights were random."""
    config = read_config(folder)
    init = config["model"].get("init") if config else None
    return init["network"]["weights"] if init else None
