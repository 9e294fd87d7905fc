"""A set in a file is the array bit for bit."""

import errno
import tempfile

import numpy as np
import pytest
from test_evaluate import OPTIONS, student, teacher

from kdm.evaluate.evaluate import evaluate_student
from kdm.metrics import sample_sets
from kdm.metrics.sample_sets import FiledRows, SampleSet, gathered
from storage.digest import seal, sha256_of
from storage.errors import StoreError

STORED = [
    np.random.RandomState(0).randint(0, 256, (40, 3, 4, 4)).astype(np.uint8),
    np.random.RandomState(1).standard_normal((40, 5)).astype(np.float32),
    np.random.RandomState(2).standard_normal((40, 2)).astype(np.float16),
]


@pytest.fixture
def _in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny sets are kept as large ones are."""
    monkeypatch.setattr(sample_sets, "IN_MEMORY", 0)
    monkeypatch.setattr(sample_sets, "_BATCH", 100)


in_files = pytest.mark.usefixtures("_in_files")


@in_files
@pytest.mark.parametrize("whole", STORED, ids=["bytes", "float32", "float16"])
def test_rows_of_a_file_are_those_of_the_array(whole: np.ndarray):
    filed = gathered(np.array_split(whole, [1, 1, 17]))
    assert isinstance(filed, FiledRows)
    rows = np.array([7, 8, 9, 3, 3, 39, 0])
    for chosen in (None, rows):
        here, there = SampleSet(whole, chosen), SampleSet(filed, chosen)
        assert np.array_equal(here.array(), there.array())
        assert np.array_equal(here[np.array([2, 0])], there[np.array([2, 0])])
        assert len(there[slice(3, 3)]) == 0
        assert here.content == there.content
        assert np.array_equal(np.concatenate([each for _, each in there.batches()]), here.array())


def test_a_sets_content_is_the_digest_of_the_array():
    whole = STORED[1]
    assert SampleSet(whole).content == ["<f4", (40, 5), sha256_of(whole.tobytes())]


@in_files
def test_samples_with_nan_are_counted_across_batches():
    broken = STORED[1].copy()
    broken[[0, 20, 39], 2] = np.nan, np.inf, np.nan
    assert SampleSet(gathered([broken])).num_broken == 3


def test_numbers_do_not_depend_on_where_samples_lie(monkeypatch: pytest.MonkeyPatch):
    wanted = seal(evaluate_student(student(), teacher(), options=OPTIONS))
    monkeypatch.setattr(sample_sets, "IN_MEMORY", 0)
    monkeypatch.setattr(sample_sets, "_BATCH", 1_000)
    assert seal(evaluate_student(student(), teacher(), options=OPTIONS)) == wanted


@in_files
def test_a_full_disk_is_named_with_a_way_out(monkeypatch: pytest.MonkeyPatch):
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(StoreError, match=r"is full; .* set TMPDIR to a folder on a larger disk"):
        gathered(STORED[:1])
