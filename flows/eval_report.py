"""Flow `eval-report`: the report of a recipe, or of every recipe that the home knows."""

from prefect import flow

from flows.parameters import Count, Device, Home, OptionalRecipe, Overrides, Students
from flows.request import Request
from flows.tasks import Ended, refresh_as_task, run_as_tasks


@flow(name="eval-report", flow_run_name="eval-report {recipe}", persist_result=False)
def eval_report(
    recipe: OptionalRecipe = "",
    home: Home = "",
    count: Count = None,
    overrides: Overrides = (),
    *,
    students: Students = (),
    device: Device = "auto",
) -> Ended:
    """Write a recipe's report, and make what is lacking before it.

    Without a recipe nothing is trained and no teacher is asked: students that have no current
    report are evaluated, and the overview of the home is written anew.
    """
    if not recipe:
        return refresh_as_task(home)
    request = Request(recipe, home, count, overrides, students, device, until="eval-report")
    return run_as_tasks(request)
