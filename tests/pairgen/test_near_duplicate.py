"""near-duplicate: perceptual hashes, candidates by bands, and the distance to what came before."""

import numpy as np
import pytest
from scipy.fft import dctn, idctn

from pairgen.filters import hash_candidates, near_duplicate, pixel_distances
from pairgen.filters.hash_candidates import near_hashes
from pairgen.filters.near_duplicate import LARGEST, NearDuplicate
from pairgen.filters.perceptual_hash import perceptual_hashes
from storage.records import PairBatch


def pictures(count: int, shape: tuple[int, ...] = (3, 32, 32)) -> np.ndarray:
    """Frequencies fall as photographs' do, by 1 / f."""
    drawn = np.random.RandomState(0).standard_normal((count, *shape))
    frequency = np.add.outer(np.arange(shape[1]), np.arange(shape[2]))
    waves = idctn(drawn / (1 + frequency), axes=(2, 3), norm="ortho")
    return (0.9 * waves / np.abs(waves).max(axis=(1, 2, 3), keepdims=True)).astype(np.float32)


def noisy(x_0: np.ndarray, size: float) -> np.ndarray:
    drawn = np.random.RandomState(1).standard_normal(x_0.shape)
    return (x_0 + size * drawn).astype(np.float32)


def scores(x_0: np.ndarray, distance: int = 4) -> np.ndarray:
    given = PairBatch(np.arange(len(x_0)), np.zeros_like(x_0), x_0)
    return NearDuplicate(distance=distance).fit(np.empty(0)).score(given)


def bits(hashes: np.ndarray) -> np.ndarray:
    return np.unpackbits(hashes.view(np.uint8)).reshape(len(hashes), 64)


def test_a_hash_is_that_of_the_lowest_frequencies_against_their_median():
    x_0 = noisy(pictures(5), 0.1)
    luminance = np.tensordot([0.299, 0.587, 0.114], x_0.astype(np.float64), (0, 1))
    low = dctn(luminance, type=2, axes=(1, 2))[:, :8, :8].reshape(5, 64)
    assert (bits(perceptual_hashes(x_0)[0]) == (low > np.median(low, 1, keepdims=True))).all()


@pytest.mark.parametrize("side", [8, 16, 64, 96])
def test_pictures_of_other_sizes_are_hashed_by_their_means(side):
    small = noisy(pictures(4, (1, 8, 8)), 0.1)
    large = np.kron(small, np.ones((side // 8, side // 8), np.float32))
    assert (perceptual_hashes(large)[0] == perceptual_hashes(small)[0]).all()


def test_the_second_hash_is_the_mirror_images():
    x_0 = noisy(pictures(20), 0.1)
    assert (perceptual_hashes(x_0)[1] == perceptual_hashes(x_0[..., ::-1])[0]).all()


@pytest.mark.parametrize("distance", [0, 1, 4, 7])
def test_bands_find_the_pairs_that_comparing_all_finds(distance, monkeypatch):
    monkeypatch.setattr(hash_candidates, "_CHUNK", 300)
    draws = np.random.RandomState(0)
    base = draws.randint(0, 2, (10, 64), np.uint8)
    rates = draws.choice([0, 0.02, 0.05], (200, 1))
    near = base[draws.randint(0, 10, 200)] ^ (draws.uniform(size=(200, 64)) < rates)
    queries, hashes = (np.packbits(near ^ flip, axis=1).view(np.uint64)[:, 0] for flip in (0, 1))
    hashes = np.where(np.arange(200) % 2, ~hashes, hashes)
    apart = np.bitwise_count(queries[:, None] ^ hashes)
    wanted = {(i, j) for i, j in zip(*np.nonzero(apart <= distance), strict=True) if j < i}
    found = [np.stack(each, 1) for each in near_hashes(queries, hashes, distance=distance)]
    pairs = list(map(tuple, np.concatenate(found).tolist()))
    assert len(wanted) > 10
    assert sorted(pairs) == sorted(wanted)


def test_the_score_is_the_distance_to_the_nearest_candidate_before():
    x_0 = noisy(np.repeat(pictures(6, (1, 16, 16)), 5, axis=0), 0.08)
    own, mirrored = (bits(each) for each in perceptual_hashes(x_0))
    wanted = np.full(30, LARGEST)
    for i in range(30):
        for j in range(i):
            if min((own[i] != own[j]).sum(), (mirrored[i] != own[j]).sum()) <= 6:
                views = x_0[i].astype(np.float64), x_0[i, ..., ::-1].astype(np.float64)
                apart = min(np.sqrt(((view - x_0[j]) ** 2).mean()) for view in views)
                wanted[i] = min(wanted[i], apart)
    assert 5 < (wanted < LARGEST).sum() < 25
    assert np.allclose(scores(x_0, distance=6), wanted, rtol=1e-12)


def test_of_copies_the_one_with_the_lowest_index_stays():
    base = pictures(60)
    x_0 = np.concatenate([base, base, base[..., ::-1], noisy(base, 0.02), noisy(base, 0.04)])
    chosen = NearDuplicate()
    keep, reason = chosen.decide(scores(x_0), threshold=chosen.largest)
    assert keep[:60].all()
    assert np.count_nonzero(keep[60:]) <= 1
    assert set(reason[60:]) - {""} == {"near-duplicate"}
    assert (scores(x_0)[60:120] == 0).all()


def test_flat_pictures_are_told_apart_by_their_pixels():
    levels = np.array([0.5, -0.5, 0.501, -0.5], np.float32)
    found = scores(np.ones((4, 3, 32, 32), np.float32) * levels[:, None, None, None])
    assert found == pytest.approx([LARGEST, 1.0, 0.001, 0.0], abs=1e-6)


def test_little_memory_changes_no_score(monkeypatch):
    base = pictures(8, (1, 16, 16))
    x_0 = noisy(np.concatenate([base] * 6), 0.05)
    wanted = scores(x_0)
    monkeypatch.setattr(near_duplicate, "_MAX_CANDIDATES", 20)
    monkeypatch.setattr(hash_candidates, "_CHUNK", 16)
    monkeypatch.setattr(pixel_distances, "_BYTES", 3 * 4 * 256)
    monkeypatch.setattr(pixel_distances, "_AT_A_TIME", 3 * 256)
    assert (wanted < 0.15).sum() > 20
    assert np.array_equal(scores(x_0), wanted)


def test_no_threshold_is_calibrated_above_the_largest():
    chosen = NearDuplicate()
    assert chosen.calibrate(np.full(100, LARGEST), 0.01) == chosen.largest
    assert chosen.calibrate(np.linspace(0.02, 1, 50), 0.05) == pytest.approx(0.06)


def test_a_set_without_pairs_has_no_scores():
    assert scores(pictures(0)).shape == (0,)
