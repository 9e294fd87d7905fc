"""Samples of an exported network: a student's in one call, a teacher's in the steps of a scheduler.

The network's config says what noise and samples are. PyTorch and diffusers are all that is needed.
"""

from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline, ImagePipelineOutput
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image

OUTPUT_TYPES = ("latent", "pt", "np", "pil")


class ExportedPipeline(DiffusionPipeline):
    """Draws samples [n, *shape], float32; `scheduler` is there for teachers alone."""

    _optional_components = ["scheduler"]
    model_cpu_offload_seq = "network"

    def __init__(self, network: Any, scheduler: Any = None) -> None:
        super().__init__()
        self.register_modules(network=network, scheduler=scheduler)

    @torch.no_grad()
    def __call__(
        self,
        batch_size: int = 1,
        class_labels: Any = None,
        num_inference_steps: int | None = None,
        generator: torch.Generator | list[torch.Generator] | None = None,
        latents: torch.Tensor | None = None,
        output_type: str | None = None,
        return_dict: bool = True,
    ) -> Any:
        """`batch_size` samples from fresh noise, or one from each of `latents`.

        class_labels         a class number, or one for each sample; None: classes at random. Networks
                             without classes take none
        num_inference_steps  a teacher's steps; None: as it was exported. Students take none
        latents              noise [n, *shape], N(0, 1) times `network.config.noise_scale`
        output_type          'latent': values as in the training pairs [n, *shape]; 'pt' [n, C, H, W] and 'np'
                             [n, H, W, C]: pictures from 0 to 1; 'pil'. None: 'pil' for pictures of 1 or 3
                             channels, else 'latent'
        """
        config = self.network.config
        output_type = _output_type(output_type, config.shape)
        if latents is None:
            latents = config.noise_scale * randn_tensor(
                (batch_size, *config.shape),
                generator=generator,
                device=self._execution_device,
                dtype=torch.float32,
            )
        x = latents.to(self._execution_device)
        labels = _labels(class_labels, config.num_classes, len(x), x.device, generator)
        if self.scheduler is None:
            if num_inference_steps is not None:
                raise ValueError(
                    f"num_inference_steps {num_inference_steps}: the number of this student's network "
                    f"evaluations, {config.nfe}, was chosen when it was exported; leave it out"
                )
            x = self.network(x, *labels)
        else:
            x = self._carried(x, labels, num_inference_steps or config.num_steps)
        images = _shown(x, output_type, config.rounding)
        return ImagePipelineOutput(images=images) if return_dict else (images,)

    def _carried(self, x: torch.Tensor, labels: tuple[torch.Tensor, ...], num_steps: int) -> Any:
        """From noise to data in the scheduler's steps."""
        self._choose_steps(num_steps, x.device)
        for t in self.progress_bar(self.scheduler.timesteps):
            scaled = self.scheduler.scale_model_input(x, t) if self._scales_input else x
            x = self.scheduler.step(
                self.network(scaled, t.to(x).reshape(1), *labels), t, x
            ).prev_sample
        return x

    def _choose_steps(self, num_steps: int, device: torch.device) -> None:
        if self._scales_input:
            self.scheduler.set_timesteps(num_steps, device=device)
        else:  # the scheduler's own grid for flow matching ends at 1/1000, and wastes its last step
            even = np.linspace(1, 1 / num_steps, num_steps)
            self.scheduler.set_timesteps(sigmas=even, device=device)

    @property
    def _scales_input(self) -> bool:
        """Whether time is a noise level; that of flow matching runs from 1 to 0."""
        return hasattr(self.scheduler, "scale_model_input")


def _output_type(wanted: str | None, shape: list[int]) -> str:
    is_picture = len(shape) == 3
    if wanted is None:
        return "pil" if is_picture and shape[0] in (1, 3) else "latent"
    known = OUTPUT_TYPES if is_picture else OUTPUT_TYPES[:1]
    if wanted not in known:
        raise ValueError(f"output_type '{wanted}': samples of shape {list(shape)} have {known}")
    return wanted


def _labels(
    given: Any,
    num_classes: int,
    count: int,
    device: torch.device,
    generator: torch.Generator | list[torch.Generator] | None,
) -> tuple[torch.Tensor, ...]:
    """Class numbers [n] in a tuple, which is empty for a network without classes."""
    if not num_classes:
        if given is not None:
            raise ValueError("class_labels: this network distinguishes no classes; leave them out")
        return ()
    if given is None:
        if isinstance(generator, list):
            raise ValueError("class_labels are needed with a list of generators; give them")
        place = device if generator is None else generator.device
        drawn = torch.randint(num_classes, (count,), generator=generator, device=place)
        return (drawn.to(device),)
    labels = torch.as_tensor(given, device=device, dtype=torch.int64).reshape(-1)
    labels = labels.expand(count) if len(labels) == 1 else labels
    if len(labels) != count or labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"class_labels: give a number from 0 to {num_classes - 1}, or {count} of them, one a sample"
        )
    return (labels,)


def _shown(x: torch.Tensor, output_type: str, rounding: str) -> Any:
    """Samples from -1 to 1 as the chosen type; bytes are rounded as those of the training pairs."""
    if output_type == "latent":
        return x
    if output_type == "pil":
        scaled = (
            torch.floor(127.5 * x + 128) if rounding == "floor" else torch.round(127.5 * x + 127.5)
        )
        rows = scaled.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        grey = rows.shape[-1] == 1
        return [Image.fromarray(each[..., 0] if grey else each) for each in rows]
    pictures = (x / 2 + 0.5).clamp(0, 1)
    return pictures if output_type == "pt" else pictures.permute(0, 2, 3, 1).cpu().numpy()
