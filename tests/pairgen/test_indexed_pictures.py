"""`pixel-nn` with an index of faiss's: what it finds, and when it is refused."""

import sys

import numpy as np
import pytest
from random_textures import textures

from pairgen.filters import indexed_pictures
from pairgen.filters.pictures import mirrored
from pairgen.filters.pixel_nn import PixelNN
from storage.plugins import describe
from storage.records import PairBatch

INDEXED = PixelNN(index="faiss", size=8, num_neighbours=10)
NUM = 4000


def pairs(x_0: np.ndarray) -> PairBatch:
    return PairBatch(np.arange(len(x_0)), np.zeros_like(x_0), x_0)


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    return textures(NUM, 0)


@pytest.fixture
def fitted(reference: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("faiss")
    monkeypatch.setattr(indexed_pictures, "LEAST_REFERENCE", NUM)
    monkeypatch.setattr(indexed_pictures, "_CELLS_SEEN", 16)  # of 252, so that it has to choose
    return INDEXED.fit(reference)


def test_copies_are_found_as_by_the_search_over_everything(fitted, reference: np.ndarray) -> None:
    noise = np.random.default_rng(3).normal(0, 0.02, reference[:300].shape).astype(np.float32)
    copies = np.concatenate(
        [reference[:100], mirrored(reference[100:200]), (reference + 0)[:300] + noise]
    )
    exact = PixelNN(size=8, num_neighbours=10, statistic="distance").fit(reference)
    indexed = INDEXED.model_copy(update={"statistic": "distance"}).fit(reference)
    assert fitted.score(pairs(copies[:200])).tolist() == [0] * 200
    assert indexed.score(pairs(copies)) == pytest.approx(exact.score(pairs(copies)), abs=1e-5)
    assert indexed.nearest(pairs(copies)).tolist() == exact.nearest(pairs(copies)).tolist()


def test_honest_pictures_are_never_called_nearer_than_they_are(
    fitted, reference: np.ndarray
) -> None:
    honest = textures(200, 1)
    exact = PixelNN(size=8, num_neighbours=10, statistic="distance").fit(reference)
    indexed = INDEXED.model_copy(update={"statistic": "distance"}).fit(reference)
    true, found = exact.score(pairs(honest)), indexed.score(pairs(honest))
    assert (found >= true - 1e-5).all()
    assert (np.abs(found - true) < 1e-5).mean() > 0.5  # it sees a sixteenth of the reference


def test_a_score_does_not_depend_on_what_is_judged_beside_it(fitted) -> None:
    honest = textures(300, 1)
    whole = fitted.score(pairs(honest))
    apart = np.concatenate([fitted.score(pairs(honest[:7])), fitted.score(pairs(honest[7:]))])
    assert whole.tolist() == apart.tolist()
    assert INDEXED.fit(textures(NUM, 0)).score(pairs(honest)).tolist() == whole.tolist()


def test_a_picture_without_candidates_changes_no_other(
    reference: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FarPictures:  # of which no bright query finds any
        def search(self, rows: np.ndarray, num: int) -> tuple[None, np.ndarray]:
            found = np.tile(np.arange(100, 100 + num), (len(rows), 1))
            found[rows.mean(1) > 1] = -1
            return None, found

    monkeypatch.setattr(indexed_pictures, "_built", lambda _: FarPictures())
    small = np.ascontiguousarray(reference[:400])
    indexed = indexed_pictures.IndexedPictures(small)
    both, alone = small[:2] + np.float32([3, 0])[:, None, None, None], small[1:2]
    found = indexed.distances([both], 3)
    assert found[1].tolist() == indexed.distances([alone], 3)[0].tolist()
    assert found[1, 0] > 0  # it's in the reference, and not among its candidates
    exact = indexed_pictures.NearestPictures(small).distances([both[:1]], 3)
    assert found[0].tolist() == exact[0].tolist()


def test_it_is_for_a_million_pictures_and_more(reference: np.ndarray) -> None:
    pytest.importorskip("faiss")
    with pytest.raises(
        ValueError, match=r"for 1,000,000 real pictures and more, and there are 4,000"
    ):
        INDEXED.fit(reference)


def test_without_faiss_the_package_is_named(
    reference: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ValueError, match=r"pip install 'kdm-offline\[faiss\]'"):
        INDEXED.fit(reference)


def test_filters_without_it_keep_their_digests() -> None:
    assert "index" not in describe(PixelNN())
    assert describe(INDEXED)["index"] == "faiss"
