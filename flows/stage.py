"""What every stage gets (a `Run`) and returns (a `StageResult`): names and digests, never data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from flows.config.recipe import Recipe
from flows.device import settled_device
from flows.progress import Meter, Reporter, silent, unsaid
from flows.ranks import ALONE, Ranks
from storage.digest import short
from storage.folders import Folder, folder_at
from storage.options import Options

State = Literal["done", "cached"]


class Asked(Options):
    """A recipe's name or file, and the overrides on top of it, as the user asked for them."""

    recipe: str = ""  # empty in homes that are older than this field
    overrides: tuple[str, ...] = ()
    count: int | None = None
    students: tuple[str, ...] = ()  # those that were named; a recipe doesn't list presets


def nothing() -> None:
    """Do nothing: the stage goes on and makes what is missing."""


@dataclass(frozen=True)
class Run:
    """A recipe and a home. How progress is reported never changes what is written."""

    recipe: Recipe
    home: Folder
    report: Reporter = silent
    device: str = "cpu"  # or cuda, or auto
    say: Callable[[str], None] = unsaid  # prints one sentence for the user
    ranks: Ranks = ALONE  # processes that train together
    at_once: int | None = 1  # students trained at the same time; None: as many as the cores allow
    before_work: Callable[[], None] = nothing  # called when a stage finds something to make
    # Where shards are made: 'threads' (this process), 'processes', 'dask', a scheduler's address; '': as
    # the recipe says.
    on: str = ""
    part: str = ""  # of an array of jobs that makes one set
    engine: Any = None  # how another engine is started (flows/generation/engine.py: Starts)
    # Whether reports of the home cover this run; a point of a study belongs to the study's page.
    is_remembered: bool = True
    # How the recipe was asked for; only the report's command line needs it.
    asked: Asked = field(default_factory=Asked)

    @property
    def made_on(self) -> str:
        """Where shards are made: as it was asked for, or else the recipe's own."""
        return self.on or getattr(self.recipe.pairs, "on", "threads")

    @cached_property
    def settled_device(self) -> str:
        """'cpu' or 'cuda'. Only code that computes asks, because looking for a GPU imports torch."""
        return settled_device(self.device)

    def begin(self, folder: Folder, what: str) -> None:
        """Announce that a stage will make something; a StoreError if `folder` isn't writable."""
        self.before_work()
        folder.require_writable(what)

    def meter(self, stage: str, name: str, total: int, unit: str) -> Meter:
        """Reports how far `stage` is with `name`, in units of `unit`."""
        return Meter(self.report, stage, name, total, unit)

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
    """What a stage made or found: the folder's name, its digest, and a few facts."""

    stage: str
    name: str
    folder: str  # URL
    digest: str
    state: State
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> Folder:
        """The folder; a teacher known in closed form has none on disk."""
        return folder_at(self.folder)

    @property
    def is_cached(self) -> bool:
        """Whether everything was there already."""
        return self.state == "cached"
