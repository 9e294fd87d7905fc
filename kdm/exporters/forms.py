"""The forms of exported students that are one file, by the names that `kdm export --to` takes."""

from importlib.util import find_spec

from kdm.exporters.form import Form
from kdm.exporters.onnx_file import onnx_bytes, open_onnx
from kdm.exporters.pt2_file import open_pt2, pt2_bytes

FORMS = {
    "onnx": Form(".onnx", ("onnx", "onnxscript", "onnxruntime"), onnx_bytes, open_onnx),
    "torch-export": Form(".pt2", (), pt2_bytes, open_pt2),
}
FOLDER = "diffusers"  # a folder of files, in place of one (diffusers_folder.py)


def form_named(name: str) -> Form:
    """The form of this name; a ValueError for an unknown one, and for one whose packages are missing."""
    if name not in FORMS:
        raise ValueError(f"--to {name[:40]}: choose {', '.join(FORMS)} or {FOLDER}")
    form = FORMS[name]
    missing = [each for each in form.needs if find_spec(each) is None]
    if missing:
        raise ValueError(
            f"--to {name} needs {' and '.join(missing)}; install it with pip install 'kdm-offline[onnx]'"
        )
    return form
