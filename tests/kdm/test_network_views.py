"""Inception's eyes, on a small network with its interface: what they see, keep and refuse."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_sets import picture
from inception_like import NUM_CLASSES, NUM_FEATURES, weights_with_network
from torch import nn

from kdm.evaluate.feature_network import FeatureNetwork, cleanly_resized
from kdm.evaluate.network_views import NetworkViews, seen_by
from kdm.metrics.fid import Fid
from kdm.metrics.frechet import moments_of
from kdm.metrics.inception_score import InceptionScore
from kdm.metrics.kid import Kid
from kdm.metrics.network_metric import INCEPTION
from kdm.metrics.reference_statistics import read_moments
from kdm.metrics.views import View
from storage.folders import Folder

PICTURES = np.random.RandomState(0).randint(0, 256, (12, 3, 16, 16)).astype(np.uint8)
SETS = [each.astype(np.float32) / 127.5 - 1 for each in np.split(PICTURES, 2)]


@pytest.fixture
def network(tmp_path: Path):
    with weights_with_network(tmp_path / "weights") as path:
        yield path


def test_a_network_sees_the_features_and_probabilities_of_its_own_call(network: Path):
    features, probabilities = np.split(FeatureNetwork(network).look(PICTURES), [NUM_FEATURES], 1)
    own = torch.jit.load(network)
    pictures = torch.from_numpy(PICTURES)
    assert features.shape == (12, NUM_FEATURES)
    assert np.allclose(features, own(pictures, return_features=True).detach(), atol=1e-6)
    assert np.allclose(probabilities, own(pictures, no_output_bias=True).detach(), atol=1e-6)
    assert probabilities.shape == (12, NUM_CLASSES)


def test_pictures_are_resized_cleanly_as_clean_fid_does():
    golden = json.loads((Path(__file__).parents[1] / "golden" / "metrics-v1.json").read_text())
    found = cleanly_resized(picture()[None])[0, :, ::60, ::60]
    assert found.ravel() == pytest.approx(golden["resized by clean-fid"], rel=1e-6)


def test_the_two_modes_are_two_views_and_one_mode_is_looked_at_once(network: Path, home: Folder):
    metrics = [Fid(mode="clean", reference="s.npz"), InceptionScore(), InceptionScore(mode="clean")]
    write_moments(network.parent / "s.npz")
    seen = NetworkViews(home, metrics, None).seen(*SETS)
    assert list(seen) == [View(INCEPTION, "clean"), View(INCEPTION, "legacy_tensorflow")]
    first, second = (each.fresh.features[:] for each in seen.values())
    assert not np.allclose(first, second)
    assert len((home / "features").names()) == 4


def test_what_was_seen_is_kept_bit_for_bit_and_the_network_is_not_asked_again(
    network: Path, home: Folder, monkeypatch: pytest.MonkeyPatch
):
    first = NetworkViews(home, [InceptionScore()], None).seen(*SETS)
    monkeypatch.delattr(FeatureNetwork, "look")
    again = NetworkViews(home, [InceptionScore()], None).seen(*SETS)
    for view, seen in first.items():
        for one, other in zip(seen.fresh, again[view].fresh, strict=True):
            assert np.array_equal(one[:], other[:])


def test_a_damaged_file_of_features_is_made_again(network: Path, home: Folder):
    first = NetworkViews(home, [InceptionScore()], None).seen(*SETS)
    wanted = first.popitem()[1].fresh.features[:]
    for name in (home / "features").files():
        (home / "features").replace(name, b"\x93NUMPY cut off")
    again = NetworkViews(home, [InceptionScore()], None).seen(*SETS)
    assert np.array_equal(wanted, again.popitem()[1].fresh.features[:])


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><html>", b"", b"version https://git-lfs"])
def test_a_file_that_is_no_network_is_refused_by_name(network: Path, content: bytes):
    network.write_bytes(content)
    with pytest.raises(ValueError, match=r"inception-2015-12-05.pt isn't a TorchScript network"):
        FeatureNetwork(network)


def test_another_network_is_refused_before_it_looks_at_anything(network: Path):
    torch.jit.script(nn.Linear(3, 3)).save(str(network))
    with pytest.raises(ValueError, match="put the published file there"):
        FeatureNetwork(network)


def test_a_missing_network_is_refused_with_its_address_and_another_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KDM_WEIGHTS", str(tmp_path))
    with pytest.raises(ValueError, match=r"'kid' needs inception.*nvlabs.*'classifier-frechet'"):
        Kid().require_files()
    with pytest.raises(ValueError, match=r"grey or coloured pictures.*\[2\]"):
        Kid().require_shape((2,))


def test_real_pictures_that_a_recipe_lacks_are_asked_for():
    Fid(reference="cifar10-32x32.npz").require_real(())
    Kid().require_real(("train",))
    with pytest.raises(ValueError, match="'heldout', and the recipe has train"):
        Kid(reference="heldout").require_real(("train",))
    with pytest.raises(ValueError, match="no data set; give dataset, set reference to statistics"):
        Fid().require_real(())


def test_an_evaluation_is_of_its_network_and_of_its_statistics(network: Path):
    write_moments(network.parent / "s.npz")
    metrics = [Fid(reference="s.npz"), InceptionScore()]
    first = seen_by(metrics, None)
    assert list(first) == sorted([INCEPTION, "s.npz"])
    write_moments(network.parent / "s.npz", scale=2.0)
    os.utime(network.parent / "s.npz", (1, 1))  # digests are kept by time, whose clock is coarse
    assert seen_by(metrics, None) != first


def write_moments(path: Path, *, scale: float = 1.0, **others: np.ndarray) -> None:
    features = scale * np.random.RandomState(0).standard_normal((20, NUM_FEATURES))
    mean, covariance = moments_of(features)
    np.savez(path, **{"mu": mean, "sigma": covariance, **others})


def test_statistics_come_back_as_they_were_written(tmp_path: Path):
    write_moments(tmp_path / "s.npz")
    wanted = moments_of(np.random.RandomState(0).standard_normal((20, NUM_FEATURES)))
    for one, other in zip(read_moments(tmp_path / "s.npz"), wanted, strict=True):
        assert np.array_equal(one, other)


BROKEN = np.full(NUM_FEATURES, np.nan)
TURNED = np.arange(NUM_FEATURES**2, dtype=float).reshape(NUM_FEATURES, -1)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"mu": BROKEN}, "holds 8 NaN or Inf"),
        ({"mu": np.zeros(5)}, r"mu of shape \[5\] and sigma of \[8, 8\]"),
        ({"sigma": TURNED}, "isn't a covariance"),
        ({"mu": np.array([None] * 8)}, "isn't an .npz file of numbers"),
        ({"mu": np.array(["a"] * 8)}, "not numbers"),
    ],
)
def test_statistics_that_mean_nothing_are_refused(tmp_path: Path, others, words):
    write_moments(tmp_path / "s.npz", **others)
    with pytest.raises(ValueError, match=words):
        read_moments(tmp_path / "s.npz")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\n<html><body>404", "s.npz: it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is a Git LFS pointer"),
        (b"PK\x03\x04 and no more", "isn't an .npz file of numbers, or is cut off"),
        (b"", "s.npz: it is empty; fetch"),
        (b"\x93NUMPY\x01\x00", "isn't an .npz file of numbers, or is cut off"),
    ],
)
def test_a_file_in_the_place_of_statistics_is_called_what_it_is(tmp_path: Path, content, words):
    (tmp_path / "s.npz").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_moments(tmp_path / "s.npz")


def test_statistics_of_another_network_are_refused(tmp_path: Path):
    write_moments(tmp_path / "s.npz")
    with pytest.raises(ValueError, match="about 8 features, and the network has 2,048"):
        read_moments(tmp_path / "s.npz", num_features=2048)
    np.savez(tmp_path / "k.npz", feats=np.zeros((3, 8)))
    with pytest.raises(ValueError, match="has feats, not mu and sigma"):
        read_moments(tmp_path / "k.npz")
    with pytest.raises(ValueError, match="doesn't exist"):
        read_moments(tmp_path / "none.npz")
