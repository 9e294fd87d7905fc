"""Flow `filter-pairs`: scores and decisions as masks beside the pairs."""

from prefect import flow

from flows.request import Request
from flows.tasks import Ended, run_as_tasks


@flow(name="filter-pairs", persist_result=False)
def filter_pairs(
    recipe: str,
    home: str = "",
    count: int | None = None,
    overrides: tuple[str, ...] = (),
    *,
    device: str = "auto",
) -> Ended:
    """Judge the recipe's pairs with its filters; no teacher is asked about pairs that are there."""
    request = Request(recipe, home, count, overrides, device=device, until="filter-pairs")
    return run_as_tasks(request)
