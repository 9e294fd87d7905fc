"""Imported teachers: tensors bit for bit, names and shapes to the letter, samples as the goldens'."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from edm_pickles import ARCHITECTURES, PRECONDITIONERS, network, snapshot_of, write_snapshot

from kdm.networks.build import build_edm, build_guided
from kdm.published.golden_samplers import edm_solve
from kdm.trained import read_config, read_weights
from pairgen.checkpoints import Checkpoint, read_checkpoint
from pairgen.checkpoints.build import Network, built, described, fits
from pairgen.checkpoints.build_presets import PRESETS, Preset
from pairgen.recommended import recommended_sampler
from pairgen.samplers.edm_heun import EdmHeun
from pairgen.teachers.imported import is_imported, packed, write_imported
from pairgen.teachers.imported_name import default_name
from pairgen.teachers.imported_network import ImportedTeacher, ImportedVelocity, kind_of
from pairgen.teachers.imported_samples import samples_of
from pairgen.teachers.teacher import Teacher, load_teacher
from storage.errors import DamageError
from storage.folders import Folder, folder_at
from storage.plugins import configure

SMALL = {"model_channels": 32, "channel_mult": [1, 2], "num_blocks": 1, "attn_resolutions": [4]}
COMMON = {"img_resolution": 8, "img_channels": 3, "label_dim": 10, "dropout": 0.13}
EDM = COMMON | SMALL | ARCHITECTURES["ddpmpp"]
KINDS = dict(zip(PRECONDITIONERS, ("ddpmpp", "ddpmpp", "ncsnpp", "adm"), strict=True))
FLOW = {"dim": [3, 8, 8], "num_channels": 32, "num_res_blocks": 1, "channel_mult": [1, 2]}
FLOW |= {"attention_resolutions": "4", "num_heads": 1}


def tensors_of(net: torch.nn.Module) -> dict[str, np.ndarray]:
    """Its state dict's names with numbers that are all different from zero."""
    draw = torch.Generator().manual_seed(0)
    return {
        name: held.numpy() if name == "u" else (torch.randn(held.shape, generator=draw) / 8).numpy()
        for name, held in net.state_dict().items()
    }


def pickled(path: Path, precond: str, architecture: str) -> tuple[Path, dict[str, np.ndarray]]:
    settings = ARCHITECTURES[architecture] | SMALL
    tensors = tensors_of(build_edm(precond, COMMON | settings))
    return write_snapshot(path, snapshot_of(network(precond, settings, tensors))), tensors


def empty(preset: Preset) -> Network:
    with torch.device("meta"):
        if preset.precond is None:
            return build_guided(preset.init_kwargs)
        return build_edm(preset.precond, preset.init_kwargs)


def checkpoint(tensors: Mapping[str, Any], kind: str = "state-dict") -> Checkpoint:
    return Checkpoint(kind, "ema", (), {}, dict(tensors), "0" * 64)


def loaded(folder: Folder) -> Teacher:
    """As a stage loads it: by its config and its weights alone."""
    config = read_config(folder)
    plugin, digest = configure("pairgen.teachers", config["model"]), config["weights"]["sha256"]
    weights = read_weights(folder, config)
    return load_teacher(plugin, tuple(config["shape"]), weights=weights, digest=digest)


def field_of(precond: str, architecture: str = "ddpmpp", **settings: Any) -> Teacher:
    keywords = COMMON | ARCHITECTURES[architecture] | SMALL | settings
    preset, net = Preset(precond=precond, init_kwargs=keywords), build_edm(precond, keywords)
    tensors = tensors_of(net)
    plugin = ImportedTeacher.of(built(preset, tensors), preset)
    weights = safetensors.numpy.save(tensors)
    return plugin.loaded((3, 8, 8), weights)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return folder_at(str(tmp_path / "teacher"))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("precond", PRECONDITIONERS)
def test_every_kind_of_pickle_becomes_a_teacher_with_its_very_tensors(
    folder: Folder, tmp_path: Path, precond: str, architecture: str
) -> None:
    file, tensors = pickled(tmp_path / "net.pkl", precond, architecture)
    found = read_checkpoint(file)
    write_imported(folder, packed(found, described(found)))
    stored = safetensors.numpy.load(folder.read("model.safetensors"))
    assert {name: held.tobytes() for name, held in stored.items()} == {
        name: held.tobytes() for name, held in tensors.items()
    }
    net = loaded(folder).denoiser
    assert type(net).__name__ == precond.removesuffix("Precond").replace("iD", "ID")
    for name, held in net.state_dict().items():
        assert torch.equal(held, torch.from_numpy(tensors[name]))


def test_a_loaded_network_denoises_as_the_one_it_was_made_from(folder: Folder) -> None:
    tensors = tensors_of(build_edm("EDMPrecond", EDM))
    write_imported(
        folder, packed(checkpoint(tensors), Preset(precond="EDMPrecond", init_kwargs=EDM))
    )
    net, stored = build_edm("EDMPrecond", EDM).eval(), loaded(folder).denoiser
    net.load_state_dict({name: torch.from_numpy(held) for name, held in tensors.items()})
    x, sigma = torch.randn(2, 3, 8, 8), torch.tensor([0.1, 5.0])
    assert torch.equal(net(x, sigma, torch.eye(10)[:2]), stored(x, sigma, torch.eye(10)[:2]))


def test_numbers_of_half_the_width_are_stored_as_they_are(folder: Folder) -> None:
    tensors = tensors_of(build_edm("EDMPrecond", EDM))
    tensors = {name: held.astype(np.float16) for name, held in tensors.items()}
    write_imported(
        folder, packed(checkpoint(tensors), Preset(precond="EDMPrecond", init_kwargs=EDM))
    )
    stored = safetensors.numpy.load(folder.read("model.safetensors"))
    assert {held.dtype for held in stored.values()} == {np.dtype(np.float16)}
    assert {held.dtype for held in loaded(folder).state_dict().values()} == {torch.float32}


def test_what_does_not_fit_is_named() -> None:
    tensors = tensors_of(build_edm("EDMPrecond", EDM))
    preset = Preset(precond="EDMPrecond", init_kwargs=EDM)
    name = next(iter(tensors))
    for changed, said in (
        (
            {key: held for key, held in tensors.items() if key != name},
            rf"1 missing \(first: {name}",
        ),
        (tensors | {"model.extra": np.zeros(3, np.float32)}, r"1 unknown \(first: model.extra"),
        (tensors | {name: np.zeros(3, np.float32)}, rf"1 of another shape \(first: {name}, \(3,\)"),
        (tensors | {name: tensors[name].astype(np.int32)}, f"{name} holds int32"),
    ):
        with pytest.raises(ValueError, match=said):
            built(preset, changed)


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"num_blocks": 10**9}, "which builds no network"),
        ({"num_blocks": 1000}, "more than 64 blocks"),
        ({"channel_mult": [1] * 40}, "more than 12 levels"),
        ({"model_channels": "many"}, "build no network"),
        ({"sigma_data": "large"}, "sigma_data is 'large', which isn't a number"),
        ({"model_type": "Transformer"}, "no architecture 'Transformer'"),
        ({"colour": 3}, "unknown key 'colour'"),
    ],
)
def test_keywords_that_build_nothing_are_refused(keywords: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        built(Preset(precond="EDMPrecond", init_kwargs=EDM | keywords), {})


def test_shapes_tell_a_flow_network_and_never_a_preconditioner() -> None:
    for name in ("torchcfm-cifar10", "flow-matching-cifar10", "edm-cifar10-32x32-uncond-vp"):
        preset = PRESETS[name]
        held = empty(preset).state_dict()
        shapes = {key: np.broadcast_to(np.float32(0), held[key].shape) for key in held}
        assert fits(preset, shapes)
        if preset.precond is None:
            assert described(checkpoint(shapes)) == preset
        else:
            with pytest.raises(ValueError, match=f"one of {name}, say so with --preset"):
                described(checkpoint(shapes))


def test_every_preset_builds_and_knows_its_images() -> None:
    for name, preset in PRESETS.items():
        kind = kind_of(empty(preset), preset)
        assert kind.shape in ((3, 32, 32), (3, 64, 64)), name
        sampler = recommended_sampler(80.0 if "edm" in name else 1.0, kind.shape)
        assert sampler.nfe == {True: {32: 35, 64: 79}[kind.shape[1]], False: 100}["edm" in name]


def test_a_name_or_a_reason_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="did you mean 'torchcfm-cifar10'"):
        described(checkpoint({}), "torchcfm-cifar")
    with pytest.raises(ValueError, match="no preset has its shapes"):
        described(checkpoint({"w": np.zeros(2)}))
    file, _ = pickled(tmp_path / "net.pkl", "VPPrecond", "adm")
    with pytest.raises(ValueError, match="leave --preset out"):
        described(read_checkpoint(file), "torchcfm-cifar10")


def test_a_pickles_attributes_are_its_noise_levels(tmp_path: Path) -> None:
    file, _ = pickled(tmp_path / "net.pkl", "VEPrecond", "ncsnpp")
    keywords = described(read_checkpoint(file)).init_kwargs
    assert keywords["sigma_min"] == 0.0  # of its attributes; no keyword says it
    assert "sigma_max" not in keywords  # infinite, which no config can hold


def test_a_velocity_of_the_literature_is_negated_and_runs_the_other_way() -> None:
    preset = Preset(init_kwargs=FLOW)
    net = built(preset, tensors_of(build_guided(FLOW)))
    field, x = ImportedVelocity(net), torch.randn(2, 3, 8, 8)
    assert torch.equal(field.velocity(x, torch.tensor(0.75)), -net(x, torch.tensor(0.25)))
    assert field.velocity(x, torch.tensor([0.1, 0.9])).shape == x.shape


@pytest.mark.parametrize(
    ("precond", "highest", "lowest"),
    [("EDMPrecond", 80.0, 0.0), ("VPPrecond", 80.0, 0.0009765625), ("VEPrecond", 80.0, 0.02)],
)
def test_a_field_begins_at_80_and_ends_at_the_lowest_level_that_it_knows(
    precond: str, highest: float, lowest: float
) -> None:
    field = field_of(precond)
    assert (field.noise_scale, field.t_noise) == (highest, highest)
    assert field.t_lowest == pytest.approx(lowest)
    assert field.rounded(0.123) == 0.123


def test_iddpm_begins_at_the_level_nearest_to_80() -> None:
    field = field_of("iDDPMPrecond", "adm")
    assert field.noise_scale == field.rounded(80.0) == pytest.approx(80.2037, abs=1e-4)
    assert field.t_lowest == pytest.approx(0.0064223, abs=1e-6)


@pytest.mark.parametrize("precond", PRECONDITIONERS)
def test_the_sampler_of_pairs_is_that_of_the_goldens(precond: str) -> None:
    field, label = field_of(precond, KINDS[precond]), torch.arange(2)
    noise = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():  # networks choose another memory layout where gradients are wanted
        golden = edm_solve(field.denoiser, noise, torch.eye(10)[:2], num_steps=8)
    x_T = noise.double() * field.noise_scale
    found = EdmHeun(num_steps=8).sample(field, x_T, label)
    assert (found.x_0 - golden.end).abs().max() <= 1e-12 * golden.end.abs().max()
    rounded = EdmHeun(num_steps=8).sample(field, x_T.float(), label)
    assert (rounded.x_0 - golden.end).abs().max() <= 2e-6 * golden.end.abs().max()


def test_what_is_trained_already_cannot_be_trained_and_knows_its_samples() -> None:
    plugin = ImportedTeacher(precond="EDMPrecond", init_kwargs=EDM, noise_std=80)
    assert (plugin.num_classes, plugin.noise_scale) == (10, 80)
    with pytest.raises(ValueError, match="is trained already"):
        plugin.objective((3, 8, 8))
    with pytest.raises(ValueError, match=r"makes samples of shape \(3, 8, 8\), not \(2,\)"):
        plugin.build((2,))
    with pytest.raises(ValueError, match="builds no network"):
        ImportedTeacher(precond="EDMPrecond", init_kwargs=EDM | {"num_blocks": 10**9})


def test_progress_of_the_samples_to_look_at_is_told_in_images() -> None:
    field, told = field_of("EDMPrecond"), list[int]()
    kind, sampler = kind_of(field.denoiser, Preset(init_kwargs=EDM)), EdmHeun(num_steps=3)
    images = samples_of(field, kind, sampler, count=6, report=told.append)
    again = samples_of(field, kind, sampler, count=6, report=lambda *_: None)
    assert (images.shape, images.dtype) == ((6, 3, 8, 8), np.uint8)
    assert told == [4, 6]
    assert np.array_equal(images, again)


def test_damage_is_seen(folder: Folder) -> None:
    tensors = tensors_of(build_guided(FLOW))
    write_imported(folder, packed(checkpoint(tensors), Preset(init_kwargs=FLOW)))
    data = bytearray(folder.read("model.safetensors"))
    data[-1] ^= 1
    folder.replace("model.safetensors", bytes(data))
    with pytest.raises(DamageError, match="is not what"):
        is_imported(folder)


def test_images_of_an_unknown_size_are_refused() -> None:
    keywords = {"in_channels": 3, "out_channels": 3, "model_channels": 32, "num_res_blocks": 1}
    preset = Preset(init_kwargs=keywords | {"attention_resolutions": [2], "channel_mult": [1]})
    net = built(preset, tensors_of(build_guided(preset.init_kwargs)))
    with pytest.raises(ValueError, match="add img_resolution"):
        kind_of(net, preset)


def test_a_files_name_becomes_a_teachers() -> None:
    assert default_name("edm-cifar10-32x32-cond-vp") == "edm-cifar10-32x32-cond-vp"
    assert default_name("otcfm_cifar10_weights_step_400000") == "otcfm-cifar10-weights-step-400000"
    assert default_name("§") == "imported"
