"""Policies: lists of filters under one name, which share one false-positive rate.

A recipe's `filters: {policy: pictures, fpr: 0.01}` stands for the filters of flows/policies/pictures.yaml, or
of the user's own file of that form. Each becomes an item of the recipe with `jointly: true`.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from flows.config.shipped_names import shipped_names
from pairgen.filters.filter import Filter
from storage.did_you_mean import nearest
from storage.folders import local_file
from storage.plugins import configure
from storage.yaml_text import read_yaml

_RATE = 0.01
_KEYS = {"policy", "fpr"}


def policy_names() -> list[str]:
    """The policies that come with this project."""
    return shipped_names("flows.policies")


def policy_of(filters: Sequence[Filter]) -> str:
    """The policy of this project that is exactly these filters; '' of a user's own."""
    for name in policy_names():
        own = [configure("pairgen.filters", each) for each in _filters(name)]
        if own == list(filters):
            return name
    return ""


def require_policy(document: Mapping[str, Any]) -> None:
    """Raise a ValueError unless a recipe's document has a policy, to which --fpr gives its rate."""
    stated = document.get("filters")
    if not isinstance(stated, Mapping) or "policy" not in stated:
        raise ValueError(
            "--fpr is the rate of a policy, and there is none: add one, as in --policy pictures --fpr 0.01; "
            "the rate of one of the recipe's filters is --set filters.NAME.fpr=RATE"
        )


def expand_policy(document: dict[str, Any]) -> None:
    """Put a policy's filters into a recipe's document; a ValueError unless there is such a policy."""
    stated = document.get("filters")
    if not isinstance(stated, Mapping):
        return
    unknown = sorted(stated.keys() - _KEYS)
    if unknown or "policy" not in stated:
        wrong = f"doesn't know '{unknown[0]}'" if unknown else "lacks 'policy'"
        raise ValueError(
            f"filters {wrong}: give a list of filters, or a policy and its rate as in "
            "filters={policy: pictures, fpr: 0.01}"
        )
    rate = stated.get("fpr", _RATE)
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
        raise ValueError(
            f"the policy's false-positive rate fpr is {rate!r}; give a number from 0 to below 1, as 0.01"
        )
    document["filters"] = [
        {"filter": chosen, "fpr": rate, "jointly": True}
        for chosen in _filters(str(stated["policy"]))
    ]


def _filters(policy: str) -> list[Any]:
    if policy in policy_names():
        text = (files("flows.policies") / f"{policy}.yaml").read_bytes()
    elif (
        policy.endswith((".yaml", ".yml"))
        and (path := local_file(policy, "a policy's file")).is_file()
    ):
        text = path.read_bytes()
    else:
        raise ValueError(
            f"no policy '{policy}'; {nearest(policy, policy_names())} (or the path of a .yaml file)"
        )
    found = read_yaml(text, f"policy '{policy}'")
    filters = found.get("filters") if isinstance(found, Mapping) else None
    if not isinstance(filters, list) or not filters:
        raise ValueError(
            f"policy '{policy}' must be a mapping with a list 'filters' of at least one filter, as in "
            "filters: [{plugin: exact}]"
        )
    return filters
