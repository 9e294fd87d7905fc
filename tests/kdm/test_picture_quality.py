"""How good pictures are: laws of the classifier, of the distances and of their intervals."""

import numpy as np
import pytest
import torch

from kdm.datasets.arrays import ArraysData
from kdm.datasets.checkerboard import CheckerboardData
from kdm.datasets.digits import DigitsData
from kdm.evaluate.classifier import Classifier
from kdm.evaluate.classifier_training import ClassifierOptions, accuracy, trained_classifier
from kdm.evaluate.nearest import nearest_distances
from kdm.evaluate.picture_quality import PictureQuality, picture_quality
from kdm.metrics.bootstrap import bootstrap
from kdm.metrics.frechet import frechet_distance
from kdm.torchvision_import import import_torchvision
from storage.errors import DamageError
from storage.folders import Folder, folder_at

DATA = DigitsData()


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return folder_at(str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def classifier(classifiers: Folder) -> Classifier:
    return trained_classifier(classifiers, DATA)


def noisy(scale: float, num: int = 1541) -> np.ndarray:
    noise = np.random.RandomState(0).standard_normal((num, 1, 8, 8))
    return (DATA.train()[:num] + scale * noise).astype(np.float32)


def of_train(classifier: Classifier, samples: np.ndarray) -> PictureQuality:
    return picture_quality(samples, DATA.labels()[: len(samples)], DATA, classifier)


def test_it_tells_real_digits_that_it_never_saw(classifier: Classifier):
    assert accuracy(classifier, DATA) >= 0.97
    judged = classifier.judge(DATA.heldout())
    assert judged.features.shape == (256, classifier.num_features)
    assert np.allclose(judged.probabilities.sum(1), 1)


def test_it_is_trained_once_and_found_by_its_digest(classifiers: Folder, classifier: Classifier):
    there = (classifiers / "classifiers").files()
    again = trained_classifier(classifiers, DATA)
    assert (classifiers / "classifiers").files() == there
    assert np.array_equal(
        again.judge(DATA.heldout()).features, classifier.judge(DATA.heldout()).features
    )


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(home: Folder):
    options = [ClassifierOptions(num_epochs=1, seed=seed) for seed in (0, 0, 1)]
    made = [
        trained_classifier(home / str(number), DATA, each) for number, each in enumerate(options)
    ]
    first, second, other = (each.state_dict()["classes.weight"] for each in made)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_training_leaves_the_stream_of_random_numbers_alone(home: Folder):
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    trained_classifier(home, DATA, ClassifierOptions(num_epochs=1))
    assert torch.equal(torch.rand(2), wanted)


def test_changed_weights_are_no_classifier(home: Folder):
    trained_classifier(home, DATA, ClassifierOptions(num_epochs=1))
    folder = home / "classifiers" / (home / "classifiers").names()[0]
    folder.replace("model.safetensors", b"other")
    with pytest.raises(DamageError, match=r"is not what config\.json says"):
        trained_classifier(home, DATA, ClassifierOptions(num_epochs=1))


def test_bytes_and_numbers_are_judged_alike(classifier: Classifier):
    as_bytes = np.rint(DATA.heldout() * 127.5 + 127.5).astype(np.uint8)
    numbers = as_bytes / np.float32(127.5) - 1
    assert np.allclose(classifier.judge(as_bytes).features, classifier.judge(numbers).features)


@pytest.mark.parametrize(
    ("shape", "num_features"),
    [((1, 4, 4), 8), ((1, 8, 8), 32), ((3, 32, 32), 256), ((3, 64, 64), 256)],
)
def test_its_size_follows_from_the_pictures(shape: tuple[int, ...], num_features: int):
    made = Classifier(shape, 10).eval()
    judged = made.judge(np.zeros((2, *shape), np.uint8))
    assert judged.features.shape == (2, num_features)


@pytest.mark.parametrize("shape", [(2,), (1, 8, 4), (3, 2, 2)])
def test_what_is_no_square_picture_is_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="for square pictures of 4 pixels a side and more"):
        Classifier(shape, 10)


@pytest.mark.parametrize("data", [CheckerboardData(), ArraysData(source="x.npz", shape=(3, 8, 8))])
def test_a_set_without_classes_has_no_classifier(data: ArraysData, home: Folder):
    with pytest.raises(ValueError, match="doesn't have classes for a classifier to learn"):
        trained_classifier(home, data)


def test_a_copy_of_the_training_set_is_perfect_but_for_its_distance(classifier: Classifier):
    quality = of_train(classifier, DATA.train())
    assert quality.class_agreement.value >= 0.99
    assert quality.frechet.value == pytest.approx(0, abs=1e-6)
    assert quality.median_distance.value == quality.low_distance.value == 0


def test_real_digits_that_were_held_out_keep_the_distance_of_their_own(classifier: Classifier):
    quality = picture_quality(DATA.heldout(), DATA.labels("heldout"), DATA, classifier)
    assert quality.median_distance.value == quality.low_distance.value == 1
    assert quality.class_agreement.value == accuracy(classifier, DATA)


def test_noise_is_told_from_digits(classifier: Classifier):
    near, far = (of_train(classifier, noisy(scale)) for scale in (0.3, 3.0))
    assert near.class_agreement.low > far.class_agreement.high
    assert near.frechet.high < far.frechet.low
    assert near.median_distance.high < far.median_distance.low


def test_wrong_labels_are_seen(classifier: Classifier):
    wrong = (DATA.labels() + 1) % 10
    assert picture_quality(DATA.train(), wrong, DATA, classifier).class_agreement.value < 0.01


def test_the_frechet_distance_of_a_shift_is_its_square():
    features = np.random.RandomState(0).standard_normal((50, 3))
    assert frechet_distance(features + np.array([3, 0, 4]), features) == pytest.approx(25)
    assert frechet_distance(2 * features, features) == pytest.approx(
        np.trace(np.cov(features.T)) + (features.mean(0) ** 2).sum()
    )


def test_the_frechet_distance_is_clean_fids():
    stream = np.random.RandomState(0)
    a, b = stream.standard_normal((200, 5)), 1.5 * stream.standard_normal((300, 5)) + 0.2
    assert frechet_distance(a, b) == pytest.approx(_by_clean_fid(a, b), rel=1e-9)


def test_features_that_have_no_spread_are_refused():
    with pytest.raises(ValueError, match="give at least two rows"):
        frechet_distance(np.zeros((1, 3)), np.zeros((5, 3)))


def test_the_nearest_of_a_set_is_found_whatever_the_size_of_blocks(monkeypatch: pytest.MonkeyPatch):
    points, others = np.random.RandomState(0).standard_normal((2, 40, 2, 3))
    wanted = np.sqrt(((points[:, None] - others[None]) ** 2).sum((2, 3))).min(1)
    for max_bytes in (2**27, 8 * 40 * 7, 1):
        monkeypatch.setattr("kdm.evaluate.nearest._MAX_BYTES", max_bytes)
        assert np.allclose(nearest_distances(points, others), wanted, rtol=1e-12)


def test_a_copy_lies_at_exactly_zero_and_no_samples_have_no_distances():
    points = 1e3 + np.random.RandomState(0).standard_normal((30, 100))
    assert (nearest_distances(points[7:9], points) == 0).all()
    assert nearest_distances(points[:0], points).shape == (0,)


def test_an_interval_covers_the_mean_of_a_sample_by_its_standard_error():
    sample = np.random.RandomState(0).standard_normal(400)
    found = bootstrap(lambda rows: float(sample[rows].mean()), 400, num_resamples=1000)
    assert found.value == sample.mean()
    assert found.high - found.low == pytest.approx(2 * 1.96 * sample.std() / 20, rel=0.1)
    assert found == bootstrap(lambda rows: float(sample[rows].mean()), 400, num_resamples=1000)


def _by_clean_fid(a: np.ndarray, b: np.ndarray) -> float:
    """clean-fid's own number."""
    pytest.importorskip("cleanfid")
    import_torchvision()
    from cleanfid import fid

    normal = [each for x in (a, b) for each in (x.mean(0), np.cov(x, rowvar=False))]
    return float(fid.frechet_distance(*normal))
