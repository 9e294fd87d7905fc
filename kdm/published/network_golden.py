"""Proof of a network against a numeric golden: published inputs, weights and outputs in one .npz.

`meta` (JSON) names the network, `w/NAME` are its weights, the other arrays inputs and outputs. Errors
are the largest difference over the largest reference value; of uint8 images, how far the float image
is outside the interval that truncates to them, over 255.

Of a denoiser (EDM) the inputs are x, sigma, labels and latents; the outputs D_θ, F_θ and c_noise at each
noise level, variants of a call, and samples by Heun's and Euler's methods. Of a velocity (flow matching) the
inputs are noise, t and labels; the outputs v_θ at several times, and samples by fixed and adaptive steps.

Single evaluations are made in float64 and in float32 (golden_rounding.py says why). Samples are made in
float32 alone: their round-off is a thirtieth of the tolerance, and float64 takes three times as long.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kdm.networks.build import build_edm, build_velocity
from kdm.networks.preconditioning import Preconditioner
from kdm.published import golden_samplers as solvers
from kdm.published.golden_rounding import Compared, beside
from kdm.solvers.dopri5 import Tolerance, dopri5
from kdm.solvers.rules import EULER, HEUN, MIDPOINT
from kdm.solvers.tableau import Tableau

FORWARD_TOLERANCE = 5e-6  # a wrong epsilon in a norm moves outputs by 1.6e-5
SAMPLER_TOLERANCE = 1e-5
# Of steps of 1e-5. The error of a short first step is round-off in float32, and so is the length of the
# second: with float64's, two thirds longer, a golden's result moves by 4.6e-5.
ADAPTIVE_TOLERANCE = 1e-4
EDM_INPUTS = ("x", "labels", "sigma", "augment_labels", "seeds", "latents", "sample_labels")
FLOW_LABELS = ("labels", "label", "y")
FLOW_INPUTS = ("noise", "t", "edm_grid10", "seeds", *FLOW_LABELS)
SOLVED = ("heun", "euler", "midpoint", "dopri5")  # how the names of sampled arrays begin

Output = Callable[[], Tensor]


@dataclass(frozen=True)
class Golden:
    """The contents of the file: `meta`, the network's weights by name, and all other arrays."""

    meta: dict[str, Any]
    weights: dict[str, Tensor]
    arrays: dict[str, Tensor]

    @classmethod
    def read(cls, path: str) -> "Golden":
        """The golden of an .npz file, in which nothing is unpickled; a ValueError for another file."""
        with np.load(path, allow_pickle=False) as file:
            if "meta" not in file:
                raise ValueError(f"{path} isn't a golden: it lacks the array 'meta'")
            meta = json.loads(str(file["meta"]))
            held = {name: torch.from_numpy(file[name]) for name in file.files if name != "meta"}
        weights = {name[2:]: held.pop(name) for name in list(held) if name.startswith("w/")}
        return cls(meta, weights, held)

    def inputs(self, dtype: torch.dtype) -> dict[str, Tensor]:
        """The arrays, those of float32 converted to this type."""
        return {
            name: each.to(dtype) if each.dtype == torch.float32 else each
            for name, each in self.arrays.items()
        }

    def network(self) -> nn.Module:
        """The network that `meta` describes, with the golden's weights, in evaluation mode."""
        precond, keywords = self.meta.get("precond"), self.meta["init_kwargs"]
        net = build_edm(precond, keywords) if precond else build_velocity(keywords)
        net.load_state_dict(self.weights, strict=True)
        return net.eval()


def check_golden(path: str) -> list[Compared]:
    """The error of every output array that this project can compute; `unchecked` lists the others."""
    return list(each_of(path))


def each_of(path: str) -> Iterator[Compared]:
    """The same comparisons, each made on demand."""
    golden = Golden.read(path)
    exact, plain = (_outputs(golden, dtype) for dtype in (torch.float64, torch.float32))
    for name in plain:
        if name in golden.arrays:
            yield _beside(name, golden.arrays[name], exact[name], plain[name])


@torch.no_grad()
def _beside(name: str, array: Tensor, exact: Output, plain: Output) -> Compared:
    """One array compared with ours; what solvers make of noise is computed in float32 alone."""
    if name.startswith(SOLVED):
        return Compared(name, error(plain(), array), tolerance(name))
    return beside(name, array, (exact(), plain()), tolerance(name), error)


def unchecked(path: str) -> list[str]:
    """Names of the arrays that aren't inputs or computed here, such as samples with churn."""
    golden = Golden.read(path)
    known = _outputs(golden, torch.float32).keys() | {*EDM_INPUTS, *FLOW_INPUTS}
    return [name for name in golden.arrays if name not in known]


def tolerance(name: str) -> float:
    """The error that an array of this name may have."""
    if name.startswith("dopri5"):
        return ADAPTIVE_TOLERANCE
    return SAMPLER_TOLERANCE if name.startswith(SOLVED) else FORWARD_TOLERANCE


def error(computed: Tensor, reference: Tensor) -> float:
    """The largest difference over the largest reference value; infinity if shapes differ.

    For bytes: how far a value is from the interval that is rounded down to the byte, over 255.
    """
    if computed.shape != reference.shape:
        return float("inf")
    if reference.dtype == torch.uint8:
        scaled = (computed.double() * 127.5 + 128).clip(0, 255)
        low = reference.double()
        return float(torch.maximum(low - scaled, scaled - low - 1).clip(min=0).max()) / 255
    difference = (computed.double() - reference.double()).abs().max()
    return float(difference / reference.double().abs().max())


def _outputs(golden: Golden, dtype: torch.dtype) -> dict[str, Output]:
    """By name, how each output of a golden's network is computed in this number type."""
    net, held = golden.network().to(dtype), golden.inputs(dtype)
    if isinstance(net, Preconditioner):
        return _forwards(net, held) | _samples(net, held)
    return _velocities(net, held)


def _forwards(net: Preconditioner, held: dict[str, Tensor]) -> dict[str, Output]:
    """D_θ and F_θ at each noise level, at two at once, without labels, and with augmentations."""
    x, labels, sigmas = held["x"], held.get("labels"), held["sigma"]

    @cache
    def at_levels() -> tuple[Tensor, Tensor]:
        """D and F at each σ."""
        raw: list[Tensor] = []
        hook = net.model.register_forward_hook(lambda _module, _given, made: raw.append(made))
        made = [net(x * (s**2 + 0.25).sqrt().to(x), s[None], labels) for s in sigmas]
        hook.remove()
        return torch.stack(made), torch.stack(raw)

    one = torch.tensor([0.5], dtype=torch.float64)
    mixed = torch.tensor([0.3, 7.0], dtype=torch.float64)
    return {
        "denoised": lambda: at_levels()[0],
        "F_x": lambda: at_levels()[1][:, :, : held["F_x"].shape[2]],
        "c_noise": lambda: net.coefficients(sigmas.to(x)).noise.double(),
        "denoised_mixed_sigma": lambda: net(x, mixed, labels),
        "denoised_label_none": lambda: net(x, one, None),
        "denoised_augment": lambda: net(x, one, labels, held["augment_labels"]),
    }


def _samples(net: Preconditioner, held: dict[str, Tensor]) -> dict[str, Output]:
    """Ends and noise levels of EDM's solvers (Karras et al. 2022, Algorithm 1) from the golden's noise."""
    solve = partial(solvers.edm_solve, net, held["latents"], held.get("sample_labels"))
    made: dict[int, solvers.Trajectory] = {}

    def heun(num_steps: int) -> solvers.Trajectory:
        if num_steps not in made:
            made[num_steps] = solve(num_steps=num_steps)
        return made[num_steps]

    return {
        "heun18": lambda: heun(18).end,
        "heun18_sigmas": lambda: heun(18).sigmas,
        "heun18_uint8": lambda: heun(18).end.permute(0, 2, 3, 1),
        "heun18_inputs_first2": lambda: heun(18).inputs,
        "heun40": lambda: heun(40).end,
        "euler_abl18": lambda: solve(num_steps=18, is_heun=False).end,
    }


def _velocities(net: nn.Module, held: dict[str, Tensor]) -> dict[str, Output]:
    """v_θ at single and mixed times, and the ends of flow matching's solvers from the golden's noise."""
    x, times, mixed = held["noise"], held["t"], torch.tensor([0.0, 0.3, 0.6, 1.0])
    label = next((held[name].long() for name in FLOW_LABELS if name in held), None)

    def v(x: Tensor, t: Tensor, label: Tensor | None = label) -> Tensor:
        velocity: Tensor = net(x, t.to(x.dtype), label)
        return velocity

    def solved(rule: Tableau, grid: Tensor) -> Output:
        return lambda: solvers.flow_solve(v, x, grid, rule)

    return {
        "velocity": lambda: torch.stack([v(x, t.expand(len(x))) for t in times]),
        "velocity_mixed_t": lambda: v(x, mixed),
        "velocity_scalar_t": lambda: v(x, torch.tensor(0.3)),
        "velocity_t05_no_label": lambda: v(x, torch.tensor(0.5), None),
        "euler10": solved(EULER, _grid(10)),
        "euler100_grid": solved(EULER, _grid(100)),
        "midpoint10": solved(MIDPOINT, _grid(10)),
        "dopri5_1e-5": lambda: dopri5(v, x, Tolerance(1e-5, 1e-5)),
        "heun2_edm10": solved(HEUN, held["edm_grid10"]),
    }


def _grid(num_steps: int) -> Tensor:
    return torch.linspace(0, 1, num_steps + 1, dtype=torch.float64)
