"""Flow `train-teacher`: the field that pairs are made with."""

from prefect import flow

from flows.request import Request
from flows.tasks import Ended, run_as_tasks


@flow(name="train-teacher", persist_result=False)
def train_teacher(
    recipe: str,
    home: str = "",
    count: int | None = None,
    overrides: tuple[str, ...] = (),
    *,
    device: str = "auto",
    ranks: int | None = None,
) -> Ended:
    """Train the recipe's teacher, unless the store has it."""
    request = Request(
        recipe, home, count, overrides, device=device, until="train-teacher", ranks=ranks
    )
    return run_as_tasks(request)
