"""A study as data: what varies, what is measured, on which data, and what the paper found.

A study's file is YAML with these fields; docs/studies.md explains them. A point is an ordinary recipe with
a few values changed, so its student is an ordinary student of the home and is trained once, whichever
studies have it.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from flows.config.imported_pairs import Name
from kdm.analyze.analysis import GROUP, Analysis
from storage.did_you_mean import nearest
from storage.digest import digest_of
from storage.options import Options
from storage.plugins import Configured

Seed = Annotated[int, Field(ge=0, le=2**64 - 1)]
Changes = Mapping[str, Any]  # values by their place: 'student.training.num_steps', 'pairs.train'


class Paper(Options):
    """What the paper prints: numbers by row, with where they stand and what they were measured on."""

    source: str  # 'Table 5'
    data: str  # 'unconditional CIFAR-10, 50,000 samples'
    columns: tuple[str, ...] = Field(min_length=1)  # names of the numbers of a row
    rows: Mapping[str, tuple[float | None, ...]]  # a point's name, or a name of the paper's own

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, row in self.rows.items():
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row '{name}' has {len(row)} numbers for {len(self.columns)} columns; give one each, "
                    "or null"
                )
        return self


class Point(Options):
    """One student of a study: a name, and what sets it apart from the others."""

    name: str = Field(min_length=1, max_length=60)  # a row of the table
    student: str = ""  # of the recipe; '': the study's
    series: str = ""  # points of one series are a line of the figure
    at: float | None = None  # its place on the figure's axis
    set: Changes = {}  # what differs from the recipe


class On(Options):
    """A study on one kind of data: the recipe, what differs from the rest of the file, what is measured."""

    recipe: str = ""  # '': the name of the data
    student: str = ""  # of the recipe; '': its first
    set: Changes = {}  # for every point
    points: tuple[Point, ...] = ()  # instead of the study's
    grid: Mapping[str, tuple[Any, ...]] = {}  # instead of points: values by place, each with each
    measure: tuple[
        str, ...
    ] = ()  # numbers of the table, in its order; (): all of the recipe's metrics
    figure: tuple[str, ...] | None = None  # those that are drawn; null: the first four
    analysis: Annotated[Analysis, Configured(GROUP)] | None = None  # instead of the study's
    seeds: tuple[Seed, ...] = ()  # instead of the study's
    seconds: float | None = Field(None, gt=0)  # a point takes on one core, as measured

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.points and self.grid:
            raise ValueError("give points or a grid, not both")
        return self


class Study(Options):
    """All of a study's file."""

    name: Name  # of the file and of the study's folder
    title: str  # its page's heading
    about: str = ""  # a paragraph for its page
    order: int = 0  # among the project's own
    varies: str = ""  # what `at` of its points is
    seeds: tuple[Seed, ...] = Field((0, 1, 2), min_length=1)  # each point is trained once for each
    points: tuple[Point, ...] = ()  # the students to compare
    # A plugin that looks into the students.
    analysis: Annotated[Analysis, Configured(GROUP)] | None = None
    paper: Paper | None = None  # the paper's numbers, printed beside
    on: Mapping[str, On] = Field(min_length=1)  # settings by the name of the data

    @model_validator(mode="after")
    def _check(self) -> Self:
        for data in self.on:
            seeds = self.seeds_on(data)
            if len(set(seeds)) != len(seeds):
                raise ValueError(f"on.{data}: seeds must differ (got {list(seeds)})")
            names = [point.name for point in self.points_on(data)]
            if not names:
                raise ValueError(
                    f"on.{data}: there are no points; give points or a grid there, or points above"
                )
            if len(set(names)) != len(names):
                raise ValueError(f"on.{data}: points must have different names (got {names})")
        return self

    def require(self, data: str) -> On:
        """The settings for this data; a ValueError if the study has none."""
        if data not in self.on:
            known = list(self.on)
            raise ValueError(
                f"study '{self.name}' has no settings on '{data}'; {nearest(data, known)}"
            )
        return self.on[data]

    def points_on(self, data: str) -> tuple[Point, ...]:
        """The points of this data, in the order of the table."""
        on = self.on[data]
        return tuple(_combined(on.grid)) if on.grid else on.points or self.points

    def seeds_on(self, data: str) -> tuple[int, ...]:
        """The seeds of this data's trainings."""
        return self.on[data].seeds or self.seeds

    def analysis_on(self, data: str) -> Analysis | None:
        """What its students are asked beside metrics."""
        return self.on[data].analysis or self.analysis

    def digest(self, data: str) -> str:
        """What names its folder: all but words that only its page has."""
        on = self.on[data].model_dump(mode="json", exclude={"seconds", "figure"})
        points = [point.model_dump(mode="json") for point in self.points_on(data)]
        analysis = self.analysis_on(data)
        described = (
            None if analysis is None else [analysis.plugin, analysis.model_dump(mode="json")]
        )
        return digest_of(
            {"on": on, "points": points, "seeds": self.seeds_on(data), "analysis": described}
        )


def _combined(grid: Mapping[str, tuple[Any, ...]]) -> Iterator[Point]:
    """A point for each combination, named by its values."""
    for values in product(*grid.values()):
        changes = dict(zip(grid, values, strict=True))
        words = (f"{place.rsplit('.', 1)[-1]} {value}" for place, value in changes.items())
        is_number = len(values) == 1 and type(values[0]) in (int, float)
        yield Point(name=", ".join(words), at=values[0] if is_number else None, set=changes)
