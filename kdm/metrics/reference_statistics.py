"""Published moments of real pictures' features: EDM's `fid-refs` and clean-fid's statistics files.

Both are .npz files with `mu` [d] and `sigma` [d, d]. They are read as numbers only (no pickle).
"""

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdm.metrics.frechet import Moments
from storage.inert.stand_ins import require_named_itself

_ASYMMETRY = 1e-6  # of the largest entry: clean-fid's are float64, EDM's too


def read_moments(path: Path, *, num_features: int | None = None) -> Moments:
    """The moments in a file; `num_features` is the dimension that they must have, if it's known.

    Raises a ValueError that names the file and what to do if it isn't one, or holds other numbers.
    """
    arrays = _arrays(path)
    missing = [name for name in ("mu", "sigma") if name not in arrays]
    if missing:
        raise ValueError(
            f"{path} has {', '.join(sorted(arrays)[:8]) or 'nothing'}, not {' and '.join(missing)}; "
            "give a file of EDM's fid-refs or clean-fid's statistics for FID (not for KID, whose "
            "name ends in _kid.npz)"
        )
    kinds = {name: arrays[name].dtype for name in ("mu", "sigma")}
    if any(kind.kind not in "fiu" for kind in kinds.values()):
        words = " and ".join(f"{name} of {kind}" for name, kind in kinds.items())
        raise ValueError(f"{path} has {words}, not numbers; download or compute it again")
    mean, covariance = (arrays[name].astype(np.float64) for name in ("mu", "sigma"))
    mean = mean.reshape(-1) if mean.ndim == 2 and len(mean) == 1 else mean
    _require_shapes(path, mean, covariance, num_features)
    _require_covariance(path, mean, covariance)
    return Moments(mean, covariance)


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays of an .npz file that hold numbers, by name."""
    if not path.is_file():
        raise ValueError(f"{path} doesn't exist; put the file of statistics there")
    with path.open("rb") as file:
        require_named_itself(file.read(512), str(path))
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files if name in ("mu", "sigma")} or {
                name: np.empty(0) for name in archive.files
            }
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, AttributeError) as error:
        raise ValueError(
            f"{path} isn't an .npz file of numbers, or is cut off ({error}); download it again"
        ) from error


def _require_shapes(
    path: Path,
    mean: NDArray[np.float64],
    covariance: NDArray[np.float64],
    num_features: int | None,
) -> None:
    dimension = mean.size
    if mean.ndim != 1 or covariance.shape != (dimension, dimension):
        raise ValueError(
            f"{path} has mu of shape {list(mean.shape)} and sigma of {list(covariance.shape)}; they "
            "must be [d] and [d, d]: give another file"
        )
    if num_features not in (None, dimension):
        raise ValueError(
            f"{path} is about {dimension:,} features, and the network has {num_features:,}; give the "
            "statistics of this network, or the network that they were made with"
        )


def _require_covariance(
    path: Path, mean: NDArray[np.float64], covariance: NDArray[np.float64]
) -> None:
    num_broken = int((~np.isfinite(mean)).sum() + (~np.isfinite(covariance)).sum())
    if num_broken:
        raise ValueError(f"{path} holds {num_broken:,} NaN or Inf; download or compute it again")
    asymmetry = float(np.abs(covariance - covariance.T).max(initial=0))
    if asymmetry > _ASYMMETRY * float(np.abs(covariance).max(initial=0)):
        raise ValueError(
            f"sigma in {path} isn't a covariance: it differs by {asymmetry:.3g} from its transpose; "
            "download or compute it again"
        )
