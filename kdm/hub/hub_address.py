"""Where a thing is on the Hub: its kind, its repository and a revision of it."""

import re
from pathlib import Path
from typing import Literal, NamedTuple, get_args

Kind = Literal["pairs", "student", "teacher"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# As the Hub has it: letters, digits, '-', '_' and '.', which don't begin or end a name, and no '--' or '..'.
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9_]|[-.](?![-.]))*(?<![-.])"
_REPO = re.compile(rf"({_PART})/({_PART})")
_LONGEST = 96
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
MAIN = "main"
_HUB, _DATASETS = "hf://", "datasets/"  # what an address may begin with, and one of pairs after it
# `students/kdm` is a thing of a home: a slip in its name is nothing to ask the Hub about.
_OF_A_HOME = ("pairs", "students", "teachers")


class HubAddress(NamedTuple):
    """A repository of the Hub: `pairs` are a dataset there, students and teachers are models."""

    kind: Kind
    repo: str  # USER/NAME
    revision: str = MAIN  # a branch, a tag or a commit

    @classmethod
    def of(cls, kind: Kind, repo: str, revision: str = "") -> "HubAddress":
        """The checked address; a ValueError says what a name may be."""
        if not is_repo(repo):
            raise ValueError(
                f"{repo[:120]!r} is not the name of a repository on the Hub: write USER/NAME, of letters, "
                f"digits, '-', '_' and '.', at most {_LONGEST} characters, as in ada/cifar-pairs"
            )
        if revision and (not _REVISION.fullmatch(revision) or ".." in revision):
            raise ValueError(
                f"{revision[:120]!r} is not a revision; name a branch, a tag or a commit, as in {MAIN}"
            )
        return cls(kind, repo, revision or MAIN)

    @classmethod
    def named(cls, kind: Kind, name: str, revision: str = "") -> "HubAddress":
        """What `USER/NAME` or `hf://USER/NAME` means; `@REVISION` may follow, in place of `revision`.

        Raises a ValueError as `of`, and for two revisions.
        """
        bare = name.removeprefix(_HUB)
        repo, _, stated = (bare.removeprefix(_DATASETS) if kind == "pairs" else bare).partition("@")
        if stated and revision and stated != revision:
            raise ValueError(
                f"{name[:120]!r} names a revision, and {revision[:120]!r} is another; leave one of them out"
            )
        return cls.of(kind, repo, stated or revision)

    @property
    def repo_type(self) -> str:
        """The Hub's own word for what the repository is."""
        return "dataset" if self.kind == "pairs" else "model"

    @property
    def place(self) -> str:
        """Its place below the Hub's address, as in datasets/ada/cifar-pairs."""
        return f"datasets/{self.repo}" if self.kind == "pairs" else self.repo

    @property
    def folder(self) -> str:
        """The folder of a home that holds such things."""
        return self.kind if self.kind == "pairs" else f"{self.kind}s"


def is_on_hub(name: str) -> bool:
    """Whether a name means the Hub: `hf://…`, or `USER/NAME` if no folder here is called so."""
    if name.startswith(_HUB):
        return True
    return is_repo(name.partition("@")[0]) and not Path(name).exists()


def is_repo(name: str) -> bool:
    """Whether the Hub could have a repository of this name; below a home's own folders it's a path."""
    match = _REPO.fullmatch(name) if len(name) <= _LONGEST else None
    return match is not None and match[1] not in _OF_A_HOME and name[-4:] != ".git"
