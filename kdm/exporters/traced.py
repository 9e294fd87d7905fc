"""A student's sampling as a program of torch.export: tensor operations and weights, without code of ours.

    program: x_T float32 (n, *shape), label int64 (n,) if it distinguishes classes → x_0^ (n, *shape)

n is free. Kernels of our own are left out, since no other program has them.
"""

import torch
from torch import nn
from torch.export import Dim, ExportedProgram, export

from kdm.networks.plain import plain_kernels
from kdm.students.sampler import ByteSampler
from kdm.students.student import Student
from storage.records import PairSchema, Rounding

NUM_TRACED = 7  # samples: no size of a network, which a free number would be taken for


def traced(student: Student, schema: PairSchema, *, rounding: Rounding = "none") -> ExportedProgram:
    """The program for pairs of this schema; with `rounding` it gives bytes, uint8.

    Raises a ValueError if the student can't be traced.
    """
    with plain_kernels(), torch.no_grad():
        sampler = student.sampler()
    sampler = sampler if rounding == "none" else ByteSampler(sampler, rounding)
    given: tuple[torch.Tensor, ...] = (torch.zeros(NUM_TRACED, *schema.shape),)
    if student.num_classes:
        given = (*given, torch.zeros(NUM_TRACED, dtype=torch.int64))
    return program_of(sampler, given, f"a {type(student).__name__}")


def program_of(module: nn.Module, given: tuple[torch.Tensor, ...], what: str) -> ExportedProgram:
    """The program of a module's `forward`; the length of arguments of NUM_TRACED samples is free.

    Raises a ValueError, which names `what`, if it can't be traced.
    """
    free = Dim("n", min=1)
    dynamic = tuple({0: free} if each.shape[0] == NUM_TRACED else None for each in given)
    with plain_kernels(), torch.no_grad():
        try:
            program = export(module.eval(), given, dynamic_shapes=dynamic, strict=False)
        except RuntimeError as error:  # of torch's tracer, whose own kinds are private
            reason = str(error).strip().splitlines()[0]
            raise ValueError(
                f"{what} can't be exported: torch.export can't follow its sampling ({reason[:200]})"
            ) from error
    _forget_origins(program)
    return program


def _forget_origins(program: ExportedProgram) -> None:
    """Leave out which line of which file each operation comes from, and the traced samples.

    Lines are longer than the operations, and name folders of this machine.
    """
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                for name in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn"):
                    node.meta.pop(name, None)
    program.example_inputs = None
