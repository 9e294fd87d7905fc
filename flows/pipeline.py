"""Flow `pipeline`: teacher → pairs → masks → students → numbers → report (`kdm run`)."""

from prefect import flow

from flows.parameters import Count, Device, Home, Overrides, Ranks, RecipeName, Students, Until
from flows.request import Request
from flows.tasks import Ended, run_as_tasks


@flow(name="pipeline", flow_run_name="pipeline {recipe}", persist_result=False)
def pipeline(
    recipe: RecipeName,
    home: Home = "",
    count: Count = None,
    overrides: Overrides = (),
    *,
    students: Students = (),
    device: Device = "auto",
    until: Until = "eval-report",
    ranks: Ranks = None,
) -> Ended:
    """All stages of a recipe, or those up to `until`; what the store has is not made again."""
    return run_as_tasks(Request(recipe, home, count, overrides, students, device, until, ranks))
