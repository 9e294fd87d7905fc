"""Flow `pipeline`: teacher → pairs → masks → students → numbers → report (`kdm run`)."""

from prefect import flow

from flows.request import Request
from flows.tasks import Ended, run_as_tasks


@flow(name="pipeline", persist_result=False)
def pipeline(
    recipe: str,
    home: str = "",
    count: int | None = None,
    overrides: tuple[str, ...] = (),
    *,
    students: tuple[str, ...] = (),
    device: str = "auto",
    until: str = "eval-report",
    ranks: int | None = None,
) -> Ended:
    """All stages of a recipe, or those up to `until`; what the store has is not made again.

    Args:
        recipe: a name (`kdm show` lists them) or the path of a YAML file
        home: where everything is stored; empty: $KDM_HOME, else ./kdm-home
        count: training indices, in place of the recipe's number
        overrides: `a.b=c`, on top of the recipe
        students: which of the recipe's students to distill; all where empty
        device: cpu, cuda or auto
        until: the last stage
        ranks: processes that train together, one a GPU; one where empty
    """
    return run_as_tasks(Request(recipe, home, count, overrides, students, device, until, ranks))
