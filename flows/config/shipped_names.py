"""The names of the YAML files that come with the project: recipes, policies, studies."""

from importlib.resources import files


def shipped_names(package: str) -> list[str]:
    """The files of one of the project's packages, sorted, without their ending."""
    found = (file.name for file in files(package).iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))
