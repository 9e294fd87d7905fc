"""Flow `evaluate`: students' numbers beside their teacher's."""

from prefect import flow

from flows.parameters import Count, Device, Home, Overrides, RecipeName, Students
from flows.request import Request
from flows.tasks import Ended, run_as_tasks


@flow(name="evaluate", flow_run_name="evaluate {recipe}", persist_result=False)
def evaluate(
    recipe: RecipeName,
    home: Home = "",
    count: Count = None,
    overrides: Overrides = (),
    *,
    students: Students = (),
    device: Device = "auto",
) -> Ended:
    """Measure the recipe's students (or those named), and make what is lacking before it."""
    request = Request(recipe, home, count, overrides, students, device, until="evaluate")
    return run_as_tasks(request)
