"""What a user sees of a filtered set: a page that may be shown, and if asked for a private one.

They're kept at the home as filtered/filtered-PAIRS-DIGEST, by all that they depend on, and made once. The
public one shows the curves of planted copies if `kdm privacy test` has drawn some for the same filters.
"""

import base64
from dataclasses import dataclass
from typing import Any

from flows.config.filter_rules import are_pictures
from flows.documents.dropped_pairs import dropped_pairs
from flows.documents.filtered_files import has_private, read_numbers, write_page, write_private
from flows.documents.filtered_numbers import filtered_identity, filtered_numbers
from flows.home import bare
from flows.planted_trial import proof_of
from flows.stage import Run, StageResult
from kdm.report.filtered_page import Curves
from storage.digest import digest_of, short
from storage.folders import Folder

FOLDER = "filtered"
STAGE = "filter-pairs"
_CURVES = {  # drawings of a trial, with words for who can't see them
    "roc.svg": "ROC curves of planted copies, a line a filter",
    "recall.svg": "The share of planted copies that is found, by transform",
}


@dataclass(frozen=True)
class Commands:
    """How a page says that it, and the curves of planted copies, are made."""

    filter_pairs: str
    privacy_test: str


def public_page(run: Run, judged: StageResult, commands: Commands) -> tuple[Folder, dict[str, Any]]:
    """The folder with the page, and its numbers; made unless it is there as it would be made now."""
    of = filtered_identity(run, judged)
    folder = run.home / FOLDER / f"filtered-{bare(judged.name)}-{short(digest_of(of))}"
    has_pictures = _can_be_tried(run)
    proof = proof_of(run) if has_pictures else None
    shown = "" if proof is None else proof.name
    document = read_numbers(folder)
    if document is not None and (document["of"], document["proof"]) == (of, shown):
        return folder, document
    folder.require_writable("a page")
    numbers = {"of": of, "proof": shown, **filtered_numbers(run, judged)}
    curves = Curves(command=commands.privacy_test if has_pictures else "")
    if proof is not None:
        curves = _curves_of(proof)
    write_page(folder, numbers, curves=curves, command=commands.filter_pairs)
    return folder, numbers


def private_page(run: Run, judged: StageResult, folder: Folder) -> None:
    """Write the private part beside a public page, unless it is there."""
    if has_private(folder):
        return
    folder.require_writable("a private page")
    meter = run.meter(STAGE, "private page", len(run.recipe.filters), "filters")
    dropped = []
    for done, found in enumerate(dropped_pairs(run, judged)):
        meter.at(done, found.name)
        dropped.append(found)
    meter.at(len(dropped))
    write_private(folder, filtered_identity(run, judged), dropped)


def _can_be_tried(run: Run) -> bool:
    """Whether copies can be planted: there are real pictures, and a filter finds copies."""
    filters = run.recipe.filters
    return (
        run.recipe.dataset is not None
        and are_pictures(run.recipe.shape)
        and any(each.filter.finds_copies for each in filters)
    )


def _curves_of(proof: Folder) -> Curves:
    pictures = [
        (f"data:image/svg+xml;base64,{base64.b64encode(proof.read(name)).decode()}", words)
        for name, words in _CURVES.items()
        if proof.exists(name)
    ]
    return Curves(pictures, f"../../proofs/{proof.name}/index.html")
