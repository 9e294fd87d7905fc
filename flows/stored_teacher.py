"""A recipe's stored teacher: found at the home, or brought there, and what pairs take from it.

A user names it by NAME or NAME-DIGEST, by the folder of another home, or by a checkpoint's file.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from flows.commands.find import bare, matching, things
from kdm.licences import UNKNOWN, said_by
from kdm.pretrained import SOURCES
from kdm.report.markdown import read_front_matter
from kdm.trained import CONFIG, WEIGHTS, read_config, read_weights
from pairgen.recommended import recommended_sampler
from pairgen.teachers.imported_name import default_name
from pairgen.teachers.plugin import TeacherPlugin
from storage.any_folder import folder_at
from storage.digest import digest_of, short
from storage.errors import MismatchError
from storage.fs import Folder
from storage.manifest import Digest
from storage.options import nearest, parse
from storage.plugins import Configured, describe

_CHECKPOINTS = (".pkl", ".pt", ".pth", ".safetensors")
_BESIDE = ("card.md", "samples.png", "losses.json", "timings.json")  # what else a copy takes along
_MAX_BESIDE_BYTES = 2**26


class _Weights(BaseModel):
    file: Literal["model.safetensors"]
    sha256: Digest


class _Config(BaseModel):
    """What is read of a teacher's config.json; the importer and the trainer both write it."""

    model_config = ConfigDict(frozen=True)

    group: Literal["pairgen.teachers"]
    model: Annotated[TeacherPlugin, Configured("pairgen.teachers")]
    shape: tuple[int, ...]
    identity: dict[str, Any]
    weights: _Weights
    parameters: dict[str, Any]
    sampler: dict[str, Any] | None = None  # that is recommended; the importer's alone


class StoredTeacher(NamedTuple):
    """A teacher below teachers/, and what its config says of it."""

    folder: Folder
    config: _Config


def complete(document: dict[str, Any], home: Folder) -> None:
    """What a recipe's stored teacher says, into the recipe's document; nothing where there is none.

    A ValueError or a StoreError of one sentence where there is no such teacher, or another is needed.
    """
    stated = document.get("teacher")
    if not isinstance(stated, dict) or stated.get("stored") is None:
        return
    pairs = document.get("pairs")
    if not isinstance(pairs, dict) or pairs.get("kind") == "imported":
        raise ValueError(
            "a stored teacher is named, but no teacher of ours makes the recipe's pairs"
        )
    found = stored_teacher(str(stated["stored"]), home)
    document["teacher"] = _completed_teacher(stated, found)
    _complete_pairs(pairs, found)


def stored_teacher(wanted: str, home: Folder) -> StoredTeacher:
    """The teacher that a user means, at this home; another home's is copied, a file imported first."""
    teachers = home / "teachers"
    if wanted.lower().endswith(_CHECKPOINTS):
        return _read(_imported(wanted, teachers))
    if "/" in wanted:
        return _read(_brought(folder_at(wanted.rstrip("/")), teachers))
    return _read(_named(wanted, home))


def _named(wanted: str, home: Folder) -> Folder:
    matches = matching(home, "teachers", wanted)
    if len(matches) > 1:
        raise ValueError(f"several teachers are called '{wanted}': {', '.join(matches)}; name one")
    if matches:
        return home / "teachers" / matches[0]
    near = nearest(wanted, sorted({bare(name) for name in things(home, "teachers")}))
    source = SOURCES.get(f"{wanted}.pkl")
    place = f" from {source}" if source else ""
    raise ValueError(
        f"{(home / 'teachers').url} has no '{wanted}' ({near}); import its checkpoint{place} with 'kdm "
        "teacher import FILE', or name another with --teacher NAME, FOLDER or FILE"
    )


def _imported(file: str, teachers: Folder) -> Folder:
    # Imported here, because few recipes need the readers of checkpoints.
    from flows.commands.teacher import Import, store_import

    try:
        return store_import(Import(file, has_samples=False), teachers)
    except ValueError as error:
        raise ValueError(f"{error} ('kdm teacher import' has options for it)") from error


def _brought(folder: Folder, teachers: Folder) -> Folder:
    """The folder itself where it is this home's, else its copy there, with the config last."""
    found = _read(folder)
    name = f"{default_name(bare(folder.name))}-{short(digest_of(found.config.identity))}"
    here = teachers / name
    if here.url == folder.url:
        return here
    there = read_config(here)
    if there is None:
        _copy(folder, here)
    elif there["weights"]["sha256"] != found.config.weights.sha256:
        raise MismatchError(f"{here.url} has other weights than {folder.url}; remove one of them")
    return here


def _copy(folder: Folder, here: Folder) -> None:
    config = read_config(folder)
    assert config is not None  # it was read just now
    weights = read_weights(folder, config)  # checked against its digest
    here.require_space(len(weights), f"the teacher {folder.name}")
    here.replace(WEIGHTS, weights)
    for name in filter(folder.exists, _BESIDE):
        here.replace(name, folder.read(name, at_most=_MAX_BESIDE_BYTES))
    here.replace(CONFIG, folder.read(CONFIG))


def _read(folder: Folder) -> StoredTeacher:
    config = read_config(folder)
    if config is None:
        raise ValueError(
            f"{folder.url} holds no finished teacher (it has no {CONFIG}); see 'kdm ls', or finish its "
            "training"
        )
    if config.get("group") != "pairgen.teachers":
        raise ValueError(f"{folder.url} holds a model of {config.get('group')}, not a teacher")
    return StoredTeacher(folder, parse(_Config, config, f"{folder.url}/{CONFIG}"))


def _completed_teacher(stated: dict[str, Any], found: StoredTeacher) -> dict[str, Any]:
    folder, config = found
    weights = config.weights.sha256
    if stated.get("weights") not in (None, weights):
        raise MismatchError(
            f"the recipe's teacher has weights {short(str(stated['weights']))}…, {folder.name} has "
            f"{short(weights)}…; name that one, or take this with --set teacher.weights=null"
        )
    # A recipe that trains its own is told to take this one in its place.
    replaced = {"model", "training"} | ({"name", "license"} if stated.get("training") else set())
    kept = {key: value for key, value in stated.items() if key not in replaced}
    own = {"name": bare(folder.name), "license": _licence(folder)}
    named = {"model": describe(config.model), "stored": folder.name, "weights": weights}
    return {**own, **{key: value for key, value in kept.items() if value is not None}, **named}


def _complete_pairs(pairs: dict[str, Any], found: StoredTeacher) -> None:
    folder, config = found
    schema = pairs.setdefault("pairs", {})
    if not isinstance(schema, dict) or not isinstance(schema.setdefault("noise", {}), dict):
        return  # it is refused with all other faults
    shape = schema.setdefault("shape", list(config.shape))
    if isinstance(shape, list | tuple) and tuple(shape) != config.shape:
        raise ValueError(
            f"the recipe's pairs have shape {tuple(shape)}, but teacher {folder.name} makes samples of "
            f"{config.shape}; choose another teacher, or set pairs.pairs.shape to that"
        )
    schema["noise"].setdefault("scale", config.model.noise_scale)
    num_classes = getattr(config.model, "num_classes", 0)
    if num_classes:
        schema.setdefault("label", {"rule": "cycle", "num_classes": num_classes})
    said = pairs.get("sampler")
    if said is None or (isinstance(said, Mapping) and "plugin" not in said):
        pairs["sampler"] = {**(config.sampler or _recommended(config)), **(said or {})}


def _recommended(config: _Config) -> Mapping[str, Any]:
    return describe(recommended_sampler(config.model.noise_scale, config.shape))


def _licence(folder: Folder) -> str:
    """That its card says."""
    if not folder.exists("card.md"):
        return UNKNOWN
    text = folder.read("card.md", at_most=_MAX_BESIDE_BYTES).decode(errors="replace")
    return said_by(read_front_matter(text))
