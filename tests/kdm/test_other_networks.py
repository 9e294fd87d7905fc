"""pytorch-fid's Inception, any TorchScript network and LPIPS to the teacher, on random weights."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from random_trunks import write_trunk
from torch import nn

from kdm.evaluate.any_network import AnyNetwork
from kdm.evaluate.perception import Perception
from kdm.evaluate.pytorch_fid_network import PytorchFidNetwork, empty_network
from kdm.losses.lpips import Lpips
from kdm.metrics.fd_features import FdFeatures
from kdm.metrics.lpips_to_teacher import LpipsToTeacher
from kdm.metrics.perceived import others

PICTURES = np.random.RandomState(0).randint(0, 256, (4, 3, 40, 40)).astype(np.uint8)


def test_pytorch_fids_weights_give_the_features_that_clean_fid_computes_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """clean-fid's own `legacy_pytorch`, its download replaced by the same weights."""
    weights = random_weights(empty_network().to_empty(device="cpu"))
    from cleanfid import features, inception_pytorch, resize  # after torchvision was made to import

    torch.save(weights, tmp_path / "weights.pth")
    monkeypatch.setattr(inception_pytorch, "load_state_dict_from_url", lambda *_, **__: weights)
    theirs = features.build_feature_extractor(
        "legacy_pytorch", device=torch.device("cpu"), use_dataparallel=False
    )
    one = resize.build_resizer("legacy_pytorch")(PICTURES[0].transpose(1, 2, 0)).transpose(2, 0, 1)
    with torch.no_grad():
        wanted = theirs(torch.from_numpy(one[None])).numpy()
    found = PytorchFidNetwork(tmp_path / "weights.pth").look(PICTURES[:1])
    assert found.shape == (1, 2_048 + 1_008)
    assert np.allclose(found[:, :2_048], wanted, rtol=1e-4)
    assert found[:, 2_048:].sum() == pytest.approx(1, rel=1e-5)


def random_weights(network: nn.Module) -> dict[str, torch.Tensor]:
    generator, weights = torch.Generator().manual_seed(0), network.state_dict()
    for name, each in weights.items():
        if name.endswith("num_batches_tracked"):
            each.zero_()
        elif each.ndim > 1:
            each.normal_(0, (2 / each[0].numel()) ** 0.5, generator=generator)
        else:
            each.uniform_(0.5, 1, generator=generator)
    return weights


def test_other_weights_in_pytorch_fids_place_are_refused_by_name(tmp_path: Path):
    torch.save({"fc.weight": torch.zeros(2, 2)}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"weights.pth doesn't hold the weights of pytorch-fid's"):
        PytorchFidNetwork(tmp_path / "weights.pth")


class Mean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_any_network_sees_pictures_as_its_metric_says(tmp_path: Path):
    torch.jit.script(Mean()).save(str(tmp_path / "mean.pt"))
    given = FdFeatures(
        network="mean.pt", size=40, mean=(0, 0, 0.5), deviation=(1, 0.5, 1)
    ).view.given
    network = AnyNetwork(tmp_path / "mean.pt", given)
    values = PICTURES / 255
    wanted = np.stack(
        [values[:, 0].mean((1, 2)), values[:, 1].mean((1, 2)) * 2, values[:, 2].mean((1, 2)) - 0.5],
        1,
    )
    assert network.num_features == 6
    assert np.allclose(network.look(PICTURES)[:, :3], wanted, atol=1e-5)
    torch.jit.script(nn.Conv2d(3, 2, 1)).save(str(tmp_path / "maps.pt"))
    with pytest.raises(ValueError, match=r"maps.pt isn't .* \[2, 2, 40, 40\] for 2 pictures"):
        AnyNetwork(tmp_path / "maps.pt", given)


def test_lpips_to_the_teacher_is_the_mean_of_the_distance_that_students_train_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KDM_WEIGHTS", str(tmp_path))
    metric = LpipsToTeacher(net="squeeze", trunk=write_trunk(tmp_path, "squeeze"))
    stream = np.random.RandomState(1)
    x_T, x_0, x_0_hat = stream.uniform(-1, 1, (3, 6, 3, 24, 24)).astype(np.float32)
    label = np.array([0, 1, 0, 1, 0, 1])
    (found,) = (
        Perception([metric], device=torch.device("cpu"))
        .perceived(x_T, x_0, x_0_hat, label)
        .values()
    )
    same = Lpips(net="squeeze", trunk=metric.trunk, pooling="max")
    for rows, mean in ((slice(None), found.own.same), (others(x_T), found.own.shuffled)):
        wanted = same.distance(torch.from_numpy(x_0_hat), torch.from_numpy(x_0[rows]))
        assert mean.mean() == pytest.approx(float(wanted), rel=1e-5)
    assert not found.teachers.same.any()
    assert found.teachers.in_class.min() > 0


def test_a_shuffle_takes_each_row_once_never_itself_and_stays_within_classes():
    x_T, label = (
        np.random.RandomState(0).standard_normal((40, 5)).astype(np.float32),
        np.arange(40) % 4,
    )
    for found, is_alike in ((others(x_T), False), (others(x_T, label), True)):
        assert sorted(found) == list(range(40))
        assert (found != np.arange(40)).all()
        assert (label[found] == label).all() == is_alike


def test_a_file_of_weights_is_read_as_numbers_alone(tmp_path: Path):
    file = io.BytesIO()
    torch.save(nn.Linear(2, 2), file)
    name = f"w-{hashlib.sha256(file.getvalue()).hexdigest()[:8]}.pth"
    (tmp_path / name).write_bytes(file.getvalue())
    with pytest.raises(ValueError, match="is not a file of weights alone"):
        PytorchFidNetwork(tmp_path / name)
