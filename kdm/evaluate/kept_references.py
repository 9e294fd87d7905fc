"""Statistics of real pictures, computed once: the mean and the covariance of what a network sees in them.

HOME/references/NAME-DIGEST/   about.json   statistics.npz   with `mu` and `sigma`, as EDM's and clean-fid's

A Fréchet metric takes them by name (`reference: NAME-DIGEST`), where neither the pictures nor a pass over
them are needed again. The digest covers network, mode and pictures.
"""

import io
from contextlib import suppress
from typing import Any

import numpy as np

from kdm.datasets import DataSet
from kdm.datasets.pictures import Split
from kdm.metrics.frechet import Moments, moments_of
from kdm.metrics.network_metric import require_real_count
from kdm.metrics.protocol import Reference
from kdm.metrics.views import RealView, View
from storage.did_you_mean import nearest
from storage.digest import digest_of, seal, sha256_of, short, unseal
from storage.errors import DamageError
from storage.folders import Folder

FOLDER = "references"
ABOUT, STATISTICS = "about.json", "statistics.npz"


def view_identity(view: View, sha256: str) -> dict[str, Any]:
    """All that determines what a network sees in a picture."""
    given = None if view.given is None else view.given._asdict()
    return {"network": view.network, "sha256": sha256, "mode": view.mode, "given": given}


def identity(view: dict[str, Any], dataset: DataSet, split: Split) -> dict[str, Any]:
    """All that determines statistics."""
    return {"view": view, "dataset": dataset.digest(), "split": split}


def reference_name(name: str, identity: dict[str, Any]) -> str:
    """NAME-DIGEST below references/."""
    return f"{name}-{short(digest_of(identity))}"


def keep_reference(home: Folder, thing: str, real: RealView, about: dict[str, Any]) -> None:
    """Write the statistics of features, the record last; a ValueError if the pictures are too few."""
    assert real.features is not None
    require_real_count(len(real.features), real.features.shape[1])
    moments, file = moments_of(real.features), io.BytesIO()
    np.savez(file, mu=moments.mean, sigma=moments.covariance)
    data, folder = file.getvalue(), home / FOLDER / thing
    folder.replace(STATISTICS, data)
    said = {"of": real.of.model_dump(mode="json"), "num_features": len(moments.mean)}
    folder.replace(ABOUT, seal(about | said | {"sha256": sha256_of(data)}))


def is_kept(home: Folder, thing: str) -> bool:
    """Whether a whole one is there."""
    return (home / FOLDER / thing).exists(ABOUT)


def read_reference(
    home: Folder, thing: str, view: dict[str, Any], shape: tuple[int, ...] | None = None
) -> RealView:
    """The statistics of a name, of this view and of pictures of this shape, if it's given.

    Raises a ValueError if the home has none, or they are of another view or shape; `DamageError`
    if they aren't as they were written.
    """
    folder = home / FOLDER / thing
    try:
        about = unseal(folder.read(ABOUT), f"{folder.url}/{ABOUT}")
        data = folder.read(STATISTICS)
    except FileNotFoundError:
        known = (home / FOLDER).names()
        raise ValueError(
            f"{(home / FOLDER).url} has no statistics '{thing}'; {nearest(thing, known)}; `kdm evaluate "
            "reference` computes some"
        ) from None
    _require_alike(about, view, folder.url)
    if shape is not None and tuple(about["shape"]) != shape:
        raise ValueError(
            f"{folder.url} is about pictures of {about['shape']}, and samples have {list(shape)}; "
            "compute statistics of pictures of that size"
        )
    if sha256_of(data) != about["sha256"]:
        raise ValueError(
            f"{folder.url}/{STATISTICS} isn't as it was written; remove {folder.url} and compute it again"
        )
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        moments = Moments(arrays["mu"], arrays["sigma"])
    return RealView(Reference(**about["of"]), None, moments)


def reference_of(home: Folder, sha256: str, view: dict[str, Any]) -> Reference | None:
    """The pictures behind a file with these bytes, if the home's own statistics have them."""
    folder = home / FOLDER
    for name in folder.names():
        with suppress(FileNotFoundError, DamageError):
            about = unseal(folder.read(f"{name}/{ABOUT}"), f"{folder.url}/{name}/{ABOUT}")
            if about["sha256"] == sha256 and about["identity"]["view"] == view:
                return Reference(**about["of"])
    return None


def _require_alike(about: dict[str, Any], view: dict[str, Any], where: str) -> None:
    own = about["identity"]["view"]
    unlike = [
        f"{key} {own[key]!s:.60} (not {view[key]!s:.60})" for key in view if own[key] != view[key]
    ]
    if unlike:
        raise ValueError(
            f"{where} was computed with {', '.join(unlike)}; give the metric the same, or compute "
            "statistics for it with `kdm evaluate reference --metric`"
        )
