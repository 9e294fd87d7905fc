"""Questions of a study: two collages of pictures each, of the student and of what it is held against.

In the paper 30 raters saw ten pairs of 6×6 collages, of the student and of its teacher, and chose the more
realistic one (App. E.4, Table 8: 55 % of 300 answers for the student).

A collage is known by a random name alone. Which name is whose is in the key, which raters don't get, and
names can't be computed: they come from a secret that the key holds.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdm.image_grid import image_grid, png

STUDENT, OTHER = "student", "other"
_SIDE = 64  # pixels that small pictures are enlarged to
_NAME_DIGITS = 16
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


@dataclass(frozen=True)
class Question:
    """Two collages by name, in an order that says nothing: names are sorted."""

    name: str
    collages: tuple[tuple[str, bytes], tuple[str, bytes]]  # name and PNG


@dataclass(frozen=True)
class Study:
    """All questions, and the key: whose collage each name is."""

    questions: tuple[Question, ...]
    key: dict[str, str]


def study_of(
    students: NDArray[np.floating], others: NDArray[np.floating], *, side: int, secret: str
) -> Study:
    """Questions of side² pictures a collage from two sets (n, c, h, w) of −1 … 1, in their order.

    Pictures that lie at one place in both sets are at one place in both collages.
    """
    size = side * side
    key: dict[str, str] = {}
    questions = []
    for number, first in enumerate(range(0, len(students), size)):
        rows = slice(first, first + size)
        named = []
        for whose, pictures in ((STUDENT, students[rows]), (OTHER, others[rows])):
            name = _name(secret, f"{number} {whose}")
            key[name] = whose
            named.append((name, _collage(pictures, side)))
        one, other = sorted(named)
        questions.append(Question(_name(secret, str(number)), (one, other)))
    return Study(_as_long(questions), key)


def _name(secret: str, words: str) -> str:
    return hmac.new(secret.encode(), words.encode(), hashlib.sha256).hexdigest()[:_NAME_DIGITS]


def _collage(pictures: NDArray[np.floating], side: int) -> bytes:
    # Truncated, as EDM's pictures are: -1 … 1 to 0 … 255.
    colours = (pictures * 127.5 + 128).clip(0, 255).astype(np.uint8)
    return png(image_grid(colours, num_columns=side, side=_SIDE))


def _as_long(questions: Sequence[Question]) -> tuple[Question, ...]:
    """The same pictures in files of one length: a smoother picture's PNG is shorter."""
    longest = max(len(data) for each in questions for _, data in each.collages)
    return tuple(
        Question(each.name, tuple((name, _padded(data, longest)) for name, data in each.collages))  # type: ignore[arg-type]
        for each in questions
    )


def _padded(data: bytes, length: int) -> bytes:
    """A PNG with zeros behind its end, which no reader looks at."""
    assert data.endswith(_PNG_END)
    return data + bytes(length - len(data))
