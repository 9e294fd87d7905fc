"""flow_matching's 2-D example: its saved MLP is a teacher of points."""

from pathlib import Path

import numpy as np
import pytest
import torch
from published import MLP

from pairgen.checkpoints import read_checkpoint
from pairgen.checkpoints.build import built, described
from pairgen.teachers.imported_network import ImportedTeacher, ImportedVelocity


def saved(path: Path, golden: dict[str, np.ndarray], **changes: torch.Tensor) -> Path:
    weights = {name[2:]: torch.from_numpy(golden[name]) for name in golden if name[:2] == "w/"}
    torch.save(weights | changes, path)
    return path


@pytest.fixture
def golden() -> dict[str, np.ndarray]:
    with np.load(MLP) as file:
        return {name: file[name] for name in file.files if name != "meta"}


def test_its_shapes_say_all_and_its_velocity_is_the_goldens(
    tmp_path: Path, golden: dict[str, np.ndarray]
) -> None:
    found = read_checkpoint(saved(tmp_path / "mlp.pth", golden))
    preset = described(found)
    net = built(preset, found.tensors)
    assert preset.init_kwargs == {"input_dim": 2, "hidden_dim": 64}
    assert ImportedTeacher.of(net, preset).kind == ((2,), 0)
    x, t = (torch.from_numpy(golden[name]) for name in ("noise", "t"))
    for time, wanted in zip(t.float(), golden["velocity"], strict=True):
        velocity = -ImportedVelocity(net).velocity(x, 1 - time)
        assert np.abs(velocity.numpy() - wanted).max() <= 5e-6 * np.abs(wanted).max()


def test_layers_that_do_not_fit_are_named(tmp_path: Path, golden: dict[str, np.ndarray]) -> None:
    found = read_checkpoint(saved(tmp_path / "mlp.pth", golden, **{"main.4.bias": torch.zeros(3)}))
    with pytest.raises(ValueError, match=r"1 of another shape \(first: main.4.bias, \(3,\)"):
        built(described(found), found.tensors)
