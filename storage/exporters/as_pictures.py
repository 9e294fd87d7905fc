"""x_0 alone, as the pictures that evaluation tools read: a folder of PNGs, or one .npz of bytes.

    png   000000017.png …, named by index; classes as EDM keeps them: dataset.json, written last
    npz   arr_0 uint8 [n, H, W, C], arr_1 int64 [n] if there are classes (guided-diffusion's names)

Values in -1 … 1 become bytes by the set's rule of rounding, or by half-even if it doesn't have one.
"""

from collections.abc import Iterator

from storage.exporters.export import Chosen, Report, begin
from storage.exporters.images import Images, put_png, write_npz
from storage.exporters.large_files import put_spooled, spool
from storage.exporters.picture_bytes import as_images, require_pictures, rounding_of
from storage.folders import Folder
from storage.store import PairStore

PNG, NPZ = "png", "npz"


def export_png(chosen: Chosen, folder: Folder, *, report: Report | None = None) -> int:
    """Write x_0 of the chosen pairs, a file each; the number of files.

    What is there already stays, so a stopped export goes on.
    """
    store = _store_of_pictures(chosen)
    begin(folder, chosen, {"layout": PNG, "rounding": rounding_of(store.schema)})
    return put_png(folder, _images(chosen, report))


def export_npz(chosen: Chosen, folder: Folder, *, report: Report | None = None) -> int:
    """The same pictures in one file, SPLIT.npz; their number."""
    store = _store_of_pictures(chosen)
    if folder.name.endswith(".npz"):
        raise ValueError(
            f"{folder.url} is to be a folder: the file in it is called {store.split}.npz; leave '.npz' "
            "out"
        )
    begin(folder, chosen, {"layout": NPZ, "rounding": rounding_of(store.schema)})
    num = chosen.num_pairs()
    folder.require_space(2 * num * store.schema.num_values, f"writing {num:,} pictures")
    with spool(folder) as file:
        write_npz(file, _images(chosen, report), num=num, shape=store.schema.shape)
        put_spooled(folder, f"{store.split}.npz", file)
    return num


def _store_of_pictures(chosen: Chosen) -> PairStore:
    shape = chosen.store.schema.shape
    require_pictures(shape, "export numbers with --to per-sample or --to kdm-npz")
    return chosen.store


def _images(chosen: Chosen, report: Report | None) -> Iterator[Images]:
    rounding = rounding_of(chosen.store.schema)
    for columns in chosen.columns(report):
        yield Images(columns["index"], as_images(columns["x_0"], rounding), columns.get("label"))
