"""Where a recipe's input files are: in the working folder, or below $KDM_DATA.

A recipe names its data by a relative path, so that it can be shared; each machine decides where its
data are.
"""

import os
from collections.abc import Callable
from pathlib import Path

from storage.folders.local_paths import local_path

DATA_FOLDER_VARIABLE = "KDM_DATA"


def source_path(
    source: str, *, option: str, is_right: Callable[[Path], bool] = Path.exists
) -> Path:
    """The file or folder; a ValueError says which places were searched and how to name it.

    A relative path is tried in the working folder, then below $KDM_DATA, so one recipe works on machines
    that keep their data in different places. `option` is the recipe's, as in 'pairs.source'; what
    `is_right` refuses is skipped.
    """
    path = local_path(source, "a file of a recipe")
    below = os.environ.get(DATA_FOLDER_VARIABLE)
    places = [Path(), *([local_path(below, DATA_FOLDER_VARIABLE)] if below else [])]
    for place in places:
        if is_right(found := (place / path).absolute()):
            return found
    given = "--data PATH" if option == "dataset.source" else f"--set {option}=PATH"
    looked = ", ".join(str(place.absolute()) for place in places)
    raise ValueError(
        f"'{source}' was not found in {looked}; give its path with {given}, or its folder in "
        f"{DATA_FOLDER_VARIABLE}"
    )
