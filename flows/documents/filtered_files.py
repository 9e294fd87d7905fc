"""What filters dropped, in files: filtered/filtered-PAIRS-DIGEST of the home.

    index.html  numbers.json        public; numbers.json comes last and says that the page is whole
    private/    index.html  pairs.json      on a disk of mode 0700, its files 0600; pairs.json comes last

The private part isn't in a set of pairs, and no export reads it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from flows.documents.dropped_pairs import DroppedByFilter, DroppedPair
from kdm.privacy.mirrored_views import is_picture
from kdm.report.dropped_page import ShownFilter, ShownPair, render_dropped, side_by_side
from kdm.report.filtered_page import Curves, render_filtered
from kdm.report.tables import number
from storage.digest import seal
from storage.folders import Folder
from storage.folders.private import holds_privately, private
from storage.sealed_files import read_sealed

PAGE, NUMBERS, PRIVATE, PAIRS = "index.html", "numbers.json", "private", "pairs.json"


def read_numbers(folder: Folder) -> dict[str, Any] | None:
    """The public document; None if there is none, or it or its page is damaged."""
    return read_sealed(folder, NUMBERS) if folder.exists(PAGE) else None


def has_private(folder: Folder) -> bool:
    """Whether the private part is whole, and still private."""
    return holds_privately(folder / PRIVATE, (PAGE, PAIRS))


def write_page(
    folder: Folder, document: Mapping[str, Any], *, curves: Curves, command: str
) -> None:
    """Write the page and its numbers."""
    folder.sweep()
    page = render_filtered(document, curves=curves, command=command)
    folder.replace(PAGE, page.encode())
    folder.replace(NUMBERS, seal(document))


def write_private(
    folder: Folder, of: Mapping[str, Any], dropped: Sequence[DroppedByFilter]
) -> None:
    """Write the pairs that filters drop, as a page and as a document.

    What is there is removed first, because its mode may have been changed.
    """
    folder.remove(PRIVATE)
    place = private(folder / PRIVATE)
    page = render_dropped(of["pairs"], [_shown(each) for each in dropped])
    place.replace(PAGE, page.encode())
    place.replace(PAIRS, seal({"of": of, "filters": [_listed(each) for each in dropped]}))


def _shown(found: DroppedByFilter) -> ShownFilter:
    count = f"{found.num_dropped:,}" if found.num_dropped else "None"
    about = f"{count} dropped at threshold {found.threshold:.6g}"
    if len(found.pairs) < found.num_dropped:
        about += f"; the {len(found.pairs):,} worst are shown"
    return ShownFilter(found.name, f"{about}.", [_words(each) for each in found.pairs])


def _words(pair: DroppedPair) -> ShownPair:
    near, picture = pair.near, b""
    if is_picture(np.shape(pair.sample)):
        picture = side_by_side([pair.sample, *([] if near is None else [near.sample])])
    words = ""
    if near is not None:
        what = "training picture" if picture else "training sample"
        name = what if near.of == "training" else f"stayed: {near.of}"
        words = f"{name} {near.row}{', mirrored' if near.is_mirrored else ''}"
    return ShownPair(
        place=f"{pair.split} {pair.index}",
        score=number(pair.score),
        reason=pair.reason,
        near=words,
        distance="" if near is None else number(near.distance),
        png=picture,
    )


def _listed(found: DroppedByFilter) -> dict[str, Any]:
    return {
        "name": found.name,
        "threshold": found.threshold,
        "num_dropped": found.num_dropped,
        "pairs": [
            {
                "split": each.split,
                "index": each.index,
                "score": each.score,
                "reason": each.reason,
                "near": None
                if each.near is None
                else {
                    "of": each.near.of,
                    "row": each.near.row,
                    "distance": each.near.distance,
                    "is_mirrored": each.near.is_mirrored,
                },
            }
            for each in found.pairs
        ],
    }
