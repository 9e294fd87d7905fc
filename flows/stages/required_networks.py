"""What metrics over networks need, tried before the first stage: it may take days until they measure."""

from flows.stage import Run
from kdm.evaluate.evaluate import needs_of


def require_networks(run: Run) -> None:
    """Raise a ValueError for a network, statistics or a number of samples that won't do."""
    recipe = run.recipe
    needs = needs_of(recipe.evaluation.metrics)
    if not needs & {"network", "perceptual"}:
        return
    import torch  # and what follows: only runs with such metrics wait for it

    device = torch.device(run.settled_device)
    if "network" in needs:
        from kdm.evaluate.network_views import NetworkViews

        shape = recipe.shape
        views = NetworkViews(
            run.home, recipe.evaluation.metrics, recipe.dataset, device=device, shape=shape
        )
        # The teacher brings two sets of as many samples, of which a filter may drop some.
        views.require(min(recipe.evaluation.num_fresh, recipe.pairs.train // 2))
    if "perceptual" in needs:
        from kdm.evaluate.perception import Perception

        Perception(recipe.evaluation.metrics, device=device)
