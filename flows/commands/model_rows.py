"""The rows of `kdm ls` for what was trained: teachers, students and classifiers."""

from collections.abc import Mapping, Sequence
from typing import Any

from flows.commands.differences import differences
from flows.commands.listing import Listing, Row
from flows.commands.pairs_rows import UNKNOWN
from flows.documents.measured import key_numbers, read_metrics
from kdm.trained import CONFIG, read_config
from storage.errors import DamageError
from storage.folders import Folder

MODEL_HEAD = ["name", "model", "recipe", "finished", "size"]


def teachers(listing: Listing, names: Sequence[str]) -> list[Row]:
    """A row for each teacher."""
    return _trained(listing, "teachers", names, numbers={})


def students(listing: Listing, names: Sequence[str]) -> list[Row]:
    """A row for each student, with its first numbers."""
    metrics = {name: read_metrics(listing.home / "students" / name) for name in names}
    return _trained(listing, "students", names, numbers=metrics)


def _trained(
    listing: Listing,
    kind: str,
    names: Sequence[str],
    *,
    numbers: Mapping[str, dict[str, Any] | None],
) -> list[Row]:
    """Models, with what sets each apart from others of its plugin, and its measured numbers."""
    configs = {name: _config(listing.home / kind / name) for name in names}
    apart = _apart(configs, numbers)
    rows = []
    for name, config in configs.items():
        place, is_whole = f"{kind}/{name}", isinstance(config, dict)
        model = config["model"]["plugin"] if isinstance(config, dict) else "?"
        finished = listing.finished(f"{place}/{CONFIG}") if is_whole else str(config)
        recipe = listing.recipes.get(place, UNKNOWN)
        below = [apart.get(name, ""), key_numbers(numbers[name]) if name in numbers else ""]
        cells = [name, model, recipe, finished, listing.size(place)]
        facts = {
            **listing.facts(place, CONFIG),
            "state": "finished" if is_whole else config,
            "model": model if is_whole else None,
            "recipe": listing.recipes.get(place),
            "apart": apart.get(name, ""),
            **({"numbers": (numbers[name] or {}).get("values", {})} if name in numbers else {}),
        }
        rows.append(Row(cells, "; ".join(each for each in below if each), facts))
    return rows


def _config(folder: Folder) -> dict[str, Any] | str:
    """What config.json says, or what is wrong with it."""
    try:
        return read_config(folder) or "unfinished"
    except DamageError:
        return "damaged"


def _apart(
    configs: Mapping[str, dict[str, Any] | str], numbers: Mapping[str, dict[str, Any] | None]
) -> dict[str, str]:
    alike: dict[str, dict[str, Any]] = {}
    for name, config in configs.items():
        if isinstance(config, dict):
            pairs = (numbers.get(name) or {}).get("pairs")
            settings = {**_settings(config["identity"]), **({"pairs": pairs} if pairs else {})}
            alike.setdefault(config["model"]["plugin"], {})[name] = settings
    return {name: said for each in alike.values() for name, said in differences(each).items()}


def _settings(identity: Mapping[str, Any]) -> dict[str, Any]:
    """A training's settings, without what only follows from its pairs."""
    source = identity.get("source", {})
    kept = {key: source[key] for key in ("count", "dataset") if key in source}
    return {**{key: identity[key] for key in identity if key != "source"}, **kept}


def classifiers(listing: Listing, names: Sequence[str]) -> list[Row]:
    """A row for each classifier, with its accuracy."""
    rows = []
    for name in names:
        place = f"classifiers/{name}"
        finished = listing.finished(f"{place}/{CONFIG}")
        config = _config(listing.home / place)
        is_whole = isinstance(config, dict)
        accuracy = config["accuracy"] if isinstance(config, dict) else {}
        said = ", ".join(f"{split} {share:.2%}" for split, share in accuracy.items())
        cells = [name, said if is_whole else str(config), finished, listing.size(place)]
        state = "finished" if is_whole else config
        facts = {**listing.facts(place, CONFIG), "state": state, "accuracy": accuracy}
        rows.append(Row(cells, facts=facts))
    return rows
