"""What every stage is given and what it gives back: a name and a digest, never data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from flows.config.asked import Asked
from flows.config.recipe import Recipe
from flows.device import settled_device
from flows.progress import Reporter, silent, unsaid
from storage.digest import short
from storage.fs import Folder

State = Literal["done", "cached"]


def nothing() -> None:
    """Every stage makes what it lacks."""


@dataclass(frozen=True)
class Run:
    """A recipe at a home; what is reported changes nothing that is written."""

    recipe: Recipe
    home: Folder
    report: Reporter = silent
    device: str = "cpu"  # or cuda, or auto
    say: Callable[[str], None] = unsaid  # one sentence that the user should know
    num_ranks: int = 1  # processes that train together
    before_work: Callable[[], None] = nothing  # called where a stage finds something to make
    # What gave the recipe; only the report's command line reads it.
    asked: Asked = field(default_factory=Asked)

    @cached_property
    def settled_device(self) -> str:
        """'cpu' or 'cuda'; asked only by who computes, as to look for a GPU takes torch."""
        return settled_device(self.device)

    def begin(self, folder: Folder, what: str) -> None:
        """Say that a stage is about to make something; a StoreError where `folder` cannot be written."""
        self.before_work()
        folder.require_writable(what)

    def teacher_folder(self, name: str, digest: str) -> Folder:
        """teachers/NAME-DIGEST."""
        return self.home / "teachers" / f"{name}-{short(digest)}"

    def pairs_folder(self, name: str, digest: str) -> Folder:
        """pairs/NAME-DIGEST."""
        return self.home / "pairs" / f"{name}-{short(digest)}"

    def student_folder(self, name: str, digest: str) -> Folder:
        """students/NAME-DIGEST."""
        return self.home / "students" / f"{name}-{short(digest)}"

    def report_folder(self) -> Folder:
        """reports/NAME-DIGEST of the recipe."""
        return self.home / "reports" / f"{self.recipe.name}-{short(self.recipe.digest())}"


@dataclass(frozen=True)
class StageResult:
    """What a stage made or found: its folder's name, the digest that names it, a few facts."""

    stage: str
    name: str
    folder: str  # URL
    digest: str
    state: State
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_cached(self) -> bool:
        """Whether everything was there already."""
        return self.state == "cached"
