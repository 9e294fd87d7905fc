"""The names of the stages, in the order in which they run."""

STAGES = (
    "train-teacher",
    "generate-pairs",
    "filter-pairs",
    "distill",
    "evaluate",
    "eval-report",
)
