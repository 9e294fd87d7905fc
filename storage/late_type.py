"""A class by its name, for annotations in modules that must not wait for the import that defines it.

Recipes name plugins, and their methods say which tensors and networks they take and give. To print a
recipe, or to find that all of it is there already, nothing of torch is needed, whose import takes seconds.
"""

import sys


class _LateType(type):
    place: tuple[str, str]  # module and name

    def __instancecheck__(cls, value: object) -> bool:
        module, name = cls.place
        found = getattr(sys.modules.get(module), name, None)
        return found is not None and isinstance(value, found)


def late_type(module: str, name: str) -> type:
    """A class whose instances are those of `module.name`, of which none exist before its import."""
    return _LateType(name, (), {"place": (module, name)})
