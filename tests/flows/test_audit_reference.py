"""The real samples of an audit: whose they may be, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from flows.config.load import load_recipe
from flows.config.recipe import Recipe
from flows.documents.audit_reference import audit_reference
from kdm.privacy.real_samples import RealSamples

SHAPE = (3, 8, 8)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A file of 80 pictures."""
    file = tmp_path / "real.npy"
    np.save(file, np.random.RandomState(0).randint(0, 256, (80, *SHAPE)).astype(np.uint8))
    return file


def of_pictures(source: Path, num_heldout: int = 40) -> Recipe:
    known = load_recipe("cifar10-small", overrides=(f"dataset.source={source}",))
    assert known.dataset is not None
    update = {"num_heldout": num_heldout, "shape": SHAPE}
    return known.model_copy(update={"dataset": known.dataset.model_copy(update=update)})


def test_pictures_elsewhere_are_divided_as_the_recipe_says(pictures: Path) -> None:
    found = audit_reference(of_pictures(Path("nowhere")), str(pictures), SHAPE)
    assert (len(found.train()), len(found.heldout())) == (40, 40)


def test_a_recipe_without_held_out_samples_is_refused(pictures: Path) -> None:
    with pytest.raises(ValueError, match="no held-out real samples"):
        audit_reference(of_pictures(pictures, num_heldout=0), str(pictures), SHAPE)
    with pytest.raises(ValueError, match="names no data set"):
        audit_reference(load_recipe("tiny").model_copy(update={"dataset": None}), "", SHAPE)


def test_a_place_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--reference .*nowhere: there is no such file"):
        audit_reference(load_recipe("tiny"), str(tmp_path / "nowhere"), SHAPE)


def test_samples_of_another_shape_are_refused(pictures: Path) -> None:
    with pytest.raises(ValueError, match=r"have the shape \[3, 8, 8\], the pairs' \[1, 8, 8\]"):
        audit_reference(of_pictures(pictures), "", (1, 8, 8))
    with pytest.raises(ValueError, match=r"real.npy: its pictures are \[80, 3, 8, 8\]"):
        audit_reference(of_pictures(pictures), str(pictures), (1, 8, 8)).digest()


def test_a_reference_without_samples_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "none.npy", np.empty((0, *SHAPE), np.uint8))
    found = audit_reference(of_pictures(Path("nowhere")), str(tmp_path / "none.npy"), SHAPE)
    with pytest.raises(ValueError, match="hold"):
        found.digest()
    with pytest.raises(ValueError, match="training set holds no sample"):
        RealSamples.drawn(np.empty((0, 2)), np.zeros((40, 2)), count=20, seed=0)
    with pytest.raises(ValueError, match="at least 20 and 40"):
        RealSamples.drawn(np.zeros((30, 2)), np.zeros((39, 2)), count=20, seed=0)
