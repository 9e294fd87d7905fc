"""What a user asks for, as scalars: the parameters of a flow and the options of a command."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.device import require_device
from flows.progress import Reporter, silent
from storage.any_folder import folder_at
from storage.fs import Folder

if TYPE_CHECKING:
    from flows.stages.run import Run

HOME_VARIABLE = "KDM_HOME"
DEFAULT_HOME = "./kdm-home"


@dataclass(frozen=True)
class Request:
    """A recipe at a home, up to a stage; nothing is checked before `run`."""

    recipe: str
    home: str = ""
    count: int | None = None  # training indices, in place of the recipe's number
    overrides: tuple[str, ...] = ()  # 'a.b=c', on top of the recipe
    students: tuple[str, ...] = ()  # those to distill; all where empty
    device: str = "auto"
    until: str = "eval-report"
    ranks: int | None = None  # processes that train together; None: one

    def run(self, report: Reporter = silent) -> "Run":
        """The recipe validated, the home absolute, the device possible; ValueError where not."""
        # Imported here, because recipes bring pydantic and `kdm --help` must not wait for it.
        from flows.command_line import Asked
        from flows.recipe import load_recipe
        from flows.stages.run import Run

        for name in ("count", "ranks"):
            _require_whole(name, getattr(self, name))
        home = home_folder(self.home)
        require_device(self.device)
        recipe = load_recipe(
            self.recipe,
            overrides=self.overrides,
            count=self.count,
            home=home,
            students=self.students,
        )
        asked = Asked(
            recipe=self.recipe,
            overrides=tuple(self.overrides),
            count=self.count,
            students=tuple(self.students),
        )
        return Run(recipe, home, report, self.device, num_ranks=self.ranks or 1, asked=asked)


def _require_whole(name: str, number: object) -> None:
    if number is not None and (type(number) is not int or number < 1):
        raise ValueError(f"{name} is {number!r}; it must be a whole number from 1")


def home_folder(home: str = "") -> Folder:
    """The home that was named, else $KDM_HOME, else ./kdm-home; absolute at once."""
    place = home or os.environ.get(HOME_VARIABLE) or DEFAULT_HOME
    if place.startswith("memory:"):
        raise ValueError(
            "a home at memory:// ends with its process, and training is another process; "
            "use a path, or s3://bucket/kdm"
        )
    return folder_at(place)
