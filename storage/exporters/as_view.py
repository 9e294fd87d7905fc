"""A shard as the viewer of the Hugging Face Hub shows it: a tar with one record a pair, pictures as PNGs.

Members `NNNNNNNNN.x_0.png` (of pictures) or `.x_0.npy`, `.cls` (the class, if any) and `.x_T.npy` (noise,
if the set stores it), where N is the index. The Hub reads such tars as WebDataset, and so does `datasets`:
`.png` is a picture there, `.cls` a number. x_0 that isn't bytes is in `.x_0.npy` too, as it is stored.
"""

import io
import tarfile

from storage.exporters.as_per_sample import add_array, add_member
from storage.exporters.images import png_bytes
from storage.exporters.picture_bytes import as_images, is_picture, rounding_of
from storage.records import Columns, PairSchema


def view_tar(columns: Columns, schema: PairSchema) -> bytes:
    """The bytes of the tar for the columns of a shard; equal columns give equal bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for row in range(len(columns["index"])):
            _add_row(tar, columns, row, schema)
    return buffer.getvalue()


def _add_row(tar: tarfile.TarFile, columns: Columns, row: int, schema: PairSchema) -> None:
    key, x_0 = f"{int(columns['index'][row]):09d}", columns["x_0"][row]
    has_picture = is_picture(schema.shape)
    if "label" in columns:
        add_member(tar, f"{key}.cls", str(int(columns["label"][row])).encode())
    if not has_picture or schema.x_0_dtype != "uint8":
        add_array(tar, f"{key}.x_0.npy", x_0)
    if has_picture:
        add_member(tar, f"{key}.x_0.png", png_bytes(as_images(x_0, rounding_of(schema))))
    if "x_T" in columns:
        add_array(tar, f"{key}.x_T.npy", columns["x_T"][row])
