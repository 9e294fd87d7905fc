"""The folder of an audit of pictures: what is public, and the pairs of pictures that aren't."""

import io
import json
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows.documents.audit_files import has_private, read_audit, write_private, write_public
from kdm.privacy.audit import Audit, audited
from kdm.privacy.audit_document import public_document
from kdm.privacy.real_samples import RealSamples
from kdm.privacy.subjects import CONTROL, STUDENT
from storage.folders import folder_at


def audit_of_copies() -> Audit:
    """Of 40 samples that are training pictures, in their order from the last one on, mirrored."""
    training, heldout = np.random.RandomState(5).randint(0, 256, (2, 60, 1, 8, 8)).astype(np.uint8)
    real = RealSamples.drawn(training, heldout, count=40, seed=0)
    return audited(
        {STUDENT: training[:-41:-1, ..., ::-1]}, real, seed=0, report=lambda done, total: None
    )


def test_pairs_of_pictures_are_private_and_the_page_has_none(tmp_path: Path) -> None:
    folder, audit = folder_at(str(tmp_path / "audit")), audit_of_copies()
    document = {"student": "s", "num_heldout": 60, **public_document(audit)}
    write_public(folder, document, command="kdm privacy audit s")
    assert read_audit(folder) is not None
    assert not has_private(folder)
    private = write_private(folder, audit, {"of": {}})
    assert has_private(folder)
    assert private.names() == [f"{CONTROL}.png", "scores.json", f"{STUDENT}.png"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in private.local_path().iterdir()} == {0o600}
    scores = json.loads(private.read("scores.json"))["rows"][STUDENT]["samples"]
    assert [each["training"] for each in scores] == [*range(59, 19, -1)]
    assert all(each["is_mirrored"] and each["distance"] == 0 for each in scores)
    page = folder.read("audit.html").decode()
    assert page.count("<img") == 2  # curves and shares
    shown = Image.open(io.BytesIO(private.read(f"{STUDENT}.png")))
    tiles = np.asarray(shown)[4:68, 4:140]  # the first sample and its training picture
    assert np.array_equal(tiles[:, :64], tiles[:, 68:132])


def test_a_private_part_of_another_mode_is_made_again(tmp_path: Path) -> None:
    folder, audit = folder_at(str(tmp_path / "audit")), audit_of_copies()
    (tmp_path / "audit" / "private").mkdir(parents=True, mode=0o755)
    (tmp_path / "audit" / "private" / "old.txt").touch()
    write_private(folder, audit, {"of": {}})
    private = tmp_path / "audit" / "private"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert not (private / "old.txt").exists()
    private.chmod(0o750)  # as by a copy: it's made again
    assert not has_private(folder)


@pytest.mark.parametrize("name", ["audit.html", "audit.md", "audit.json"])
def test_an_audit_that_lacks_a_file_is_made_again(tmp_path: Path, name: str) -> None:
    folder = folder_at(str(tmp_path / "audit"))
    document = {"student": "s", "num_heldout": 60, **public_document(audit_of_copies())}
    write_public(folder, document, command="kdm privacy audit s")
    folder.remove(name)
    assert read_audit(folder) is None
