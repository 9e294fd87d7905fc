"""What in a home depends on what, according to sealed documents; if they can't tell, that is reported.

Pairs rest on the teacher whose weights their spec.json has, students on the set whose content their
config.json (or, before training is done, a checkpoint) has, their numbers on the classifier that
their metrics.json names, or on the reference statistics that it names. A student's job.json carries no
digest: it may add to that, never take from it.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from flows.commands.sealed_sources import sealed_document, sealed_field, sealed_sources
from flows.home import things
from storage.errors import DamageError, StoreError
from storage.folders import Folder
from storage.ledger import Ledger
from storage.set_folder import places
from storage.spec_file import read_spec
from storage.store import PairStore

_CONFIG, _JOB, _METRICS, _SPEC = "config.json", "job.json", "metrics.json", "spec.json"
_WEIGHTS = "model.safetensors"


class Resting(NamedTuple):
    """The answer for one thing."""

    things: list[str]  # what depends on it, as KIND/NAME
    faults: list[str]  # sentences about files that don't say what they should


def resting_on(home: Folder, kind: str, name: str) -> Resting:
    """What in a home depends on one of its things.

    On a student rest those that finish it. Nothing depends on features, studies and reports: what a study
    or a report says is written down, and its students can be made again.
    """
    thing = home / kind / name
    try:
        if kind == "teachers":
            return _pairs_of_teacher(home, thing)
        if kind == "pairs":
            return _students_of_pairs(home, thing)
        if kind == "students":
            return _finished_from(home, thing)
        if kind == "classifiers":
            return _asked(home, "students", lambda student: _is_judged_by(student, name))
        if kind == "references":
            return _asked(home, "students", lambda student: _is_compared_with(student, name))
    except StoreError as error:
        return Resting([], [str(error)])
    return Resting([], [])


def _asked(home: Folder, kind: str, rests: Callable[[Folder], bool]) -> Resting:
    found = Resting([], [])
    for name in things(home, kind):
        try:
            if rests(home / kind / name):
                found.things.append(f"{kind}/{name}")
        except (StoreError, ValueError) as error:
            found.faults.append(str(error))
    return found


def _pairs_of_teacher(home: Folder, teacher: Folder) -> Resting:
    if not things(home, "pairs"):
        return Resting([], [])
    weights = _weights(teacher)
    return _asked(home, "pairs", lambda pairs: _has_teacher(pairs, weights))


def _finished_from(home: Folder, student: Folder) -> Resting:
    weights = _weights(student)
    return _asked(home, "students", lambda other: _began_with(other, weights))


def _began_with(student: Folder, weights: str | None) -> bool:
    """Whether it is what a finish made of the student that has these weights."""
    if not student.exists(_CONFIG):
        return False
    finish = sealed_document(student, _CONFIG).get("identity", {}).get("finish", {})
    return weights is not None and finish.get("weights") == weights


def _weights(teacher: Folder) -> str | None:
    """The digest of its weights; None if it has none yet, so nothing can depend on it."""
    if not teacher.exists(_CONFIG) and not teacher.exists(_WEIGHTS):
        return None
    return str(
        sealed_field(
            sealed_document(teacher, _CONFIG), f"{teacher.url}/{_CONFIG}", "weights", "sha256"
        )
    )


def _has_teacher(pairs: Folder, weights: str | None) -> bool:
    if not pairs.files():
        return False
    teacher = _spec(pairs).get("teacher")  # imported pairs have none
    return weights is not None and isinstance(teacher, dict) and teacher.get("weights") == weights


def _students_of_pairs(home: Folder, pairs: Folder) -> Resting:
    found = _asked(home, "students", lambda student: _learns_from(student, pairs))
    # They still depend on it; the command prints which of their files is broken.
    for name in found.things:
        try:
            _named_by_job(home / name)
        except StoreError as error:
            found.faults.append(str(error))
    return found


def _learns_from(student: Folder, pairs: Folder) -> bool:
    answers = {_is_of(source, pairs) for source in sealed_sources(student)}
    if True in answers:
        return True
    if not answers and not student.files():
        return False
    try:
        return _named_by_job(student) == pairs.name
    except DamageError:
        if answers == {False}:
            return False
        raise


def _is_of(source: Mapping[str, Any], pairs: Folder) -> bool | None:
    """Whether a set holds exactly what a student learned from; None if it holds too few pairs to tell."""
    content, split, count = (source.get(name) for name in ("content", "split", "count"))
    if not isinstance(content, str) or not isinstance(count, int):
        return False
    layouts = [layout for each, layout in places(pairs) if each == split]
    stores = [PairStore(pairs, str(split), layout, _spec(pairs)) for layout in layouts]
    found = [_content(store, store.ledger, count) for store in stores]
    if content in found or content in _before_purges(stores, count):
        return True
    return None if None in found else False


def _before_purges(stores: Sequence[PairStore], count: int) -> Iterator[str | None]:
    """What the first pairs of a split had for content before each purge."""
    for store in stores:
        for number in store.purges.numbers:
            former = store.purges.former(number, store.split, store.layout)
            yield _content(store, former, count)


def _content(store: PairStore, ledger: Ledger, count: int) -> str | None:
    # An imported set's last shard may be short, so its indices are fewer than its shards could hold.
    return ledger.contents(-(-count // store.shard_size)) if count > 0 else None


def _is_judged_by(student: Folder, classifier: str) -> bool:
    if not student.exists(_METRICS):
        return False
    judge = sealed_document(student, _METRICS).get("classifier")
    return isinstance(judge, dict) and judge.get("name") == classifier


def _is_compared_with(student: Folder, reference: str) -> bool:
    if not student.exists(_METRICS):
        return False
    metrics = sealed_document(student, _METRICS).get("options", {}).get("metrics", [])
    return any(each.get("reference") == reference for each in metrics)


def _named_by_job(student: Folder) -> str:
    where = f"{student.url}/{_JOB}"
    try:
        url = json.loads(student.read(_JOB))["source"]["url"]
    except FileNotFoundError:
        raise DamageError(f"{where} is missing; restore it") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DamageError(f"{where} does not say which pairs it learns from; restore it") from None
    return PurePath(str(url)).name


def _spec(pairs: Folder) -> dict[str, Any]:
    try:
        return read_spec(pairs)
    except FileNotFoundError:
        raise DamageError(f"{pairs.url}/{_SPEC} is missing; restore it") from None
