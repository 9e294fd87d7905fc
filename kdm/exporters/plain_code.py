"""A program of torch.export as the Python code of one `forward`, which needs PyTorch alone, and its weights.

    x_t, label → x_0^:   a line for each operation, as in `div = torch.ops.aten.div.Tensor(x_t, 80.0)`

Weights are attributes, as in `self.network.matrix`. Tensors that an operation makes lie where its input lies.
"""

from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.fx.graph import CodeGen

_CHECKS = (
    "_assert_tensor_metadata",
    "_assert_scalar",
    "sym_constrain_range_for_size",
    "promote_types",
)


class PlainCode(NamedTuple):
    """The code, what it needs, and the same code to be called."""

    forward: str  # def forward(self, …) with its lines
    weights: dict[str, Tensor]  # by the name that follows `self.`
    module: nn.Module

    def called(self, x_T: NDArray[Any], label: NDArray[Any] | None) -> NDArray[Any]:
        """What the code makes of x_T [n, *shape] and labels [n], on the CPU."""
        given = [torch.from_numpy(each) for each in (x_T, label) if each is not None]
        with torch.no_grad():
            made: NDArray[Any] = self.module(*given).numpy()
        return made


def plain_code(program: ExportedProgram) -> PlainCode:
    """The program's operations and weights; a ValueError if it contains programs, such as a loop's."""
    module = program.module(check_guards=False)
    assert isinstance(module, fx.GraphModule)
    graph = module.graph
    graph.set_codegen(CodeGen())  # without the code that packs and unpacks arguments
    for node in list(graph.nodes):
        if _is_check(node):
            graph.erase_node(node)
        elif node.op == "output":
            ((made,),) = node.args
            node.args = (made,)
    _follow_input(graph)
    module.recompile()
    names = [str(node.target) for node in graph.nodes if node.op == "get_attr"]
    return PlainCode(
        forward=graph.python_code("self").src.strip(),
        weights={name: _tensor(module, name) for name in names},
        module=module,
    )


def _is_check(node: fx.Node) -> bool:
    """Whether an operation only compares what the tracer has assumed; a sampler checks nothing."""
    if node.op == "call_module":
        return not node.users
    name = getattr(node.target, "__name__", "").partition(".")[0]
    return node.op == "call_function" and not node.users and name in _CHECKS


def _follow_input(graph: fx.Graph) -> None:
    """Replace the traced device by that of the first input."""
    first = next(node for node in graph.nodes if node.op == "placeholder")
    with graph.inserting_before(next(node for node in graph.nodes if node.op == "call_function")):
        device = graph.call_function(getattr, (first, "device"))

    def placed(value: object) -> object:
        return device if isinstance(value, torch.device) else value

    for node in graph.nodes:
        if node.op == "call_function" and node is not device:
            node.args = tuple(placed(each) for each in node.args)
            node.kwargs = {name: placed(each) for name, each in node.kwargs.items()}
    if not device.users:
        graph.erase_node(device)


def _tensor(module: nn.Module, name: str) -> Tensor:
    value: object = module
    for part in name.split("."):
        value = getattr(value, part)
    if not isinstance(value, Tensor):
        raise ValueError(
            f"its sampling contains a program of its own ({name[:80]}), as loops of torch and autocast are; "
            "choose --to torch-export"
        )
    return value
