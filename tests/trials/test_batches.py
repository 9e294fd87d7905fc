"""A thousand pairs of a SongUNet's field: in whatever batches, threads and workers, the same."""

import numpy as np
import pytest
from small_unet import made_by, require_equal_but_for_rounding

pytestmark = pytest.mark.trials
COUNT = 1000


@pytest.fixture(scope="module")
def pairs() -> np.ndarray:
    return made_by(count=COUNT, sampling_batch=64)


@pytest.mark.parametrize("sampling_batch", [1, 7, 64])
@pytest.mark.parametrize(("num_threads", "num_workers"), [(1, 1), (2, 1), (1, 2)])
def test_a_thousand_pairs_differ_by_round_off_alone(
    pairs: np.ndarray, sampling_batch: int, num_threads: int, num_workers: int
) -> None:
    others = made_by(
        count=COUNT,
        sampling_batch=sampling_batch,
        num_threads=num_threads,
        num_workers=num_workers,
    )
    require_equal_but_for_rounding(others, pairs)
