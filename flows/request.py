"""What a user asks for, in plain values: the parameters of a flow and the options of a command."""

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from flows.claim_file import claim_span
from flows.device import require_device
from flows.home import home_folder
from flows.progress import Reporter, silent
from flows.ranks import ranks_of, require_alone
from storage.redaction import require_no_secret

if TYPE_CHECKING:
    from flows.stage import Run

_LOG = logging.getLogger(__name__)

# In the order in which they run.
STAGES = (
    "train-teacher",
    "generate-pairs",
    "filter-pairs",
    "distill",
    "evaluate",
    "eval-report",
)


@dataclass(frozen=True)
class Request:
    """A recipe at a home, up to a stage; nothing is checked before `run`."""

    recipe: str
    home: str = ""
    count: int | None = None  # number of training indices, instead of the recipe's
    overrides: tuple[str, ...] = ()  # 'a.b=c', on top of the recipe
    students: tuple[str, ...] = ()  # those to distill; all if empty
    device: str = "auto"
    until: str = STAGES[-1]
    ranks: int | None = None  # processes that train together on each machine; None: one
    nodes: int | None = None  # machines that train together; None: one
    rendezvous: str = ""  # where they meet, HOST:PORT
    at_once: int | None = (
        None  # students trained at the same time; None: as many as the cores allow
    )
    on: str = ""  # where shards are made: threads, processes, dask, a scheduler's address; '': the recipe's
    workers: int | None = None  # flow runs that make shards side by side; None: none
    part: str = ""  # NUMBER/COUNT of an array of jobs that makes one set

    def run(self, report: Reporter = silent) -> "Run":
        """The recipe validated, the home made absolute, the device checked; a ValueError otherwise."""
        # Imported here because recipes need pydantic, and `kdm --help` must not wait for it.
        from flows.config.load import load_recipe
        from flows.generation.engine_names import require_engine
        from flows.generation.part import Part
        from flows.stage import Asked, Run

        require_no_secret(asdict(self), "the request")
        for name in ("count", "ranks", "nodes", "at_once", "workers"):
            _require_whole(name, getattr(self, name))
        claim_span()
        require_engine(self.on)
        if self.part:
            Part.parse(self.part)
            if self.until != "generate-pairs":
                raise ValueError(f"--part is for generate-pairs; {self.until} needs all shards")
        ranks = ranks_of(self.ranks, self.nodes, self.rendezvous)
        require_alone(ranks, self.at_once)
        home = home_folder(self.home)
        require_device(self.device)
        _LOG.info("device %s", self.device)
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
        return Run(
            recipe,
            home,
            report,
            self.device,
            ranks=ranks,
            at_once=self.at_once,
            on=self.on,
            part=self.part,
            asked=asked,
        )


def _require_whole(name: str, number: object) -> None:
    if number is not None and (type(number) is not int or number < 1):
        raise ValueError(f"{name} is {number!r}; it must be a whole number from 1")
