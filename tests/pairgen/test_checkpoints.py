"""Checkpoints that others have trained are read as data: every tensor bit for bit, nothing executed."""

import argparse
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from edm_pickles import (
    ARCHITECTURES,
    PRECONDITIONERS,
    EasyDict,
    Persistent,
    as_of_torch_1,
    importable,
    network,
    small_pickle,
    small_tensors,
    snapshot_of,
    write_snapshot,
)
from handmade_checkpoints import net as sound_net
from handmade_checkpoints import storage, stream, tensor
from published import packed

from pairgen.checkpoints import read_checkpoint

READ_ALONE = """
import sys, time
from pathlib import Path
from pairgen.checkpoints import read_checkpoint
start = time.perf_counter()
found = read_checkpoint(Path(sys.argv[1]))
seconds = time.perf_counter() - start
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
foreign = {"torch", "torch_utils", "dnnlib"} & set(sys.modules)
print(len(found.tensors), seconds, peak, ",".join(foreign))
"""


def assert_equal(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("precond", PRECONDITIONERS)
def test_every_tensor_of_a_network_pickle_is_bit_equal_and_in_order(
    tmp_path: Path, precond: str, architecture: str
) -> None:
    file = small_pickle(tmp_path / "net.pkl", precond, architecture)
    found = read_checkpoint(file)
    assert_equal(found.tensors, small_tensors(precond, architecture))
    outer, inner = found.architecture
    assert outer.class_name == precond
    assert inner.class_name == ARCHITECTURES[architecture]["model_type"]
    assert found.source_sha256 == sha256(file.read_bytes()).hexdigest()


def test_a_network_says_what_it_was_built_with(tmp_path: Path) -> None:
    found = read_checkpoint(small_pickle(tmp_path / "net.pkl", architecture="ncsnpp"))
    outer, inner = found.architecture
    assert outer.init_kwargs["resample_filter"] == [1, 3, 3, 1]
    assert (outer.init_kwargs["label_dim"], inner.init_kwargs["in_channels"]) == (10, 3)
    assert found.attributes == {"img_resolution": 8, "sigma_min": 0.0, "sigma_max": float("inf")}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_protocols_from_2_on_are_read(tmp_path: Path, protocol: int) -> None:
    net = network("EDMPrecond", ARCHITECTURES["ddpmpp"], small_tensors("EDMPrecond", "ddpmpp"))
    file = write_snapshot(tmp_path / "net.pkl", {"ema": net}, protocol=protocol)
    assert_equal(read_checkpoint(file).tensors, small_tensors("EDMPrecond", "ddpmpp"))


def test_numbers_under_numpy_1s_name_are_read(tmp_path: Path) -> None:
    file = small_pickle(tmp_path / "net.pkl")
    old, new = b"\x8c\x16numpy._core.multiarray", b"\x8c\x15numpy.core.multiarray"
    assert old in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(old, new))
    assert_equal(read_checkpoint(file).tensors, small_tensors("EDMPrecond", "ddpmpp"))


def with_arrays(net: Persistent) -> dict[str, Any]:
    augment = Persistent("AugmentPipe", wavelet=np.arange(6.0))
    augment.wavelet, augment.kernel = np.arange(6.0), torch.ones(3)
    augment.device, augment.dtype = torch.device("cpu"), torch.float32
    return {**snapshot_of(net), "augment_pipe": augment}


def with_easy_dicts(net: Persistent) -> dict[str, Any]:
    net._init_kwargs = EasyDict(net._init_kwargs)
    return {**snapshot_of(net), "dataset_kwargs": EasyDict(path="cifar10.zip", size=50_000)}


def with_attributes(net: Persistent) -> dict[str, Any]:
    net.model.map_layer0.weight.decay = 0.1
    return {"ema": net}


@pytest.mark.parametrize(
    "make",
    [
        as_of_torch_1,
        with_arrays,
        with_easy_dicts,
        with_attributes,
        lambda net: net,
        lambda net: {"ema": net.requires_grad_()},
    ],
    ids=["torch 1", "arrays", "easy dicts", "attributes", "alone", "gradients"],
)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_what_others_and_older_libraries_save_is_read(
    tmp_path: Path, make: Callable[[Persistent], Any], protocol: int
) -> None:
    net = network("EDMPrecond", ARCHITECTURES["ddpmpp"], small_tensors("EDMPrecond", "ddpmpp"))
    file = write_snapshot(tmp_path / "net.pkl", make(net), protocol=protocol)
    assert_equal(read_checkpoint(file).tensors, small_tensors("EDMPrecond", "ddpmpp"))


def test_a_storage_of_a_gpu_is_read(tmp_path: Path) -> None:
    (tmp_path / "net.pkl").write_bytes(sound_net(tensor(stream(storage(place="cuda:0")))))
    assert len(read_checkpoint(tmp_path / "net.pkl").tensors) == 1


def test_a_source_is_never_looked_at(tmp_path: Path) -> None:
    file = small_pickle(tmp_path / "net.pkl")
    file.write_bytes(file.read_bytes().replace(b"raise SystemExit", b"import os; os.  "))
    assert_equal(read_checkpoint(file).tensors, small_tensors("EDMPrecond", "ddpmpp"))


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.half(),
        lambda t: t.double(),
        lambda t: t.contiguous(memory_format=torch.channels_last),
        lambda t: torch.nn.functional.pad(t, (1, 1))[..., 1:4],
    ],
)
def test_types_and_layouts_are_read_as_they_are(
    tmp_path: Path, make: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    net = network("EDMPrecond", ARCHITECTURES["ddpmpp"], small_tensors("EDMPrecond", "ddpmpp"))
    conv = net.model.enc["8x8_conv"]
    conv.weight = torch.nn.Parameter(make(conv.weight.detach()))
    file = write_snapshot(tmp_path / "net.pkl", {"ema": net})
    assert_equal(read_checkpoint(file).tensors, {k: v.numpy() for k, v in net.state_dict().items()})


def test_buffers_that_a_state_dict_leaves_out_are_left_out(tmp_path: Path) -> None:
    net = network("EDMPrecond", ARCHITECTURES["ddpmpp"], small_tensors("EDMPrecond", "ddpmpp"))
    net.model.register_buffer("scratch", torch.ones(3), persistent=False)
    file = write_snapshot(tmp_path / "net.pkl", {"ema": net})
    assert_equal(read_checkpoint(file).tensors, small_tensors("EDMPrecond", "ddpmpp"))


def test_the_names_of_all_released_networks_come_in_their_order(tmp_path: Path) -> None:
    for known in packed("edm_true_size_shapes").values():
        tensors = {name: np.ones(len(side), "f4") for name, side in known["shapes"].items()}
        net = network(known["precond"], known["init_kwargs"], tensors)
        found = read_checkpoint(write_snapshot(tmp_path / "net.pkl", snapshot_of(net)))
        assert list(found.tensors) == list(tensors)
        assert found.architecture[0].init_kwargs == known["init_kwargs"]


def test_bfloat16_is_widened_without_loss(tmp_path: Path) -> None:
    tensor = torch.randn(100).bfloat16()
    torch.save({"w": tensor}, tmp_path / "net.pt")
    found = read_checkpoint(tmp_path / "net.pt").tensors["w"]
    assert np.array_equal(found, tensor.float().numpy())


@pytest.mark.parametrize("change", [{"class_name": "EDMPrecond2"}, {"class_name": "Precond"}])
def test_an_unknown_class_is_refused_by_name(tmp_path: Path, change: dict[str, Any]) -> None:
    file = write_snapshot(tmp_path / "net.pkl", {"ema": Persistent(change["class_name"])})
    with pytest.raises(ValueError, match=f"'{change['class_name']}' isn't supported here"):
        read_checkpoint(file)


def test_an_edm_training_state_is_refused_with_what_to_give_instead(tmp_path: Path) -> None:
    net = network("EDMPrecond", ARCHITECTURES["ddpmpp"], small_tensors("EDMPrecond", "ddpmpp"))
    with importable():
        torch.save({"net": net, "optimizer_state": {}}, tmp_path / "training-state-1.pt")
    with pytest.raises(ValueError, match=r"give the network-snapshot \.pkl in the same folder"):
        read_checkpoint(tmp_path / "training-state-1.pt")


def trained() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Conv1d(5, 4, 3))


def arrays(net: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy() for name, tensor in net.state_dict().items()}


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_torchcfms_average_is_read_from_what_its_training_saves(
    tmp_path: Path, prefix: str, is_zip: bool
) -> None:
    net, average = trained(), trained().requires_grad_(False)
    average[0].weight += 1
    optim = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 5, 3)).sum().backward()
    optim.step()
    scheduler = torch.optim.lr_scheduler.LambdaLR(optim, lr_lambda=lambda step: 1.0)
    models = {"net_model": net.state_dict(), "ema_model": average.state_dict()}
    models["ema_model"] = {prefix + key: value for key, value in models["ema_model"].items()}
    rest = {"sched": scheduler.state_dict(), "optim": optim.state_dict(), "step": 400_000}
    torch.save({**models, **rest}, tmp_path / "w.pt", _use_new_zipfile_serialization=is_zip)
    found = read_checkpoint(tmp_path / "w.pt")
    assert (found.kind, found.weights, found.attributes) == ("torchcfm", "ema", {"step": 400_000})
    assert_equal(found.tensors, arrays(average))


def test_flow_matchings_average_takes_the_names_of_the_networks_parameters(tmp_path: Path) -> None:
    net = trained()
    raw = {f"model.{name}": tensor for name, tensor in net.state_dict().items()}
    shadow = {f"shadow_params.{i}": tensor + 1 for i, tensor in enumerate(net.parameters())}
    model = {"num_updates": torch.tensor(7), **raw, **shadow}
    args = argparse.Namespace(dataset="cifar10", use_ema=True, output_dir=Path("out"), betas=[1])
    torch.save({"model": model, "epoch": 1800, "args": args}, tmp_path / "checkpoint.pth")
    found = read_checkpoint(tmp_path / "checkpoint.pth")
    assert (found.kind, found.weights) == ("flow-matching", "ema")
    assert found.attributes == {"epoch": 1800, "dataset": "cifar10", "use_ema": True}
    assert_equal(found.tensors, {name: array + 1 for name, array in arrays(net).items()})


def test_the_averages_order_is_that_of_the_published_network() -> None:
    listed = packed("flow_matching_average_keys")
    keys = [key for key in listed["state_dict_keys"] if key.startswith("model.")]
    assert [key.removeprefix("model.") for key in keys] == listed["shadow_i_is_parameter"]


def test_an_average_of_other_shapes_is_refused(tmp_path: Path) -> None:
    model = {"model.a": torch.ones(2), "shadow_params.0": torch.ones(3)}
    torch.save({"model": model}, tmp_path / "checkpoint.pth")
    with pytest.raises(ValueError, match="different shapes"):
        read_checkpoint(tmp_path / "checkpoint.pth")


@pytest.mark.parametrize("wrap", [lambda tensors: tensors, lambda tensors: {"state_dict": tensors}])
def test_a_bare_state_dict_is_read(tmp_path: Path, wrap: Callable[[Any], Any]) -> None:
    torch.save(wrap(trained().state_dict()), tmp_path / "bare.pt")
    found = read_checkpoint(tmp_path / "bare.pt")
    assert (found.kind, found.architecture) == ("state-dict", ())
    assert_equal(found.tensors, arrays(trained()))


def test_a_state_dict_of_safetensors_is_read_in_every_type(tmp_path: Path) -> None:
    tensors = {"module._orig_mod.a": torch.randn(3, 4), "_orig_mod.module.b": torch.ones(2, 1)}
    tensors |= {"c": torch.tensor(7), "d": torch.ones(0, 3), "e": torch.randn(5).half()}
    tensors |= {"f": torch.randn(7).double(), "g": torch.tensor([True, False])}
    safetensors.torch.save_file(tensors, tmp_path / "net.safetensors", {"format": "pt"})
    found = read_checkpoint(tmp_path / "net.safetensors")
    assert (found.kind, found.weights) == ("state-dict", "unknown")
    wanted = {name.rpartition(".")[2]: tensor.numpy() for name, tensor in tensors.items()}
    assert_equal(dict(sorted(found.tensors.items())), wanted)


@pytest.mark.parametrize(
    "tensor", [torch.tensor(7), torch.ones(0, 3), torch.ones(1, 4).T, torch.tensor([True, False])]
)
def test_tensors_of_odd_shapes_are_read(tmp_path: Path, tensor: torch.Tensor) -> None:
    torch.save({"w": tensor}, tmp_path / "bare.pt")
    assert_equal(read_checkpoint(tmp_path / "bare.pt").tensors, {"w": tensor.numpy()})


def test_two_tensors_may_lie_in_one_storage(tmp_path: Path) -> None:
    both = torch.randn(2, 5)
    torch.save({"a": both[0], "b": both[1]}, tmp_path / "bare.pt")
    wanted = {"a": both[0].numpy(), "b": both[1].numpy()}
    assert_equal(read_checkpoint(tmp_path / "bare.pt").tensors, wanted)


def test_damage_to_the_numbers_of_a_zip_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "bare.pt"
    torch.save(trained().state_dict(), file)
    some = trained()[0].weight.detach().numpy().tobytes()
    file.write_bytes(file.read_bytes().replace(some, some[:-1] + b"\0"))
    with pytest.raises(ValueError, match="checksum"):
        read_checkpoint(file)


def alone(file: Path) -> tuple[int, float, int, str]:
    command = [sys.executable, "-c", READ_ALONE, str(file)]
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    num, seconds, peak, foreign = out.rstrip("\n").split(" ")
    return int(num), float(seconds), int(peak), foreign


def test_reading_imports_neither_torch_nor_what_a_pickle_names(tmp_path: Path) -> None:
    assert alone(small_pickle(tmp_path / "net.pkl"))[3] == ""


@pytest.mark.trials
@pytest.mark.parametrize("name", ["edm-cifar10-32x32-uncond-vp", "edm-cifar10-32x32-cond-ve"])
def test_a_network_of_full_size_is_read_at_once_in_little_memory(tmp_path: Path, name: str) -> None:
    known = packed("edm_true_size_shapes")[name]
    draw = np.random.default_rng(0)
    tensors = {key: draw.random(side, np.float32) for key, side in known["shapes"].items()}
    net = network(known["precond"], known["init_kwargs"], tensors)
    file = write_snapshot(tmp_path / "net.pkl", snapshot_of(net))
    num, seconds, peak, _ = alone(file)
    print(f"{file.stat().st_size:,} bytes: {num} tensors, {seconds:.2f} s, {peak:,} bytes")
    assert (num, seconds <= 2, peak <= 700e6) == (len(tensors), True, True)
    assert_equal(read_checkpoint(file).tensors, tensors)
