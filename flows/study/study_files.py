"""The files of studies: those of the project, and a user's own; read without torch or pydantic."""

from functools import cache
from importlib.resources import files
from typing import Any

from flows.config.shipped_names import shipped_names
from storage.did_you_mean import nearest
from storage.folders import local_file
from storage.yaml_text import read_yaml


def study_names() -> list[str]:
    """The studies that come with this project, in the order of the paper."""
    return [*_titles()]


def study_titles() -> dict[str, str]:
    """Their titles, one sentence each."""
    return dict(_titles())


@cache
def _titles() -> dict[str, str]:
    names = shipped_names("flows.studies")
    documents = {name: _document(name) for name in names}
    names.sort(key=lambda name: int(documents[name].get("order", len(names))))
    return {name: str(documents[name].get("title", "")) for name in names}


def read_study(study: str) -> dict[str, Any]:
    """The document of a study, as its file says it; a ValueError without such a study."""
    if study in study_names():
        return _document(study)
    is_file = study.endswith((".yaml", ".yml"))
    if is_file and (path := local_file(study, "a study's file")).is_file():
        return _read(path.read_bytes(), study)
    raise ValueError(
        f"no study '{study}'; {nearest(study, study_names())} (or the path of a .yaml file)"
    )


def _document(name: str) -> dict[str, Any]:
    return _read((files("flows.studies") / f"{name}.yaml").read_bytes(), name)


def _read(text: bytes, name: str) -> dict[str, Any]:
    document = read_yaml(text, f"study '{name}'")
    if not isinstance(document, dict):
        raise ValueError(f"study '{name}' must be a mapping, got {type(document).__name__}")
    return document
