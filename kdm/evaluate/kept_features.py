"""What a network saw in a set of pictures, kept batch by batch: a pass that was killed goes on there.

HOME/features/NETWORK-MODE-DIGEST/   about.json   00000-SHA.npy   00001-SHA.npy   …

about.json says of which network and of which pictures' bytes; a .npy holds what the network gave for a
thousand of them, float32 [1,000, values], and the first digits of its sha256 stand in its name. On a disk
only rows in work are in memory. The folders may be deleted at any time.
"""

import hashlib
import io
import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.feature_rows import Features, KeptRows
from kdm.metrics.views import Sight
from storage.digest import digest_of, seal, sha256_of, short, unseal
from storage.errors import DamageError
from storage.folders import Folder

FOLDER = "features"
ABOUT = "about.json"
_BATCH = (
    1_000  # pictures: what a kill can cost; a multiple of what goes through a network at a time
)
_FILE = re.compile(r"(\d{5})-([0-9a-f]{12})\.npy")
Look = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # [n, C, H, W] to [n, values]


class Pictures(Protocol):
    """Bytes [n, C, H, W], an array or made as they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """[n, C, H, W]."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> NDArray[np.uint8]: ...


class KeptFeatures:
    """The folder of one set of pictures through one network."""

    def __init__(self, home: Folder, pictures: Pictures, *, of: str, view: dict[str, Any]) -> None:
        """`view` is all that determines what a network sees; `of` says whose pictures they are."""
        content = [list(pictures.shape), _sha256_of(pictures)]
        self._identity = {"view": view, "pictures": digest_of(content), "count": len(pictures)}
        name = f"{PurePath(view['network']).stem}-{view['mode']}-{short(digest_of(self._identity))}"
        self._folder, self._of, self._pictures = home / FOLDER / name, of, pictures

    def look(self, look: Look, *, num_features: Callable[[], int]) -> Sight:
        """What the network sees; only batches that aren't kept yet go through it."""
        self._folder.sweep()
        about = self._about() or self._began(num_features())
        known = self._whole_files()
        for number in range(self.num_batches):
            if number not in known:
                first = number * _BATCH
                found = look(self._pictures[first : first + _BATCH])
                self._require_finite(found, first)
                known[number] = self._written(number, found)
        return self._sight([known[number] for number in range(self.num_batches)], about)

    @property
    def num_batches(self) -> int:
        """Files of the whole set."""
        return -(-len(self._pictures) // _BATCH)

    def _about(self) -> dict[str, Any] | None:
        """What the folder says of itself; None if it isn't there or is damaged."""
        try:
            about = unseal(self._folder.read(ABOUT), self._folder.url)
        except (FileNotFoundError, DamageError):
            return None
        return about if about.get("identity") == self._identity else None

    def _began(self, num_features: int) -> dict[str, Any]:
        about = {"identity": self._identity, "of": self._of, "num_features": num_features}
        self._folder.replace(ABOUT, seal(about))
        return about

    def _whole_files(self) -> dict[int, str]:
        """Names of batches whose bytes are those that were written; others are removed."""
        found = {}
        for name in self._folder.names():
            match = _FILE.fullmatch(name)
            if match is None:
                continue
            if short(sha256_of(self._folder.read(name))) == match[2]:
                found[int(match[1])] = name
            else:
                self._folder.remove(name)
        return found

    def _written(self, number: int, found: NDArray[np.float32]) -> str:
        file = io.BytesIO()
        np.save(file, found)
        data = file.getvalue()
        name = f"{number:05d}-{short(sha256_of(data))}.npy"
        self._folder.replace(name, data)
        return name

    def _require_finite(self, found: NDArray[np.float32], first: int) -> None:
        broken = np.flatnonzero(~np.isfinite(found).all(axis=1))
        if len(broken):
            view = self._identity["view"]
            assert isinstance(view, dict)
            raise ValueError(
                f"{view['network']} (mode {view['mode']}) gives NaN or Inf for picture "
                f"{first + int(broken[0]):,} of {self._of}; its weights overflow or are damaged: "
                "get the file again, or leave its metrics out of evaluation.metrics"
            )

    def _sight(self, names: list[str], about: dict[str, Any]) -> Sight:
        count, num_features = len(self._pictures), about["num_features"]
        if self._folder.is_local:
            paths = [self._folder.local_path(name) for name in names]
            num_values = np.load(paths[0], mmap_mode="r").shape[1]
            rows: Features = KeptRows(paths, count, slice(0, num_features))
            rest: Features = KeptRows(paths, count, slice(num_features, num_values))
        else:
            parts = [np.load(io.BytesIO(each)) for each in self._folder.read_many(names)]
            whole = np.concatenate(parts)
            rows, rest = whole[:, :num_features], whole[:, num_features:]
        return Sight(rows, rest if rest.shape[1] else None)


def _sha256_of(pictures: Pictures) -> str:
    """Of all their bytes."""
    total = hashlib.sha256()
    for first in range(0, len(pictures), _BATCH):
        total.update(np.ascontiguousarray(pictures[first : first + _BATCH]).data.cast("B"))
    return total.hexdigest()
