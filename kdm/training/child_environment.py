"""The environment of processes that this project starts.

It is that of the parent without two things. The place that a launcher or a pod has given to the command
(by torchrun, SLURM or MPI): a child would wait for ranks that nobody starts. And the current folder as a
place to import from: a `random.py` or a clone of another `kdm` there would be imported instead of ours.
"""

import os
from collections.abc import Mapping

# What torch.distributed and the launchers that it knows set for a rank.
_OF_A_RANK = frozenset(
    [
        *("RANK", "LOCAL_RANK", "GROUP_RANK", "ROLE_RANK", "NODE_RANK"),
        *("WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE"),
        *("MASTER_ADDR", "MASTER_PORT", "ROLE_NAME", "NNODES", "NPROC_PER_NODE"),
    ]
)
# PET_ begins the options that torchrun takes from the environment.
_OF_LAUNCHERS = ("PET_", "TORCHELASTIC_", "SLURM_", "OMPI_", "PMI_", "PMIX_", "MV2_")
SAFE_PATH = "PYTHONSAFEPATH"  # what `python -P` does, for grandchildren too


def child_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables for a child: without a rank, and with modules from installed packages only."""
    kept = {name: each for name, each in environment.items() if not _is_of_a_launcher(name)}
    return {**kept, **safe_path(environment)}


def safe_path(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that keep Python from importing modules out of the current folder.

    An empty entry of PYTHONPATH, as `$PYTHONPATH:/more` leaves it, means the current folder too.
    """
    safe = {SAFE_PATH: "1"}
    if entries := environment.get("PYTHONPATH"):
        here = os.path.realpath(os.curdir)
        others = [each for each in entries.split(os.pathsep) if each]
        safe["PYTHONPATH"] = os.pathsep.join(
            each for each in others if os.path.realpath(each) != here
        )
    return safe


def _is_of_a_launcher(name: str) -> bool:
    """Whether a variable tells a process its place among others."""
    return name in _OF_A_RANK or name.startswith(_OF_LAUNCHERS)
