"""`kdm study human score`: what raters answered, as a share with its interval and a test."""

from collections.abc import Sequence
from typing import Any

import typer

from flows.commands.human_build import KEY
from flows.home import home_folder, things
from flows.table import say_document
from kdm.human.score import Answers, read_answers, score
from storage.digest import unseal
from storage.errors import DamageError
from storage.folders import Folder, input_file


def score_human_study(files: Sequence[str], home: str, *, as_json: bool) -> None:
    """Print the share for the student; a ValueError if a file isn't sound, or of another study."""
    read = [_read(file) for file in files]
    key = _key(home_folder(home), read[0])
    found = score(read, key)
    if as_json:
        low, high = found.interval
        say_document(
            {
                "student": key["student"],
                "asked": key["asked"],
                "num_answers": found.num_answers,
                "num_for_student": found.num_for_student,
                "share": found.share,
                "interval": [low, high],
                "p_value": found.p_value,
                "share_left": found.num_left / found.num_answers,
                "by_rater": dict(found.by_rater),
            }
        )
        return
    typer.echo(f"{key['student']} against {_other(key)}")
    for line in found.lines:
        typer.echo(line)


def _read(file: str) -> Answers:
    path = input_file(file, "a file of answers", "name the files that raters saved")
    return read_answers(path.read_bytes(), file)


def _key(home: Folder, answers: Answers) -> dict[str, Any]:
    """The key of the study that the answers name."""
    for name in things(home, "reports"):
        folder = home / "reports" / name
        if not (name.startswith("human-") and folder.exists(KEY)):
            continue
        try:
            key = unseal(folder.read(KEY), f"{folder.url}/{KEY}")
        except DamageError:
            continue  # if it is this study's, the sentence below says that there is no key
        if key["study"] == answers.study:
            return key
    raise ValueError(
        f"{home.url} has no valid key for study {answers.study[:12]}, which {answers.file} answers; "
        "give the home in which the study was built with --home"
    )


def _other(key: dict[str, Any]) -> str:
    return "real pictures" if key["asked"]["against"] == "real" else "its teacher"
