"""A study's trials: every point with every seed, each an ordinary run of a recipe."""

from collections.abc import Callable
from dataclasses import dataclass

from flows.config.recipe import Recipe
from flows.progress import Reporter, silent, unsaid
from flows.stage import Asked, Run
from flows.study.study import Point, Study
from kdm.analyze.analysis import Analysis
from storage.digest import digest_of, short
from storage.folders import Folder


@dataclass(frozen=True)
class Trial:
    """One student of a study: a point, a seed and the recipe that they make."""

    point: Point
    seed: int
    recipe: Recipe
    asked: Asked

    @property
    def name(self) -> str:
        """As progress and errors call it."""
        return f"{self.point.name}, seed {self.seed}"

    def run(
        self,
        home: Folder,
        *,
        device: str = "cpu",
        report: Reporter = silent,
        say: Callable[[str], None] = unsaid,
    ) -> Run:
        """Its run at a home; the run isn't listed among the recipe's own."""
        return Run(
            self.recipe, home, report, device, say=say, asked=self.asked, is_remembered=False
        )


@dataclass(frozen=True)
class Plan:
    """A study on one kind of data at a home: everything that is to be made, checked."""

    study: Study
    source: str  # as it was asked for: its name or its file
    data: str
    home: Folder
    device: str
    trials: tuple[Trial, ...]

    @property
    def analysis(self) -> Analysis | None:
        """What its students are asked beside metrics."""
        return self.study.analysis_on(self.data)

    @property
    def folder(self) -> Folder:
        """studies/NAME-on-DATA-DIGEST of the home."""
        return self.home / "studies" / self.name

    @property
    def name(self) -> str:
        """NAME-on-DATA-DIGEST, of the study and of the recipes that it makes."""
        recipes = [trial.recipe.digest() for trial in self.trials]
        digest = short(digest_of([self.study.digest(self.data), recipes]))
        return f"{self.study.name}-on-{self.data}-{digest}"
