"""`kdm teacher import` of a pickle as large as EDM's CIFAR-10 networks, 223 MB: each step a process.

The pickle has the names, shapes and opcodes of the published one, and random numbers. CPU seconds
are of the step alone; those of starting Python and torch have a row of their own.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measured import Measured, measured, python

NAME = "edm-cifar10-32x32-cond-vp"
MAX_SECONDS, MAX_MB = 2, 700


def table() -> Iterator[str]:
    yield "| step | CPU, s | of it the step, s | peak memory, MB |"
    yield "|---|---:|---:|---:|"
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/{NAME}.pkl"
        measured("make the pickle", python("importer.make", file))
        yield _row(measured("start Python and torch", python("importer.start")))
        yield _row(measured("read and check", python("importer.read", file)))
        last = measured("import", python("importer.store", file, f"{folder}/home"))
        yield _row(last)
    seconds, megabytes = _own(last)
    yield ""
    yield "| what must hold | bar | measured |"
    yield "|---|---:|---:|"
    yield f"| CPU seconds of the import | ≤ {MAX_SECONDS} | {seconds:.2f} |"
    yield f"| peak memory, MB, torch's 230 with it | ≤ {MAX_MB} | {megabytes:.0f} |"
    assert seconds <= MAX_SECONDS
    assert megabytes <= MAX_MB


def make(file: str) -> None:
    """The pickle of a network with random numbers."""
    import numpy as np
    import torch

    from kdm.networks.build import build_edm
    from pairgen.checkpoints.build_presets import PRESETS
    from tests.edm_pickles import network, snapshot_of, write_snapshot

    preset, draw = PRESETS[NAME], np.random.default_rng(0)
    assert preset.precond is not None
    with torch.device("meta"):
        wanted = build_edm(preset.precond, preset.init_kwargs).state_dict()
    tensors = {name: draw.random(each.shape, np.float32) for name, each in wanted.items()}
    net = network(preset.precond, preset.init_kwargs, tensors)
    write_snapshot(Path(file), snapshot_of(net))


def start() -> None:
    import flows.commands.teacher  # noqa: F401

    _tell(time.process_time())


def read(file: str) -> None:
    """Without torch."""
    from pairgen.checkpoints import read_checkpoint

    begun = time.process_time()
    assert read_checkpoint(Path(file)).tensors
    _tell(begun)


def store(file: str, home: str) -> None:
    """Read, check, write, read back; without the picture, whose cost is the network's."""
    from flows.commands.teacher import import_teacher
    from flows.config.teacher_import import Import

    begun = time.process_time()
    import_teacher(Import(file, has_samples=False), home)
    _tell(begun)


def _tell(begun: float) -> None:
    # Not ru_maxrss: a child's begins at what its parent had.
    peak = int(Path("/proc/self/status").read_text(encoding="utf-8").split("VmHWM:")[1].split()[0])
    print(time.process_time() - begun, peak * 1024 / 1e6)


def _own(step: Measured) -> tuple[float, float]:
    seconds, megabytes = step.said.split()[-2:]
    return float(seconds), float(megabytes)


def _row(step: Measured) -> str:
    seconds, megabytes = _own(step)
    return f"| {step.step} | {step.cpu:.2f} | {seconds:.2f} | {megabytes:.0f} |"
