"""The rows of `kdm ls` for what has a page: studies, filtered sets, proofs, audits and reports."""

from collections.abc import Mapping, Sequence
from typing import Any

from flows.commands.listing import Listing, Row
from flows.commands.pairs_rows import UNKNOWN

_LONGEST_CHANGE = 72  # letters of an override: one may hold a whole recipe's students
_KEY = "key.json"  # of a study with human raters, whose page is with them
_AUDIT = "audit.json"  # written last
_PROOF = "proof.json"  # the same
_PAGE, _NUMBERS = "index.html", "numbers.json"  # of a study or filters, the latter written last
_REPORT = "report.html"
_Document = Mapping[str, Any]


def page_rows(kind: str, listing: Listing, names: Sequence[str]) -> list[Row]:
    """A row for each thing of one of these kinds."""
    return [_ROWS[kind](listing, name) for name in names]


def _study(listing: Listing, name: str) -> Row:
    """A written study; while its students are made, a study has no folder."""
    place = f"studies/{name}"
    said, finished = _written(listing, place, _NUMBERS)
    below = [f"on {said['data']}: {said['study']['title']}"] if said else []
    below += _parts(listing, f"{place}/{_PAGE}")
    trials = said["trials"] if said else []
    num_students = len(trials) if said else None
    num_seeds = len({each["seed"] for each in trials}) if said else None
    counts = [_count(num_students), _count(num_seeds)]
    facts = {
        **_facts(listing, place, _NUMBERS, said, page=_PAGE),
        "data": said["data"] if said else None,
        "students": num_students,
        "seeds": num_seeds,
    }
    return Row([name, *counts, finished, listing.size(place)], "; ".join(below), facts)


def _audit(listing: Listing, name: str) -> Row:
    """What a student was found to tell of its training set; a private part is named, not read."""
    place, page = f"audits/{name}", "audit.html"
    said, finished = _written(listing, place, _AUDIT)
    below = [f"of students/{said['student']}"] if said else []
    below += _parts(listing, f"{place}/{page}", private=f"{place}/private/scores.json")
    count = said["of"]["count"] if said else None
    facts = {
        **_facts(listing, place, _AUDIT, said, page=page),
        "student": said["student"] if said else None,
        "samples": count,
    }
    return Row([name, _count(count), finished, listing.size(place)], "; ".join(below), facts)


def _proof(listing: Listing, name: str) -> Row:
    """Which planted copies filters found beside a set: a finished page."""
    place = f"proofs/{name}"
    said, finished = _written(listing, place, _PROOF)
    below = _parts(listing, f"{place}/{_PAGE}")
    count = len(said["table"][0]) - 2 if said else None
    facts = {**_facts(listing, place, _PROOF, said, page=_PAGE), "filters": count}
    return Row([name, _count(count), finished, listing.size(place)], "; ".join(below), facts)


def _filtered(listing: Listing, name: str) -> Row:
    """What filters dropped of a set; a private part is named, not read."""
    place = f"filtered/{name}"
    said, finished = _written(listing, place, _NUMBERS)
    below = [f"of pairs/{said['of']['pairs']}"] if said else []
    below += _parts(listing, f"{place}/{_PAGE}", private=f"{place}/private/pairs.json")
    splits = said["splits"] if said else []
    counts = {
        key: sum(each[key] for each in splits) if said else None for key in ("attempted", "masked")
    }
    facts = {
        **_facts(listing, place, _NUMBERS, said, page=_PAGE),
        "pairs": said["of"]["pairs"] if said else None,
        **counts,
    }
    cells = [name, *map(_count, counts.values()), finished, listing.size(place)]
    return Row(cells, "; ".join(below), facts)


def _report(listing: Listing, name: str) -> Row:
    place = f"reports/{name}"
    overrides = next((run.overrides for run in listing.runs if run.report == name), ())
    page = f"{place}/{_REPORT}"
    last = _REPORT if page in listing.files else _KEY
    recipe = listing.recipes.get(place, UNKNOWN)
    finished = listing.finished(f"{place}/{last}")
    finished = "none yet" if finished == UNKNOWN else finished
    where = f"{listing.home.url}/{page}" if page in listing.files else None
    below = [", ".join(map(_cut, overrides)), where or ""]
    facts = {
        **listing.facts(place, last),
        "recipe": listing.recipes.get(place),
        "overrides": list(overrides),
        "page": where,
    }
    cells = [name, recipe, finished, listing.size(place)]
    return Row(cells, "; ".join(each for each in below if each), facts)


_ROWS = {
    "studies": _study,
    "filtered": _filtered,
    "proofs": _proof,
    "audits": _audit,
    "reports": _report,
}


def _written(listing: Listing, place: str, last: str) -> tuple[_Document | None, str]:
    """The document that is written last, and when; 'damaged' or 'unfinished' if it isn't whole or there."""
    kind, name = place.split("/")
    said = listing.about(kind, name, last)
    if said is None and f"{place}/{last}" in listing.files:
        return None, "damaged"
    finished = listing.finished(f"{place}/{last}")
    return said, "unfinished" if finished == UNKNOWN else finished


def _facts(
    listing: Listing, place: str, last: str, said: _Document | None, *, page: str
) -> dict[str, Any]:
    """What --json says of all of these: also whether `last` is whole, and where the page is."""
    is_written = f"{place}/{last}" in listing.files
    has_page = f"{place}/{page}" in listing.files
    return {
        **listing.facts(place, last),
        "state": "finished" if said is not None else "damaged" if is_written else "unfinished",
        "page": f"{listing.home.url}/{place}/{page}" if has_page else None,
    }


def _parts(listing: Listing, page: str, *, private: str = "") -> list[str]:
    """That there is a private part, if its document is there, and where the page is, if it's there."""
    said = ["with a private part"] if private in listing.files else []
    return [*said, f"{listing.home.url}/{page}"] if page in listing.files else said


def _count(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}"


def _cut(change: str) -> str:
    return change if len(change) <= _LONGEST_CHANGE else f"{change[: _LONGEST_CHANGE - 1]}…"
