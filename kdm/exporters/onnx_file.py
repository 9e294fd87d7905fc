"""A program as an ONNX file, by torch's exporter, and ONNX Runtime to run it.

Facts about the student are the model's `metadata_props`, each as JSON. Inputs are `x_T` and `label`, the
output is `x_0`.
"""

import json
import warnings
from importlib import import_module
from typing import Any

import torch
from numpy.typing import NDArray
from torch.export import ExportedProgram

from kdm.exporters.form import Facts, Run
from kdm.exporters.integers_in_onnx import translations

_MOST_BYTES = 2**31 - 2**24  # a protobuf file has at most 2 GiB; some for the operations


def onnx_bytes(program: ExportedProgram, facts: Facts) -> bytes:
    """The file; a ValueError if it would be too large."""
    num_bytes = sum(each.nbytes for each in program.state_dict.values())
    if num_bytes > _MOST_BYTES:
        raise ValueError(
            f"its weights are {num_bytes:,} bytes, and one ONNX file holds at most {_MOST_BYTES:,}; "
            "choose --to torch-export"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's exporter warns of its own code
        made = torch.onnx.export(
            program,
            input_names=["x_T", "label"][: len(program.graph_signature.user_inputs)],
            output_names=["x_0"],
            dynamo=True,
            external_data=False,
            verbose=False,
            custom_translation_table=translations(),
        )
    assert made is not None
    model = made.model_proto
    _forget_origins(model)
    for name, value in facts.items():
        model.metadata_props.add(key=name, value=json.dumps(value))
    written: bytes = model.SerializeToString()
    return written


def open_onnx(data: bytes) -> Run:
    """The program of a file's bytes, on the CPU and one thread."""
    runtime: Any = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def run(x_T: NDArray[Any], label: NDArray[Any] | None) -> NDArray[Any]:
        given = dict(zip(names, (x_T, label), strict=False))
        made: NDArray[Any] = session.run(["x_0"], given)[0]
        return made

    return run


def _forget_origins(model: Any) -> None:
    """Leave out what torch notes beside operations and values: lines of code, shapes, its own names."""
    graphs = [model.graph, *model.functions]
    for graph in graphs:
        del graph.metadata_props[:]
        del graph.value_info[:]  # shapes between operations, which a runtime works out itself
        for node in graph.node:
            del node.metadata_props[:]
    for each in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del each.metadata_props[:]
    del model.metadata_props[:]
