"""`kdm study human build`: the page for raters in a folder of its own, and the key in the home."""

import secrets
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from flows.documents.evaluated_samples import placed_student, teacher_samples
from flows.documents.remembered_runs import KnownRun, known_runs
from flows.home import bare, found, home_folder
from flows.stage import StageResult
from kdm.evaluate.draw import TeacherSamples, push
from kdm.human.collages import study_of
from kdm.human.rater_page import human_page
from kdm.report.picture_figures import is_image
from storage.digest import digest_of, seal, short, unseal
from storage.errors import DamageError
from storage.folders import Folder, folder_at
from storage.records import as_numbers

QUESTION = "Which picture looks more realistic?"
KEY = "key.json"
_AGAINST = ("teacher", "real")


@dataclass(frozen=True)
class HumanStudy:
    """What the user asks for."""

    against: str = "teacher"
    num_questions: int = 10  # the paper's (App. E.4)
    side: int = 6  # pictures along a collage
    seed: int = 0  # of which pictures are shown
    out: str = ""


def build_human_study(name: str, home: str, wanted: HumanStudy) -> None:
    """Draw the pictures, and write page and key; the same request gives the same page again.

    A ValueError before anything is drawn if the student makes no pictures, or there are too few.
    """
    if wanted.against not in _AGAINST:
        raise ValueError(f"--against is '{wanted.against}'; choose {' or '.join(_AGAINST)}")
    torch.set_num_threads(1)  # sums depend on the number of threads
    place, folder = home_folder(home), found(home, "students", name)
    target = folder_at(wanted.out or f"human-{bare(folder.name)}")
    if target.names():
        raise ValueError(f"{target.url} isn't empty; name another folder with --out")
    known, student = _known(place, folder)
    teacher = teacher_samples(known.run, known.judged, needs=frozenset())
    shown, others = _pictures(known, student, teacher, wanted)
    kept = _kept(place, student, wanted)
    study = study_of(shown, others, side=wanted.side, secret=kept["secret"])
    page = human_page(study, name=kept["study"], question=QUESTION)
    pairs = [[name for name, _ in each.collages] for each in study.questions]
    key = {**kept, "questions": pairs, "collages": study.key}
    keys = _folder(place, student, wanted)
    keys.require_writable("the key of a study")
    keys.replace(KEY, seal(key))
    target.replace("index.html", page.encode())
    typer.echo(
        f"{target.url}/index.html: {wanted.num_questions} pairs; send this folder to your raters\n"
        f"{keys.url}/{KEY}: whose each collage is; keep it from them\n"
        "then: kdm study human score answers-*.json"
    )


def _known(home: Folder, student: Folder) -> tuple[KnownRun, StageResult]:
    """The run that trained a student, which knows its pairs."""
    for known in known_runs(home):
        for each in known.students:
            if each.place.name == student.name:
                return known, each
    raise ValueError(
        f"no run of {home.url} knows {student.name}, so its pairs aren't known; 'kdm distill' or "
        "'kdm evaluate' of its recipe does"
    )


def _pictures(
    known: KnownRun, student: StageResult, teacher: TeacherSamples, wanted: HumanStudy
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """The student's pictures and the others (n, c, h, w), row for row of one noise, or one class."""
    if not is_image(teacher.schema.shape):
        raise ValueError(
            f"{student.place.name} makes samples of shape {list(teacher.schema.shape)}, and raters "
            "look at pictures"
        )
    heldout, count = teacher.heldout, wanted.num_questions * wanted.side**2
    _require(len(heldout), count, "held-out pairs", wanted)
    rows = np.random.RandomState(wanted.seed).permutation(len(heldout))[:count]
    label = None if heldout.label is None else heldout.label[rows]
    others = as_numbers(heldout.x_0[rows]).astype(np.float32)
    if wanted.against == "real":
        others = _real(known, label, wanted)
    model = placed_student(known.run, student, teacher.schema)
    drawn = push(model, heldout.x_T[rows], label, options=known.run.recipe.evaluation)
    return drawn, others


def _real(
    known: KnownRun, label: NDArray[np.int64] | None, wanted: HumanStudy
) -> NDArray[np.floating]:
    """Held-out real pictures, of the same classes if pairs have any."""
    dataset, count = known.run.recipe.dataset, wanted.num_questions * wanted.side**2
    if dataset is None:
        raise ValueError("this student's recipe names no data set; use --against teacher")
    real = dataset.heldout() if dataset.has_heldout else dataset.train()
    classes = dataset.labels("heldout" if dataset.has_heldout else "train")
    _require(len(real), count, "real pictures", wanted)
    order = np.random.RandomState(wanted.seed).permutation(len(real))
    if label is None or classes is None:
        return as_numbers(real[order[:count]]).astype(np.float32)
    chosen = np.zeros(count, np.int64)
    for each in np.unique(label):
        places, rows = np.flatnonzero(label == each), order[classes[order] == each]
        if len(rows) < len(places):
            raise ValueError(
                f"class {each} has {len(rows)} real pictures, and the collages need {len(places)}; ask "
                "fewer --questions, or take a smaller --side"
            )
        chosen[places] = rows[: len(places)]
    return as_numbers(real[chosen]).astype(np.float32)


def _require(there: int, count: int, what: str, wanted: HumanStudy) -> None:
    if there < count:
        raise ValueError(
            f"{wanted.num_questions} pairs of {wanted.side}×{wanted.side} collages need {count:,} "
            f"{what}, and there are {there:,}; ask fewer --questions, or take a smaller --side"
        )


def _kept(home: Folder, student: StageResult, wanted: HumanStudy) -> dict[str, Any]:
    """The secret and the name of this very study, if it was built before; else new ones.

    The name comes from the secret, so that nobody can find out from it which student is asked about.
    """
    folder = _folder(home, student, wanted)
    if folder.exists(KEY):
        try:
            before = unseal(folder.read(KEY), f"{folder.url}/{KEY}")
            return {name: before[name] for name in ("secret", "study", "student", "asked")}
        except DamageError:
            pass  # a new study; answers to the old one can't be scored without its key
    secret = secrets.token_hex(32)
    return {
        "secret": secret,
        "study": digest_of({"study": secret}),
        "student": student.place.name,
        "asked": _asked(wanted),
    }


def _asked(wanted: HumanStudy) -> dict[str, Any]:
    return {name: value for name, value in asdict(wanted).items() if name != "out"}


def _folder(home: Folder, student: StageResult, wanted: HumanStudy) -> Folder:
    """reports/human-STUDENT-DIGEST, one for each request."""
    digest = digest_of({"student": student.place.name, "asked": _asked(wanted)})
    return home / "reports" / f"human-{bare(student.place.name)}-{short(digest)}"
