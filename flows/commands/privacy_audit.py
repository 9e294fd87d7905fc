"""`kdm privacy audit`: what of the training set can be told from a student, and from its teacher's pairs."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flows.commands.audit_answer import say_audit, say_planned
from flows.device import require_device
from flows.documents.audit_reference import audit_reference
from flows.documents.remembered_runs import KnownRun, known_student
from flows.home import bare, found, home_folder
from flows.judged_pairs import open_split
from flows.progress import Meter
from flows.stage import StageResult
from flows.terminal import Terminal
from storage.digest import digest_of, short
from storage.folders import Folder

VERSION = 1  # raised by a change of the numbers
SEED = 0  # of noise, of which real samples are drawn, and of permutations


@dataclass(frozen=True)
class Wanted:
    """What the user asks for."""

    reference: str = ""  # a path, in the place of the recipe's training set
    count: int = 5_000
    device: str = "cpu"
    is_private: bool = False
    is_dry: bool = False


def audit_student(name: str, home: str, wanted: Wanted, *, as_json: bool) -> None:
    """Audit a student unless that very question was answered; print what stands out, and where it is.

    A dry run says where the answer is or would be.
    """
    require_device(wanted.device)
    place, folder = home_folder(home), found(home, "students", name)
    known, student = known_student(place, folder)
    shape = open_split(known.run, known.judged, "train").schema.shape
    dataset = audit_reference(known.run.recipe, wanted.reference, shape)
    of = _identity(known, student, dataset.digest(), wanted.count)
    name_digest = f"audit-{bare(student.place.name)}-{short(digest_of(of))}"
    target = place / "audits" / name_digest
    is_there = _is_there(target, of, wanted)
    if wanted.is_dry:
        say_planned(target, "cached" if is_there else "to make", as_json=as_json)
        return
    if not is_there:
        target.require_writable("an audit")
        _make(known, student, dataset, _Place(target, of, wanted))
        state = "done"
    else:
        state = "cached"
    say_audit(target, state, is_private=wanted.is_private, as_json=as_json)


def _identity(known: KnownRun, student: StageResult, reference: str, count: int) -> dict[str, Any]:
    """All that the numbers depend on."""
    pairs = known.run.recipe.pairs
    numbers = {"train": pairs.train, "heldout": pairs.heldout}
    contents = {
        split: open_split(known.run, known.judged, split).content_digests(numbers[split])
        for split in known.run.recipe.splits
    }
    return {
        "version": VERSION,
        "student": student.place.name,
        "weights": student.facts["weights"],
        "pairs": known.judged.place.name,
        "contents": digest_of(contents),
        "num_pairs": [pairs.train, pairs.heldout],
        "masks": known.judged.facts["masks"],
        "reference": reference,
        "count": count,
        "seed": SEED,
    }


@dataclass(frozen=True)
class _Place:
    """Where an audit goes, and what it is of."""

    target: Folder
    of: Mapping[str, Any]
    wanted: Wanted


def _is_there(target: Folder, of: Mapping[str, Any], wanted: Wanted) -> bool:
    from flows.documents.audit_files import has_private, read_audit

    document = read_audit(target)
    is_answered = document is not None and document["of"] == of
    return is_answered and (has_private(target) or not wanted.is_private)


def _make(known: KnownRun, student: StageResult, dataset: Any, place: _Place) -> None:
    import torch

    from flows.documents.audit_files import write_private, write_public
    from flows.documents.audited_samples import audited_samples
    from kdm.privacy.audit import audited
    from kdm.privacy.audit_document import public_document
    from kdm.privacy.real_samples import RealSamples

    torch.set_num_threads(1)  # sums depend on the number of threads
    wanted, heldout = place.wanted, dataset.heldout()
    real = RealSamples.drawn(dataset.train(), heldout, count=wanted.count, seed=SEED)
    with Terminal() as terminal:
        run = replace(known.run, device=wanted.device, report=terminal.report)
        samples = audited_samples(replace(known, run=run), student, count=wanted.count, seed=SEED)
        meter = Meter(terminal.report, "audit", student.name, 0, "million comparisons")
        audit = audited(samples, real, seed=SEED, report=_in_millions(meter))
    document = {
        "of": place.of,
        "student": student.place.name,
        "num_heldout": len(heldout),
        **public_document(audit),
    }
    if wanted.is_private:
        write_private(place.target, audit, {"of": place.of})
    write_public(place.target, document, command=_command(student, wanted))


def _in_millions(meter: Meter) -> Any:
    def report(done: int, total: int) -> None:
        meter.total = total // 10**6
        meter.at(done // 10**6)

    return report


def _command(student: StageResult, wanted: Wanted) -> str:
    reference = f" --reference {shlex.quote(wanted.reference)}" if wanted.reference else ""
    return f"kdm privacy audit {shlex.quote(student.place.name)} --count {wanted.count}{reference}"
