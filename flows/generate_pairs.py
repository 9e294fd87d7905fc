"""Flow `generate-pairs`: noise and the teacher's samples, as shards of pairs."""

from prefect import flow

from flows.parameters import Count, Device, Home, Overrides, RecipeName
from flows.request import Request
from flows.tasks import Ended, run_as_tasks


@flow(name="generate-pairs", flow_run_name="generate-pairs {recipe}", persist_result=False)
def generate_pairs(
    recipe: RecipeName,
    home: Home = "",
    count: Count = None,
    overrides: Overrides = (),
    *,
    device: Device = "auto",
) -> Ended:
    """Make what the store lacks of the recipe's pairs, and of the teacher that they need."""
    request = Request(recipe, home, count, overrides, device=device, until="generate-pairs")
    return run_as_tasks(request)
