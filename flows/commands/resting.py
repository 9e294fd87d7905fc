"""What at a home rests on what: asked of sealed documents; where they cannot tell, that is said.

Pairs rest on the teacher whose weights their spec.json has, students on the set whose content their
config.json (or, before training is done, a checkpoint) has.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from flows.commands.find import things
from storage.digest import digest_of, unseal
from storage.errors import DamageError
from storage.fs import Folder
from storage.sets import places, read_spec
from storage.store import PairStore

_CONFIG, _JOB, _WEIGHTS = "config.json", "job.json", "model.safetensors"
_CHECKPOINT = re.compile(r"step-[0-9]{8,}\.json")
Resting = tuple[list[str], list[str]]  # what rests, and sentences on why nobody can tell


def resting_on(home: Folder, kind: str, name: str) -> Resting:
    """What rests on a thing, as KIND/NAME, and for which files that cannot be told."""
    if kind == "teachers":
        return _pairs_of_teacher(home, home / kind / name)
    if kind == "pairs":
        return _students_of_pairs(home, home / kind / name)
    return [], []


def _pairs_of_teacher(home: Folder, teacher: Folder) -> Resting:
    names = things(home, "pairs")
    if not names:
        return [], []
    try:
        weights = _weights(teacher)
    except DamageError as error:
        return [], [str(error)]
    return _asked(home, "pairs", names, lambda pairs: _has_teacher(pairs, weights))


def _asked(home: Folder, kind: str, names: list[str], rests: Callable[[Folder], bool]) -> Resting:
    resting, unsure = [], []
    for name in names:
        try:
            if rests(home / kind / name):
                resting.append(f"{kind}/{name}")
        except (DamageError, ValueError) as error:
            unsure.append(str(error))
    return resting, unsure


def _weights(teacher: Folder) -> str | None:
    """The digest of its weights; None where it has none yet, so nothing can rest on it."""
    if not teacher.exists(_CONFIG) and not teacher.exists(_WEIGHTS):
        return None
    return str(_field(_sealed(teacher, _CONFIG), f"{teacher.url}/{_CONFIG}", "weights", "sha256"))


def _has_teacher(pairs: Folder, weights: str | None) -> bool:
    try:
        spec = read_spec(pairs)
    except FileNotFoundError:
        if not pairs.files():
            return False
        raise DamageError(f"{pairs.url}/spec.json is missing; restore it") from None
    teacher = spec.get("teacher")  # imported pairs have none
    return weights is not None and isinstance(teacher, dict) and teacher.get("weights") == weights


def _students_of_pairs(home: Folder, pairs: Folder) -> Resting:
    return _asked(
        home, "students", things(home, "students"), lambda student: _learns_from(student, pairs)
    )


def _learns_from(student: Folder, pairs: Folder) -> bool:
    sources = list(_sealed_sources(student))
    if sources:
        return any(_is_of(source, pairs) for source in sources)
    if student.exists(_JOB):  # training has only begun, and nothing sealed is there yet
        return _named_by_job(student) == pairs.name
    if not student.files():
        return False
    raise DamageError(f"{student.url}/{_CONFIG} is missing, and so is {_JOB}; restore one of them")


def _sealed_sources(student: Folder) -> Iterator[Mapping[str, Any]]:
    """What the student's config, else its checkpoints, say that it learns from."""
    names = [_CONFIG] if student.exists(_CONFIG) else _checkpoints(student)
    for name in names:
        where = f"{student.url}/{name}"
        source = _field(_sealed(student, name), where, "identity").get("source")
        yield source if isinstance(source, dict) else {}  # an imported student learned elsewhere


def _checkpoints(student: Folder) -> list[str]:
    names = filter(_CHECKPOINT.fullmatch, (student / "checkpoints").names())
    return [f"checkpoints/{name}" for name in names]


def _is_of(source: Mapping[str, Any], pairs: Folder) -> bool:
    """Whether a set holds just what a student learned from."""
    content, split, count = (source.get(name) for name in ("content", "split", "count"))
    if not isinstance(content, str) or not isinstance(count, int):
        return False
    for each, layout in places(pairs):
        if each == split and content == _content(pairs, each, layout, count):
            return True
    return False


def _content(pairs: Folder, split: str, layout: str, count: int) -> str | None:
    store = PairStore(pairs, split, layout, _spec(pairs))
    held = max(store.ledger.sizes(), default=0) * store.shard_size
    # An imported set's last shard may be short, so its indices are fewer than `held`.
    return digest_of(store.content_digests(count)) if 0 < count <= held else None


def _spec(pairs: Folder) -> dict[str, Any]:
    try:
        return read_spec(pairs)
    except FileNotFoundError:
        raise DamageError(f"{pairs.url}/spec.json is missing; restore it") from None


def _named_by_job(student: Folder) -> str:
    where = f"{student.url}/{_JOB}"
    try:
        url = json.loads(student.read(_JOB))["source"]["url"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DamageError(f"{where} does not say which pairs it learns from; remove it") from None
    return PurePath(str(url)).name


def _sealed(folder: Folder, name: str) -> dict[str, Any]:
    where = f"{folder.url}/{name}"
    try:
        return unseal(folder.read(name), where)
    except FileNotFoundError:
        raise DamageError(f"{where} is missing; restore it") from None


def _field(document: Any, where: str, *path: str) -> Any:
    for key in path:
        if not isinstance(document, dict) or key not in document:
            raise DamageError(f"{where} has no '{'.'.join(path)}'; restore it")
        document = document[key]
    return document
