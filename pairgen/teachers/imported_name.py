"""The default name of an import: made from the name of its file."""

import re


def default_name(stem: str) -> str:
    """A file's name as a teacher's: 'edm-cifar10-32x32-cond-vp'."""
    return re.sub("[^a-z0-9]+", "-", stem.lower()).strip("-")[:64].strip("-") or "imported"
