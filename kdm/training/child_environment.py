"""What a process that this project starts takes over from the one that starts it.

Not the place that a launcher or a pod has given to the command itself (torchrun, SLURM, MPI): its
children would wait for ranks that nobody starts. Not the folder in which it was started as a place of
modules: a `random.py` or a clone of another `kdm` there would be imported in place of ours.
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
    """The environment for a child: alone, and with modules from installed packages only."""
    kept = {name: each for name, each in environment.items() if not _is_of_a_launcher(name)}
    return {**kept, **safe_path(environment)}


def safe_path(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables by which Python looks for no module where the command was started.

    An empty entry of PYTHONPATH, as `$PYTHONPATH:/more` leaves it, means that folder too.
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
    return name in _OF_A_RANK or name.startswith(_OF_LAUNCHERS)
