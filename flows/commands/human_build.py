"""`kdm study human build`: the page for raters in a folder of its own, and the key in the home."""

import secrets
from dataclasses import asdict
from typing import Any

import torch
import typer

from flows.commands.human_pictures import HumanStudy, study_pictures
from flows.documents.remembered_runs import known_student
from flows.home import bare, found, home_folder
from flows.stage import StageResult
from kdm.human.collages import study_of
from kdm.human.rater_page import human_page
from storage.digest import digest_of, seal, short, unseal
from storage.errors import DamageError
from storage.folders import Folder, folder_at

QUESTION = "Which picture looks more realistic?"
KEY = "key.json"
_AGAINST = ("teacher", "real")


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
    known, student = known_student(place, folder)
    shown, others = study_pictures(known, student, wanted)
    kept = _kept(place, student, wanted)
    study = study_of(shown, others, side=wanted.side, secret=kept["secret"])
    keys = _folder(place, student, wanted)
    keys.require_writable("the key of a study")
    if wanted.is_dry:
        typer.echo(
            f"{target.url}/index.html: {wanted.num_questions} pairs, and {keys.url}/{KEY}; nothing was "
            "written"
        )
        return
    page = human_page(study, name=kept["study"], question=QUESTION)
    pairs = [[name for name, _ in each.collages] for each in study.questions]
    key = {**kept, "questions": pairs, "collages": study.key}
    keys.replace(KEY, seal(key))
    target.replace("index.html", page.encode())
    typer.echo(
        f"{target.url}/index.html: {wanted.num_questions} pairs; send this folder to your raters\n"
        f"{keys.url}/{KEY}: says which collage is whose; keep it from your raters\n"
        "then: kdm study human score answers-*.json"
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
    return {name: value for name, value in asdict(wanted).items() if name not in ("out", "is_dry")}


def _folder(home: Folder, student: StageResult, wanted: HumanStudy) -> Folder:
    """reports/human-STUDENT-DIGEST, one for each request."""
    digest = digest_of({"student": student.place.name, "asked": _asked(wanted)})
    return home / "reports" / f"human-{bare(student.place.name)}-{short(digest)}"
