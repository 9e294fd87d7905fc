"""symmetry.json of a set: what its teacher answered when asked for mirrored noises."""

from pairgen.asymmetry import Symmetry
from storage.digest import seal, unseal
from storage.folders import Folder

SYMMETRY = "symmetry.json"
_VERSION = 1


def write_symmetry(folder: Folder, answer: Symmetry) -> None:
    """Keep the answer beside the set's spec, in place of an earlier one."""
    folder.replace(SYMMETRY, seal({"version": _VERSION, **answer._asdict()}))


def read_symmetry(folder: Folder) -> Symmetry | None:
    """The kept answer; None if the teacher was never asked. A DamageError if it was changed."""
    if not folder.exists(SYMMETRY):
        return None
    kept = unseal(folder.read(SYMMETRY), f"{folder.url}/{SYMMETRY}")
    return Symmetry(kept["num_pairs"], kept["error"], kept["unrelated"])
