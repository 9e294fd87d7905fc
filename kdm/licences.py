"""The licence of what is made from other things: all of those (SPDX identifiers in lower case).

A student is made from pairs, pairs from a teacher, a teacher from data. Each inherits the licences of what
it was made from, and its card states them; 'unknown' stays unknown.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator

_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9.+-]{0,199}")
UNKNOWN = "unknown"
OWN = "apache-2.0"  # of what this project itself makes up: the checkerboard, closed-form teachers
_AND = "-and-"
# Those that a card on the Hub may name as its `license`; any other is `other` with a `license_name`.
_ON_THE_HUB = """
afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd bsd-2-clause bsd-3-clause bsl-1.0 c-uda cc cc-by-2.0
cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0
cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 creativeml-openrail-m ecl-2.0 epl-1.0 epl-2.0
eupl-1.1 eupl-1.2 gfdl gpl gpl-2.0 gpl-3.0 isc lgpl lgpl-2.1 lgpl-3.0 mit mpl-2.0 ms-pl ncsa odbl odc-by
openrail openrail++ osl-3.0 pddl postgresql unknown unlicense wtfpl zlib
"""


def require_licence(licence: str) -> str:
    """The identifier, or several joined by '-and-'; a ValueError for anything else."""
    if not _IDENTIFIER.fullmatch(licence):
        raise ValueError(
            f"licence {licence[:80]!r}: write its identifier in lower case, as in 'cc-by-nc-sa-4.0'"
        )
    return licence


Licence = Annotated[str, AfterValidator(require_licence)]


def inherited(*licences: str) -> str:
    """All these licences as one, each once and in order: 'apache-2.0-and-cc-by-nc-sa-4.0'."""
    return _AND.join(sorted({each for licence in licences for each in licence.split(_AND)}))


def hub_fields(licence: str) -> dict[str, str]:
    """A licence as the fields of a card's front matter, as the Hub reads it."""
    if licence in _ON_THE_HUB.split():
        return {"license": licence}
    return {"license": "other", "license_name": licence}


def said_by(front: dict[str, Any]) -> str:
    """The licence in a card's front matter; 'unknown' without one."""
    said = front.get("license_name") if front.get("license") == "other" else front.get("license")
    return said if isinstance(said, str) and said else UNKNOWN
