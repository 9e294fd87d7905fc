"""The published training loop of KDM, from the clone that a user has: nothing of it is in this project."""

import argparse
import importlib
import itertools
import json
import sys
from collections import defaultdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from benchmarks.sides import answer
from benchmarks.step_inputs import CRITIC, PAIRS, TRUNK, WEIGHTS
from kdm.losses.lpips_weights import head_weights
from kdm.published.tensor_names import to_published
from kdm.torchvision_import import import_torchvision

_NEVER = 10**9  # iterations before its own evaluation
_TARGETS = "penalties.targets"


class LpipsStandIn(nn.Module):
    """For `piq.LPIPS` as the published code calls it (average pools, no reduction), by another VGG16."""

    def __init__(self, trunk: str, **_chosen: object) -> None:
        super().__init__()
        import_torchvision()
        from torchvision import models

        with torch.device("meta"):
            self.model = models.vgg16(weights=None).features
        self.model.load_state_dict(_features(torch.load(trunk)), assign=True)
        for name, layer in list(self.model.named_children()):
            if isinstance(layer, nn.MaxPool2d):
                setattr(self.model, name, nn.AvgPool2d(2, 2))
        self.model.requires_grad_(False)
        # Neither parameters nor buffers there either.
        self.heads = [head.view(1, -1, 1, 1) for head in head_weights("vgg")]
        self.mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        self.deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """[n] distances of pictures of 0 … 1."""
        layers = zip(self.heads, self._units(x), self._units(y), strict=True)
        parts = [((a - b).square() * head.to(a)).mean((2, 3)) for head, a, b in layers]
        return torch.cat(parts, 1).sum(1)

    def _units(self, x: Tensor) -> list[Tensor]:
        x, units = (x - self.mean.to(x)) / self.deviation.to(x), []
        for name, layer in self.model.named_children():
            x = layer(x)
            if name in ("3", "8", "15", "22", "29"):  # the last ReLU before each pool
                units.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return units


class _Notes:
    """In the place of its loggers: losses by name, one each iteration."""

    def __init__(self) -> None:
        self.losses: dict[str, list[float]] = defaultdict(list)

    def log(self, name: str, value: float, _iteration: int) -> None:
        self.losses[name].append(value)


def serve(clone: str, folder: str, config: str, device: str) -> None:
    """Its training loop, an iteration a turn."""
    loop = _loop(clone, folder, config, device)
    loop.iterations = 1

    def step() -> None:
        loop.train()
        if device == "cuda":
            torch.cuda.synchronize()

    answer({"step": step})


def losses(clone: str, folder: str, config: str, num_steps: str) -> None:
    """Print those of its first iterations, without latent noise and dropout."""
    loop = _loop(clone, folder, config, "cpu")
    loop.iterations, loop.print_every = int(num_steps), 1
    loop.model.noisy_latent = 0
    for module in loop.model.modules():
        if hasattr(module, "dropout"):
            module.dropout = 0
    loop.train()
    print(json.dumps(loop.logger.losses))


def _loop(clone: str, folder: str, config: str, device: str) -> Any:
    torch.set_num_threads(1)
    sys.path.insert(0, clone)
    _stand_in(folder)
    if device == "cpu":  # the loop asks for a GPU by name
        nn.Module.cuda = lambda module, *_device: module  # type: ignore[method-assign]
    options = _options(config)
    made = importlib.import_module("utils.loading_models").create_distillation_model
    model = made(options.distillation_model, options).to(device)
    _load(model, folder)
    loop = importlib.import_module("trainer.trainer").TrainLoop(
        model=model,
        train_data=_batches(folder),
        test_data=None,
        batch_size=options.batch_size,
        device=torch.device(device),
        output_dir=folder,
        logger=_Notes(),
        dataset_name=options.dataset,
        lr=options.lr,
        print_every=_NEVER,
        data_shape=options.data_shape,
        advers=options.advers,
        advers_w=options.advers_w,
    )
    loop.discriminator.load_state_dict(safetensors.torch.load_file(f"{folder}/{CRITIC}"))
    return loop


def _stand_in(folder: str) -> None:
    """For packages that it imports: piq always, its evaluation's where it is not installed."""
    name = Path(folder, TRUNK).read_text(encoding="utf-8")
    trunk = f"{folder}/{name}"
    _module("piq", LPIPS=partial(LpipsStandIn, trunk))
    if find_spec("pytorch_image_generation_metrics") is None:
        _module("pytorch_image_generation_metrics", get_inception_score_and_fid=None)


def _module(name: str, **held: object) -> None:
    module = ModuleType(name)
    vars(module).update(held)
    sys.modules[name] = module


def _options(config: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    importlib.import_module(f"configs.koopman.{config}").load_arguments(parser)
    return parser.parse_args([])


def _load(model: nn.Module, folder: str) -> None:
    ours = safetensors.torch.load_file(f"{folder}/{WEIGHTS}")
    targets = ours.pop(_TARGETS, None)
    told = model.load_state_dict(to_published(ours, has_linear=False), strict=False)
    assert not told.unexpected_keys
    assert all(name.startswith("lpips.") for name in told.missing_keys)
    if targets is not None:
        model.uniform_vec = torch.complex(*targets)


def _batches(folder: str) -> Any:
    """The same pairs for ever; labels that aren't numbers mean none."""
    pairs = np.load(f"{folder}/{PAIRS}")
    x_0, x_T = (torch.from_numpy(pairs[name]) for name in ("x_0", "x_T"))
    return itertools.repeat((x_0, x_T, torch.full((len(x_0),), torch.nan)))


def _features(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("features."): each for name, each in weights.items()}
