"""Writes samples as evaluation tools read pictures: a folder of PNGs, or one .npz of bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.samples import Points
from storage.errors import MismatchError
from storage.exporters.as_pictures import NPZ, PNG
from storage.exporters.claim import claim, require_claimable
from storage.exporters.images import IMAGES, LABELS, Images, put_png, write_npz
from storage.exporters.large_files import npy_head, put_spooled, spool
from storage.exporters.picture_bytes import as_images, require_pictures, rounding_of
from storage.folders import Folder, folder_at, local_file
from storage.inert.zips import members_of
from storage.records import PairSchema


def is_of_pictures(out: str) -> bool:
    """Whether `--out` names a .npz, or a folder (it ends in '/', or exists)."""
    return out.endswith((".npz", "/")) or (bool(out) and Path(out).expanduser().is_dir())


@dataclass(frozen=True)
class PictureFiles:
    """Where samples go, and how they're told apart from other samples there."""

    out: str
    schema: PairSchema
    asked: Mapping[str, Any]

    def require_free(self) -> None:
        """Raise before any work if samples aren't pictures, or something else is there."""
        require_pictures(self.schema.shape, "name a file of numbers with --out FILE.npy")
        if not self._is_file:
            require_claimable(self._folder, self._description)
        elif self._path.exists() and not self._may_be_these():
            raise MismatchError(self._taken)

    def write(self, x_0: Points, label: NDArray[np.int64] | None) -> Path:
        """Write samples [n, C, H, W]; returns where they are. Existing ones stay."""
        num_broken = int((~np.isfinite(x_0).all(axis=(1, 2, 3))).sum())
        if num_broken:
            raise ValueError(
                f"{num_broken:,} of {len(x_0):,} samples contain NaN or Inf, which a picture can't show; "
                "name a file of numbers with --out FILE.npy"
            )
        values = as_images(x_0, rounding_of(self.schema))
        images = Images(np.arange(len(values)), values, label)
        if self._is_file:
            self._write_file(images)
        else:
            claim(self._folder, self._description)
            put_png(self._folder, [images])
        return self._path

    def _write_file(self, images: Images) -> None:
        folder = folder_at(str(self._path.parent))
        folder.require_space(2 * images.values.nbytes, f"writing {self._path}")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with spool(folder) as file:
            write_npz(file, [images], num=len(images.values), shape=self.schema.shape)
            if not put_spooled(folder, self._path.name, file, may_replace=False):
                raise MismatchError(self._taken)

    def _may_be_these(self) -> bool:
        """Whether the file has these pictures' form; only their bytes tell more."""
        num_channels, height, width = self.schema.shape
        count = int(self.asked["count"])
        shape = (count, height, width, num_channels)
        wanted = {f"{IMAGES}.npy": len(npy_head(np.uint8, shape)) + prod(shape)}
        if self.schema.label is not None:
            wanted[f"{LABELS}.npy"] = len(npy_head("<i8", (count,))) + 8 * count
        try:
            with self._path.open("rb") as file:
                found = members_of(file)
        except (ValueError, OSError):
            return False
        return {name: member.num_bytes for name, member in found.items()} == wanted

    @property
    def _is_file(self) -> bool:
        return self.out.endswith(".npz")

    @property
    def _path(self) -> Path:
        return local_file(self.out, "the place of samples")

    @property
    def _folder(self) -> Folder:
        return folder_at(str(self._path))

    @property
    def _description(self) -> dict[str, Any]:
        form = {"layout": NPZ if self._is_file else PNG, "rounding": rounding_of(self.schema)}
        return {"version": 1, **form, **self.asked}

    @property
    def _taken(self) -> str:
        return f"{self._path} exists and holds something else; name another file, or remove it"
