"""The recipe of a stored set, for a command that names it alone: `kdm filter-pairs PAIRS --reference PATH`.

Its pairs are the set's, its data set the pictures at `--reference`. All of them are compared with: a picture
that is held out would be one whose copies pass.
"""

from pathlib import Path
from typing import Any

from flows.config.recipe_files import recipe_names
from flows.home import bare, matching
from kdm.datasets.kind_at import kind_at
from pairgen.teachers.imported_name import default_name
from storage.folders import Folder, folder_at


def recipe_of_set(asked: str, home: Folder) -> dict[str, Any] | None:
    """The document of a recipe over the set that is called so; None if a recipe or nothing is."""
    if asked in recipe_names() or asked.endswith((".yaml", ".yml")):
        return None
    name = asked.rstrip("/").removeprefix("pairs/")
    if "/" in name:
        folder = folder_at(name)
        if not folder.exists("spec.json"):
            return None
        stored, named = name, folder.name
    else:
        matches = matching(home, "pairs", name)
        if len(matches) != 1:
            return None
        stored = named = matches[0]
    return {
        "name": default_name(bare(named)),
        "title": f"The pairs {named}",
        "pairs": {"stored": stored},
    }


def complete_reference(document: dict[str, Any]) -> None:
    """Kind and shape, into a document whose data set is only a source."""
    dataset = document.get("dataset")
    if not isinstance(dataset, dict) or not dataset.get("source"):
        return
    path = Path(str(dataset["source"])).expanduser()
    own = {"kind": kind_at(path), "shape": document["pairs"]["shape"]}
    document["dataset"] = {**own, **dataset}
