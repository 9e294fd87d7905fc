"""The engines by name."""

from typing import cast

from flows.generation.engine import Starts
from flows.generation.engine_names import scheduler_of
from flows.stage import Run


def start_of(run: Run) -> Starts:
    """How the run's engine is started."""
    if run.engine is not None:
        return cast(Starts, run.engine)
    name = run.made_on
    if name == "processes":
        from flows.generation.processes import processes

        return processes
    if name == "dask" or scheduler_of(name) is not None:
        from flows.generation.on_dask import on_dask

        return on_dask(scheduler_of(name))
    from flows.generation.prepared_maker import in_process

    return in_process


def is_in_process(run: Run) -> bool:
    """Whether the run's shards are made in this process; others need no torch here."""
    return run.engine is None and run.made_on == "threads"
