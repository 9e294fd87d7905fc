"""Scores of held-out real pictures, kept at the home: calibrating a filter again must not take minutes.

    calibrations/SCORE-HELDOUT.json    scores of these samples by that filter on that reference

They're scores of single real pictures, so they're as private as the data: keep them where the data may be.
On a disk only their owner may read them.
"""

import base64
import binascii
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from storage.digest import seal, short, unseal
from storage.errors import StoreError
from storage.folders import Folder
from storage.folders.private import private

FOLDER = "calibrations"
_MAX_BYTES = 2**28  # of a million scores and more


def kept_scores(
    home: Folder, score: str, heldout: str, compute: Callable[[], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The scores [n] of the held-out samples of digest `heldout`, float64; computed if they aren't there.

    A file that is damaged, or of something else, is made again. A home that can't be written to keeps none.
    """
    folder, name = private(home / FOLDER), f"{short(score)}-{short(heldout)}.json"
    with suppress(StoreError, OSError):
        folder.sweep()
    found = _read(folder, name, score, heldout)
    if found is not None:
        return found
    scores = compute()
    data = base64.b64encode(scores.astype("<f8").tobytes()).decode()
    with suppress(StoreError, OSError):
        folder.replace(name, seal({"score": score, "heldout": heldout, "scores": data}))
    return scores


def _read(folder: Folder, name: str, score: str, heldout: str) -> NDArray[np.float64] | None:
    try:
        document = unseal(folder.read(name, at_most=_MAX_BYTES), name)
        if (document["score"], document["heldout"]) != (score, heldout):
            return None
        return np.frombuffer(base64.b64decode(document["scores"], validate=True), "<f8").copy()
    except (FileNotFoundError, StoreError, KeyError, TypeError, binascii.Error, ValueError):
        return None
