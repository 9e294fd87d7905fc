"""Flow `filter-pairs`: scores and decisions as masks beside the pairs."""

from prefect import flow

from flows.parameters import Count, Device, Home, Overrides, RecipeName
from flows.request import Request
from flows.tasks import Ended, run_as_tasks


@flow(name="filter-pairs", flow_run_name="filter-pairs {recipe}", persist_result=False)
def filter_pairs(
    recipe: RecipeName,
    home: Home = "",
    count: Count = None,
    overrides: Overrides = (),
    *,
    device: Device = "auto",
) -> Ended:
    """Judge the recipe's pairs with its filters; no teacher is asked about pairs that are there."""
    request = Request(recipe, home, count, overrides, device=device, until="filter-pairs")
    return run_as_tasks(request)
