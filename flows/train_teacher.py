"""Flow `train-teacher`: the field that pairs are made with."""

from prefect import flow

from flows.parameters import Count, Device, Home, Overrides, Ranks, RecipeName
from flows.request import Request
from flows.tasks import Ended, run_as_tasks


@flow(name="train-teacher", flow_run_name="train-teacher {recipe}", persist_result=False)
def train_teacher(
    recipe: RecipeName,
    home: Home = "",
    count: Count = None,
    overrides: Overrides = (),
    *,
    device: Device = "auto",
    ranks: Ranks = None,
) -> Ended:
    """Train the recipe's teacher, unless the store has it."""
    request = Request(
        recipe, home, count, overrides, device=device, until="train-teacher", ranks=ranks
    )
    return run_as_tasks(request)
