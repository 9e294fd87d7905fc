"""Which files of a set, a student or a teacher travel; masks, audits, checkpoints and logs never do."""

import re

from kdm.hub.hub_address import Kind

_LAYOUT = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}/[a-z0-9]+-\d+"
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_MODEL = r"(config|losses|metrics|timings)\.json|model\.safetensors|samples\.png"
# Anything else in a folder would be a stranger's: no folder leads out of the set, no hidden name.
_MAY_TRAVEL: dict[Kind, re.Pattern[str]] = {
    "pairs": re.compile(
        rf"spec\.json|pairs\.png|{_LAYOUT}/((records|manifests|audit)/\d+\.json|shards/{_PART}(/{_PART})*)"
        rf"|purges/\d+/(purge\.json|[A-Za-z0-9_-]+/rows/\d+\.json|{_LAYOUT}/(records|manifests)/\d+\.json)"
    ),
    "student": re.compile(_MODEL),
    "teacher": re.compile(_MODEL),
}


def may_travel(kind: Kind, path: str) -> bool:
    """Whether a file of this name is part of such a thing."""
    return _MAY_TRAVEL[kind].fullmatch(path) is not None
