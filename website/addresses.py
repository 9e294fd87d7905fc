"""`python -m website.addresses FILE`: what Sphinx's check of links found, wrong told from silent.

An address is wrong if its server answers that there is no such page, or if the page lacks the anchor. It
wasn't reached if nobody answered in time, or if the server refused to say: a proxy, a limit, an outage.
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

# Of the answers 400 to 499 these say nothing of the page: a login, a refusal, a method, a timeout, a limit.
_REFUSED = "401|403|405|407|408|425|429"
_WRONG = re.compile(rf"(?!{_REFUSED})4\d\d Client Error|Anchor .* not found")
_NOBODY = 2  # an exit code: no address was reached, so that nothing was checked


class Address(NamedTuple):
    """An address of the documentation, and what came of asking for it."""

    uri: str
    place: str  # the page and the line that link to it
    verdict: str  # "right", "moved", "wrong" or "not reached"
    said: str


def judged(lines: Iterable[str]) -> list[Address]:
    """Every address elsewhere in Sphinx's output.json, by its lines."""
    found = [json.loads(line) for line in lines]
    return [
        Address(each["uri"], f"{each['filename']}:{each['lineno']}", verdict_of(each), each["info"])
        for each in found
        if each["status"] != "unchecked"
    ]


def verdict_of(found: dict[str, str]) -> str:
    """What the status and the message of one address mean."""
    if found["status"] in ("working", "redirected"):
        return {"working": "right", "redirected": "moved"}[found["status"]]
    return "wrong" if _WRONG.match(found["info"]) else "not reached"


def main(file: Path) -> int:
    """Print all but the right addresses, then counts.

    1 if any is wrong, 2 if none was reached, else 0. An OSError if Sphinx left no such file.
    """
    addresses = judged(file.read_text(encoding="utf-8").splitlines())
    kinds = ("wrong", "not reached", "moved", "right")
    by_kind = {kind: [each for each in addresses if each.verdict == kind] for kind in kinds}
    for kind in kinds[:-1]:
        for each in by_kind[kind]:
            sys.stdout.write(f"{kind}: {each.uri}\n  {each.place}: {each.said}\n")
    sys.stdout.write(", ".join(f"{len(by_kind[kind])} {kind}" for kind in kinds) + "\n")
    if by_kind["wrong"]:
        return 1
    return _NOBODY if len(by_kind["not reached"]) == len(addresses) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
