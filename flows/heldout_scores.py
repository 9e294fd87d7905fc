"""Scores of held-out real pictures, kept at the home: calibrating a filter again must not take minutes.

    calibrations/SCORE-HELDOUT.json    scores of these samples by that filter on that reference

They're scores of single real samples, so they're as private as the data: keep them where the data may be.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from storage.digest import seal, short, unseal
from storage.errors import StoreError
from storage.folders import Folder
from storage.masks import MAX_BYTES, packed_numbers, unpacked_numbers

FOLDER = "calibrations"


def kept_scores(
    home: Folder, score: str, heldout: str, compute: Callable[[], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The scores [n] of the held-out samples of digest `heldout`, float64; computed if they aren't there.

    A file that is damaged, or of something else, is made again.
    """
    folder, name = home / FOLDER, f"{short(score)}-{short(heldout)}.json"
    try:
        document = unseal(folder.read(name, at_most=MAX_BYTES), name)
        if (document.get("score"), document.get("heldout")) == (score, heldout):
            return unpacked_numbers(document["scores"], name)
    except (FileNotFoundError, StoreError, KeyError):
        pass
    scores = compute()
    document = {"score": score, "heldout": heldout, "scores": packed_numbers(scores)}
    folder.require_writable("a calibration")
    folder.replace(name, seal(document))
    return scores
