"""An audit's folder, audits/audit-STUDENT-DIGEST: what may be shown, and apart from it what is private.

    audit.html  audit.md  audit.json    public; audit.json comes last and says that the others are whole
    private/    scores.json  ROW.png    on a disk of mode 0700, its files 0600

The private part isn't in a set of pairs, and no export reads it.
"""

from collections.abc import Mapping
from typing import Any

from kdm.privacy.audit import Audit
from kdm.privacy.audit_document import private_document
from kdm.privacy.collage import nearest_pairs
from kdm.privacy.mirrored_views import is_picture
from kdm.report.audit_page import markdown_audit, render_audit
from storage.digest import seal
from storage.folders import Folder
from storage.folders.private import holds_privately, private
from storage.sealed_files import read_sealed

NUMBERS, PRIVATE, SCORES = "audit.json", "private", "scores.json"
PAGE, TEXT = "audit.html", "audit.md"


def read_audit(folder: Folder) -> dict[str, Any] | None:
    """The public document; None if there is none, or it is damaged or its page or text is gone."""
    return read_sealed(folder, NUMBERS) if all(map(folder.exists, (PAGE, TEXT))) else None


def has_private(folder: Folder) -> bool:
    """Whether the private part is whole, as its scores are written last, and still private."""
    return holds_privately(folder / PRIVATE, (SCORES,))


def write_public(folder: Folder, document: Mapping[str, Any], *, command: str) -> None:
    """Write the page, its text and its numbers."""
    folder.sweep()
    folder.replace(PAGE, render_audit(document, command=command).encode())
    folder.replace(TEXT, markdown_audit(document, command=command).encode())
    folder.replace(NUMBERS, seal(document))


def write_private(folder: Folder, audit: Audit, of: Mapping[str, Any]) -> Folder:
    """Write scores, and of pictures the nearest pairs; returns the private folder.

    What is there is removed first, because its mode may have been changed.
    """
    folder.remove(PRIVATE)
    place = private(folder / PRIVATE)
    if is_picture(audit.real.training.shape[1:]):
        for name, row in audit.rows.items():
            picture = nearest_pairs(row.samples, audit.real.training, row.neighbours)
            place.replace(f"{name}.png", picture)
    place.replace(SCORES, seal({**of, **private_document(audit)}))
    return place
