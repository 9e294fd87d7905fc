"""What people hand over as a checkpoint: whole networks, averages, settings, pages."""

import datetime
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import torch
from edm_pickles import ARCHITECTURES, Persistent, importable, network, small_tensors, snapshot_of
from torch import nn
from torch.optim.swa_utils import AveragedModel

from pairgen.checkpoints import read_checkpoint, read_student

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
INSTEAD = {
    "a Git LFS pointer": (LFS, "it is a Git LFS pointer.* run 'git lfs pull'"),
    "a page": (b"\n<!DOCTYPE html>\n<html><head>", "it is a web page, not the file"),
    "a page without a type": (b"<HTML>\n<body>404", "it is a web page"),
    "nothing": (b"", "it is empty; fetch the file again"),
}
BESIDE: dict[str, Any] = {
    "a path": Path("out"),
    "a pure path of Windows": PureWindowsPath("C:/out"),
    "a pure path": PurePosixPath("out"),
    "types": [torch.bfloat16, torch.float16, torch.int64, torch.bool, torch.uint8],
    "a defaultdict": defaultdict(list, {"loss": [1.0]}),
    "a defaultdict of none": defaultdict(None, {1: 2}),
    "a counter": Counter(a=3),
    "an ordered dict": OrderedDict(a=1),
    "a time": datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC),
    "the version of torch": torch.__version__,
    "a deque": [deque([0.1, 0.2], maxlen=5), deque()],
    "sets": [{1, 2}, frozenset({3})],
    "plain values": [1 + 2j, bytearray(b"x"), range(3), slice(1, 2), UUID(int=2**127), ...],
    "exact numbers": [Decimal("0.1"), Fraction(1, 3)],
    "a type as Python 2 calls it": [int, str],
    "a day and a span": [datetime.date(2024, 5, 1), datetime.timedelta(seconds=3)],
}


def edm() -> Persistent:
    return network("EDMPrecond", ARCHITECTURES["ddpmpp"], small_tensors("EDMPrecond", "ddpmpp"))


def trained() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))


def assert_equal(found: dict[str, np.ndarray], wanted: dict[str, torch.Tensor]) -> None:
    assert list(found) == list(wanted)
    for name, tensor in wanted.items():
        assert np.array_equal(found[name], tensor.numpy())


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("is_snapshot", [True, False])
def test_a_network_of_edm_that_torch_saved_whole_is_read(
    tmp_path: Path, is_zip: bool, is_snapshot: bool
) -> None:
    held = snapshot_of(edm()) if is_snapshot else edm()
    with importable():
        torch.save(held, tmp_path / "net.pt", _use_new_zipfile_serialization=is_zip)
    found = read_checkpoint(tmp_path / "net.pt")
    assert found.weights == ("ema" if is_snapshot else "unknown")
    assert found.architecture[0].class_name == "EDMPrecond"
    assert_equal(found.tensors, edm().state_dict())


def test_another_network_saved_whole_is_refused_with_what_to_save(tmp_path: Path) -> None:
    torch.save(trained(), tmp_path / "net.pt")
    with pytest.raises(
        ValueError, match=r"'torch.nn.modules.container.Sequential'.*state_dict\(\)"
    ):
        read_checkpoint(tmp_path / "net.pt")


@pytest.mark.parametrize("instead", INSTEAD)
@pytest.mark.parametrize("read", [read_checkpoint, read_student])
def test_what_lies_in_a_files_place_is_named(tmp_path: Path, instead: str, read: Any) -> None:
    content, sentence = INSTEAD[instead]
    (tmp_path / "net.pt").write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        read(tmp_path / "net.pt")


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("protocol", [2, 4])
def test_what_is_inert_beside_tensors_does_not_hinder_them(
    tmp_path: Path, beside: str, protocol: int
) -> None:
    state = trained().state_dict()
    held = {"state_dict": state, "extra": BESIDE[beside]}
    torch.save(held, tmp_path / "net.pt", pickle_protocol=protocol)
    for read in (read_checkpoint, read_student):
        assert_equal(read(tmp_path / "net.pt").tensors, state)


def test_a_path_that_windows_wrote_is_read_here(tmp_path: Path) -> None:
    state, file = trained().state_dict(), tmp_path / "net.pt"
    torch.save({"state_dict": state, "out": Path("a")}, file, _use_new_zipfile_serialization=False)
    file.write_bytes(file.read_bytes().replace(b"PosixPath", b"WindowsPath"))
    assert_equal(read_checkpoint(file).tensors, state)


def prefixed(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


WRAPPED: dict[str, Any] = {
    "average": lambda net: AveragedModel(net).state_dict(),
    "average of parallel": lambda net: AveragedModel(nn.DataParallel(net)).state_dict(),
    "parallel average": lambda net: prefixed("module.", AveragedModel(net).state_dict()),
    "compiled average": lambda net: prefixed("_orig_mod.", AveragedModel(net).state_dict()),
    "average of compiled": lambda net: {
        name.replace("module.", "module._orig_mod.", 1): tensor
        for name, tensor in AveragedModel(net).state_dict().items()
    },
}


@pytest.mark.parametrize("wrapped", WRAPPED)
@pytest.mark.parametrize("read", [read_checkpoint, read_student])
def test_an_averaged_model_is_read_without_its_count(
    tmp_path: Path, wrapped: str, read: Any
) -> None:
    net = trained()
    torch.save(WRAPPED[wrapped](net), tmp_path / "net.pt")
    found = read(tmp_path / "net.pt")
    assert found.weights == "ema"
    assert_equal(found.tensors, net.state_dict())


@pytest.mark.parametrize("holder", ["model_ema", "state_dict_ema", "params_ema"])
def test_an_average_beside_the_raw_weights_is_what_is_read(tmp_path: Path, holder: str) -> None:
    raw, average = trained(), trained()
    held = {"state_dict": raw.state_dict(), holder: average.state_dict(), "epoch": 3}
    torch.save(held, tmp_path / "net.pt")
    found = read_checkpoint(tmp_path / "net.pt")
    assert found.weights == "ema"
    assert_equal(found.tensors, average.state_dict())


def test_a_count_among_other_names_is_not_taken_off(tmp_path: Path) -> None:
    torch.save({"n_averaged": torch.tensor(1), "w": torch.ones(2)}, tmp_path / "net.pt")
    assert list(read_checkpoint(tmp_path / "net.pt").tensors) == ["n_averaged", "w"]
