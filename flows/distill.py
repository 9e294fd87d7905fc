"""Flow `distill`: students from stored pairs; no teacher is near."""

from prefect import flow

from flows.parameters import Count, Device, Home, Overrides, Ranks, RecipeName, Students
from flows.request import Request
from flows.tasks import Ended, run_as_tasks


@flow(name="distill", flow_run_name="distill {recipe}", persist_result=False)
def distill(
    recipe: RecipeName,
    home: Home = "",
    count: Count = None,
    overrides: Overrides = (),
    *,
    students: Students = (),
    device: Device = "auto",
    ranks: Ranks = None,
) -> Ended:
    """Train the recipe's students (or those named), and what they need that the store lacks."""
    request = Request(
        recipe, home, count, overrides, students, device, until="distill", ranks=ranks
    )
    return run_as_tasks(request)
