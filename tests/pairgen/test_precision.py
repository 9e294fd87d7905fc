"""The arithmetic of networks: set exactly, taken back, and near float32 where it is not that."""

import pytest
import torch
from torch import Tensor, nn

from kdm.networks.build import build_edm, build_guided
from pairgen.precision import arithmetic
from pairgen.samplers.heun import Heun
from pairgen.teachers.edm import EdmTeacher
from pairgen.teachers.edm_field import EdmField
from pairgen.teachers.flow_matching import FlowMatchingTeacher
from pairgen.teachers.gaussian import GaussianTeacher
from pairgen.teachers.imported_network import ImportedVelocity
from pairgen.teachers.teacher import Teacher

CPU = torch.device("cpu")
SMALL = {"model_channels": 32, "channel_mult": [1, 2], "num_blocks": 1, "attn_resolutions": [4]}
SONG = {"img_resolution": 8, "img_channels": 3, **SMALL}
GUIDED = {"dim": [3, 8, 8], "num_channels": 32, "num_res_blocks": 1, "channel_mult": [1, 2]}


def filled(net: nn.Module) -> nn.Module:
    """No weight is 0, so that all of it counts."""
    torch.manual_seed(0)
    for weight in net.parameters():
        nn.init.normal_(weight, std=0.05)
    return net.eval().requires_grad_(False)


TEACHERS = {
    "edm points": lambda: filled(EdmTeacher().build((2,))),
    "flow matching": lambda: filled(FlowMatchingTeacher().build((2,))),
    "song": lambda: EdmField(filled(build_edm("EDMPrecond", SONG | {"model_type": "SongUNet"}))),
    "adm": lambda: EdmField(filled(build_edm("iDDPMPrecond", SONG))),
    "guided": lambda: ImportedVelocity(filled(build_guided(GUIDED))),
}


def state(kind: str) -> Tensor:
    shape = (2,) if kind in ("edm points", "flow matching") else (3, 8, 8)
    return torch.randn(4, *shape, generator=torch.Generator().manual_seed(1))


def fail_within(field: Teacher) -> None:
    with arithmetic("tf32", field, torch.device("cuda")):
        assert flags() == ("high", True)
        raise RuntimeError("out of memory")


def flags() -> tuple[str, bool]:
    return torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("kind", TEACHERS)
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_narrow_network_answers_nearly_as_a_float32_one_and_in_the_same_type(kind, precision):
    field, t = TEACHERS[kind](), torch.tensor(0.5)
    exact = field.velocity(state(kind), t)
    with arithmetic(precision, field, CPU):
        near = field.velocity(state(kind), t)
    assert near.dtype == torch.float32
    assert 0 < (near - exact).abs().max() < 0.05 * exact.abs().max()
    assert torch.equal(field.velocity(state(kind), t), exact)


def test_a_solvers_state_keeps_its_type_whatever_the_network_works_in():
    field = TEACHERS["flow matching"]()
    with arithmetic("bfloat16", field, CPU):
        x_0 = Heun().sample(field, state("flow matching")).x_0
    assert x_0.dtype == torch.float32
    assert not torch.equal(x_0, x_0.bfloat16().float())


def test_float32_means_it_while_it_lasts_and_nothing_stays(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    torch.set_float32_matmul_precision("high")
    field = GaussianTeacher().build((2,))
    try:
        with arithmetic("float32", field, CPU):
            assert flags() == ("highest", False)
        assert flags() == ("high", True)
    finally:
        torch.set_float32_matmul_precision("highest")


def test_tf32_is_set_for_products_and_convolutions_and_taken_back_after_a_failure():
    field, before = GaussianTeacher().build((2,)), flags()
    with pytest.raises(RuntimeError, match="out of memory"):
        fail_within(field)
    assert (flags(), field.dtype) == (before, torch.float32)


def test_tf32_on_a_cpu_is_refused():
    with (
        pytest.raises(ValueError, match="'tf32', which needs a GPU, but the device is 'cpu'"),
        arithmetic("tf32", GaussianTeacher().build((2,)), CPU),
    ):
        pass
