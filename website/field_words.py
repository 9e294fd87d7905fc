"""What an option means, in the words of its own file: the comment above it, beside it, or both."""

import inspect
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel

from website.places import PACKAGES
from website.source_files import class_comments


def meaning(model: type[BaseModel], field: str) -> str:
    """A field's comment, or that of the class which the model has it from; empty without any."""
    ours = [each for each in model.__mro__ if each.__module__.partition(".")[0] in PACKAGES]
    found = (_comments_in(each).get(field, "") for each in ours)
    return next(filter(None, found), "")


@cache
def _comments_in(model: type) -> Mapping[str, str]:
    """The comments of the fields that a class itself defines, by field."""
    return MappingProxyType(dict(class_comments(Path(inspect.getfile(model)), model.__name__)))
