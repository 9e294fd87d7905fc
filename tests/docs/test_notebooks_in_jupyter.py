"""The notebooks run in a Jupyter kernel, shortened, and show their pictures."""

from pathlib import Path

import pytest
from notebooks import NOTEBOOKS, shortened

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_in_a_kernel_and_shows_its_pictures(notebook: Path, tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    document = nbformat.reads(shortened(notebook.read_text(encoding="utf-8")), as_version=4)
    nbformat.validate(document)
    resources = {"metadata": {"path": str(tmp_path)}}
    done = NotebookClient(document, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
    assert [each.text for each in outputs if each.get("name") == "stderr"] == []
