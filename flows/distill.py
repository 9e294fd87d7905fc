"""Flow `distill`: students from stored pairs; no teacher is near."""

from prefect import flow

from flows.request import Request
from flows.tasks import Ended, run_as_tasks


@flow(name="distill", persist_result=False)
def distill(
    recipe: str,
    home: str = "",
    count: int | None = None,
    overrides: tuple[str, ...] = (),
    *,
    students: tuple[str, ...] = (),
    device: str = "auto",
    ranks: int | None = None,
) -> Ended:
    """Train the recipe's students (or those named), and what they need that the store lacks."""
    request = Request(
        recipe, home, count, overrides, students, device, until="distill", ranks=ranks
    )
    return run_as_tasks(request)
