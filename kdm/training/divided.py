"""Into how many parts a step's batch is divided: looked at before any work, without torch."""

from kdm.training.options import TrainingOptions


def num_micro_batches(options: TrainingOptions, num_ranks: int) -> int:
    """How many micro-batches a rank computes in each step."""
    own = options.batch_size // num_ranks
    return own // (options.micro_batch or own)


def require_divisible(options: TrainingOptions, num_ranks: int) -> None:
    """Raise a ValueError unless so many ranks can share a step evenly, in whole micro-batches."""
    size, at_once = options.batch_size, options.micro_batch
    if size % num_ranks:
        raise ValueError(
            f"training.batch_size is {size}, which {num_ranks} ranks can't share evenly; choose a "
            "multiple, or another number of ranks"
        )
    own = size // num_ranks
    if at_once is not None and own % at_once:
        raise ValueError(
            f"training.micro_batch is {at_once}, which doesn't divide a rank's {own} samples of a step "
            f"(training.batch_size {size}, {num_ranks} ranks); choose a divisor"
        )
    if options.draws == "step" and num_ranks * num_micro_batches(options, num_ranks) > 1:
        raise ValueError(
            f"{num_ranks} ranks with micro-batches of {at_once or own} would draw other random numbers "
            "than one process does; set training.draws to 'sample' (this changes the training's name)"
        )
