"""Where a recipe's input files lie: in the working folder, or below $KDM_DATA."""

import os
from collections.abc import Callable
from pathlib import Path

from storage.fs import require_whole_address

DATA_FOLDER_VARIABLE = "KDM_DATA"


def source_path(
    source: str, *, option: str, is_right: Callable[[Path], bool] = Path.exists
) -> Path:
    """The file or folder; a ValueError that says where it was looked for and how to name it.

    `option` is the recipe's, as in 'pairs.source'; what is not right there is passed over.
    """
    require_whole_address(source)
    places = [Path(), *map(Path, filter(None, [os.environ.get(DATA_FOLDER_VARIABLE)]))]
    for place in places:
        if is_right(found := (place / source).absolute()):
            return found
    given = "--data PATH" if option == "dataset.source" else f"--set {option}=PATH"
    looked = ", ".join(str(place.absolute()) for place in places)
    raise ValueError(
        f"'{source}' was not found in {looked}; give its path with {given}, or its folder in "
        f"{DATA_FOLDER_VARIABLE}"
    )
