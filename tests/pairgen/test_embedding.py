"""embedding: the largest cosine similarity by a network from a local file."""

import numpy as np
import pytest
import safetensors.torch
import torch
from pictures_network import Patches, write_pictures_network

from kdm.torchvision_import import import_torchvision
from pairgen.filters.embedding import Embedding
from pairgen.filters.fail_closed import FilterError
from pairgen.filters.judge import fit_judge
from storage.plugins import configure, describe
from storage.records import PairBatch

GROUP = "pairgen.filters"
DRAWS = np.random.RandomState(0)
REFERENCE, X_0 = (DRAWS.uniform(-1, 1, (count, 3, 16, 16)).astype(np.float32) for count in (9, 5))
PLAIN = {"network": "net.pt", "size": None, "mean": [0, 0, 0], "deviation": [1, 1, 1]}


def pairs(x_0: np.ndarray) -> PairBatch:
    return PairBatch(np.arange(len(x_0)), np.zeros_like(x_0), x_0)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KDM_WEIGHTS", str(tmp_path))
    write_pictures_network(tmp_path / "net.pt")
    return tmp_path


def chosen(**options) -> Embedding:
    return configure(GROUP, {"plugin": "embedding", **PLAIN, **options})


def features(x_0: np.ndarray) -> np.ndarray:
    shown = np.floor(127.5 * x_0 + 128).clip(0, 255).astype(np.float32) / 255
    found = Patches(0)(torch.from_numpy(shown)).double().numpy()
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_the_score_is_the_largest_cosine_of_the_picture_or_its_mirror_image():
    views = [features(view) @ features(REFERENCE).T for view in (X_0, X_0[..., ::-1].copy())]
    wanted = np.maximum(*views).max(axis=1)
    found = fit_judge(chosen(), REFERENCE).score(pairs(X_0))
    assert np.allclose(found, wanted, atol=1e-6)
    copies = fit_judge(chosen(), REFERENCE).score(pairs(REFERENCE[..., ::-1].copy()))
    assert copies.tolist() == [1.0] * 9


def test_pictures_are_brought_to_the_size_that_is_asked_for():
    small = fit_judge(chosen(size=8), REFERENCE).score(pairs(X_0))
    assert not np.allclose(small, fit_judge(chosen(), REFERENCE).score(pairs(X_0)), atol=1e-3)
    with pytest.raises(FilterError, match="pictures are 16×12, not square; set 'size'"):
        fit_judge(chosen(), REFERENCE[..., :12])


def test_a_file_that_is_missing_is_named_in_one_sentence():
    with pytest.raises(ValueError, match=r"filter 'embedding' needs gone.pt in .* missing; put it"):
        chosen(network="gone.pt")
    with pytest.raises(ValueError, match="network: String should match pattern"):
        chosen(network="../net.pt")


def test_another_file_has_other_scores_and_is_not_taken_for_the_stated_one(folder):
    stated = chosen()
    before = fit_judge(stated, REFERENCE)
    write_pictures_network(folder / "net.pt", seed=1)
    assert fit_judge(chosen(), REFERENCE).score_digest != before.score_digest
    again = configure(GROUP, describe(stated))
    assert again == stated
    with pytest.raises(FilterError, match=r"and the recipe states .*…; put the stated file there"):
        fit_judge(again, REFERENCE)


def test_a_file_that_is_no_network_is_named(folder):
    (folder / "net.pt").write_bytes(b"no network")
    with pytest.raises(
        FilterError, match=r"net.pt isn't a TorchScript network that takes pictures"
    ):
        fit_judge(chosen(), REFERENCE)


def test_a_picture_that_the_network_sees_nothing_in_is_not_judged():
    black = np.full((2, 3, 16, 16), -1, np.float32)
    with pytest.raises(FilterError, match="gives picture 0 a vector of length 0"):
        fit_judge(chosen(), REFERENCE).score(pairs(black))


def test_weights_alone_are_those_of_the_architecture_that_is_named(folder):
    import_torchvision()
    from torchvision.models import shufflenet_v2_x0_5

    torch.manual_seed(0)
    network = shufflenet_v2_x0_5().eval()
    safetensors.torch.save_file(network.state_dict(), folder / "net.safetensors")
    named = {"network": "net.safetensors", "architecture": "shufflenet_v2_x0_5", "size": 32}
    fitted = fit_judge(chosen(**named), REFERENCE[:3])
    assert fitted.score(pairs(REFERENCE[:1])).tolist() == [1.0]
    with pytest.raises(
        FilterError, match=r"net.safetensors doesn't hold the weights .* squeezenet1_1"
    ):
        fit_judge(chosen(**{**named, "architecture": "squeezenet1_1"}), REFERENCE[:3])
    with pytest.raises(FilterError, match="Unknown model"):
        fit_judge(chosen(**{**named, "architecture": "resnet"}), REFERENCE[:3])


def test_the_most_similar_picture_is_named() -> None:
    copies = np.concatenate([REFERENCE[6:7], REFERENCE[2:3, ..., ::-1]])
    assert fit_judge(chosen(), REFERENCE).nearest(pairs(copies)).tolist() == [6, 2]
