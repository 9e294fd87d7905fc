"""Flow `evaluate`: students' numbers beside their teacher's."""

from prefect import flow

from flows.request import Request
from flows.tasks import Ended, run_as_tasks


@flow(name="evaluate", persist_result=False)
def evaluate(
    recipe: str,
    home: str = "",
    count: int | None = None,
    overrides: tuple[str, ...] = (),
    *,
    students: tuple[str, ...] = (),
    device: str = "auto",
) -> Ended:
    """Measure the recipe's students (or those named), and make what is lacking before it."""
    request = Request(recipe, home, count, overrides, students, device, until="evaluate")
    return run_as_tasks(request)
