"""Wrong programs, one change each: a sign, a factor, an index, a term that is missing.

A mutant takes the place of a function's code for as long as a test looks, wherever that function is held.
"""

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import CodeType, FunctionType
from typing import NamedTuple


class Mutant(NamedTuple):
    place: str  # "module:Class.function" or "module:function"
    right: str  # part of the code, which is there once
    wrong: str

    @property
    def name(self) -> str:
        """For a test's report."""
        return f"{self.place.partition(':')[2]}: {self.right} -> {self.wrong}"


@contextmanager
def at_work(mutant: Mutant) -> Iterator[None]:
    """While it lasts, the function does what the mutant does."""
    function = _function(mutant.place)
    right = function.__code__
    function.__code__ = _changed(function, mutant)
    try:
        yield
    finally:
        function.__code__ = right


def _function(place: str) -> FunctionType:
    module, _, path = place.partition(":")
    found = import_module(module)
    for part in path.split("."):
        found = inspect.getattr_static(found, part)
    found = inspect.unwrap(getattr(found, "fget", found))
    assert isinstance(found, FunctionType)
    return found


def _changed(function: FunctionType, mutant: Mutant) -> CodeType:
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(mutant.right) == 1, (mutant, source.count(mutant.right))
    lines = source.replace(mutant.right, mutant.wrong).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("def "))
    made: dict[str, FunctionType] = {}
    text = "from __future__ import annotations\n" + "\n".join(lines[first:])
    exec(compile(text, function.__code__.co_filename, "exec"), function.__globals__, made)
    return made[function.__name__].__code__


def _mutants(changes: dict[str, list[tuple[str, str]]]) -> list[Mutant]:
    """By place, what is right and what is wrong."""
    return [Mutant(place, *change) for place, each in changes.items() for change in each]


STEP = {
    "factorised-uniform": _mutants(
        {
            "kdm.losses.spectral:inverse_loss": [
                ("re_re - im_im - identity", "re_re + im_im - identity"),
                ("return 2 *", "return 1 *"),
            ],
            "kdm.losses.spectral:spectral_loss": [(".mean()", ".sum()")],
            "kdm.operators:FactorisedOperator._pushed": [
                ("- eigenvalues[1] * u_im", "+ eigenvalues[1] * u_im"),
                ("F.linear(v_im, P[1])", "F.linear(v_im, P[0])"),
            ],
            "kdm.operators:FactorisedOperator.factors": [
                ("dim=2, keepdim", "dim=1, keepdim"),
                ("-torch.exp(self.nu)", "-0.999 * torch.exp(self.nu)"),
            ],
            "kdm.students.koopman_student:KoopmanStudent.terms": [
                ("trace.pushed[: len(trace.z_0)]", "trace.pushed[: len(trace.z_0)].flip(0)")
            ],
        }
    ),
    "adversary": _mutants(
        {
            "kdm.losses.adversarial:NonSaturating.critic_terms": [
                ("softplus(-critic(real))", "softplus(critic(real))")
            ],
            "kdm.losses.adversarial:NonSaturating._student_term": [
                ("softplus(-critic(fake))", "softplus(critic(fake))"),
                (".mean()", ".sum()"),
                (".mean()", ".mean() * 1.01"),
            ],
            "kdm.students.koopman_student:KoopmanStudent.trace": [
                (
                    "self._push(self._noisy(z_T), labels)",
                    "self._push(self._noisy(z_T), None if labels is None else labels.flip(0))",
                )
            ],
            "kdm.coders.unet_codes:UNetDecoder.forward": [("(1,), self.t", "(1,), self.t + 0.01")],
            "kdm.losses.discriminator:Discriminator.forward": [
                ("self.model(x)", "self.model(x * 1.0001)")
            ],
            "kdm.losses.adversarial:_frozen": [
                ("parameters, seen)", "parameters, tuple(x.detach() for x in seen))")
            ],
        }
    ),
    "huber": _mutants(
        {
            "kdm.objective:weighted": [("total = total + part", "total = total - part")],
            "kdm.coders.unet_codes:UNetEncoder.forward": [("(1,), self.t", "(1,), 0 * self.t")],
            "kdm.networks.attention:_rows": [(".contiguous()", ".flip(2).contiguous()")],
        }
    ),
}
NETWORK = {
    "edm/edm_ncsnpp_uncond": _mutants(
        {
            "kdm.networks.preconditioning:edm_coefficients": [
                ("sigma_data**2 / variance", "sigma_data**2 / variance * 1.0001"),
                ("sigma.log() / 4", "sigma.log() / 4.001"),
            ],
            "kdm.networks.song_unet:SongUNet._down": [("(x + layer(aux))", "(x - layer(aux))")],
            "kdm.networks.song_unet:SongUNet._up": [
                ("[x, skips.pop()]", "[x, skips.pop().flip(1)]")
            ],
            "kdm.networks.edm_layers:_waves": [("if sine_first", "if not sine_first")],
            "kdm.networks.edm_layers:Block._sum": [
                ("self._style.scale)", "self._style.scale * 0.9999)")
            ],
            "kdm.networks.edm_layers:Block._modulated": [("h.add_(row)", "h.add_(-row)")],
            "kdm.networks.edm_layers:Conv._depthwise": [
                ("expand(x.shape[1]", "flip(2).mul(1.0001).expand(x.shape[1]")
            ],
            "kdm.networks.edm_layers:Norm.forward": [
                ("bias, self._eps)\n    return F", "bias, self._eps)\n    return 1.0001 * F")
            ],
            "kdm.solvers.tableau:Tableau.step": [("at = t_next if", "at = t if")],
            "kdm.published.golden_samplers:edm_sigmas": [("(num_steps - 1)", "num_steps")],
        }
    ),
    "fm/torchcfm_unet": _mutants(
        {
            "kdm.networks.guided_unet:_waves": [
                ("[angles.cos(), angles.sin()]", "[angles.sin(), angles.cos()]")
            ],
            "kdm.networks.guided_layers:AttentionBlock.forward": [("return x + ", "return x - ")],
            "kdm.networks.guided_unet:GuidedUNet._embedding": [
                ("self.time_embed(_waves(t,", "self.time_embed(_waves(t * 1.0005,")
            ],
            "kdm.solvers.dopri5:Tolerance.at": [("self.absolute +", "30 * self.absolute +")],
            "kdm.solvers.tableau:Tableau.step": [("float(node) * h", "float(node) * h / 2.1 * 2")],
        }
    ),
}
