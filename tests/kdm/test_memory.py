"""Where maps and freed blocks lie in memory: it changes times, and no number beyond rounding."""

import subprocess
import sys

import pytest
import torch

from kdm.networks.build import build_edm
from kdm.networks.memory_format import settled

NETWORK = {"img_resolution": 32, "img_channels": 3, "model_type": "SongUNet", "num_blocks": 1}
NETWORK |= {"model_channels": 32, "channel_mult": [1, 1]}
ALLOCATE = """
import resource, sys, threading
import numpy as np
from kdm.freed_memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
def allocate(times):
    for _ in range(times):
        [np.ones(2**19) for _ in range(9)]
def count():
    allocate(3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    allocate(20)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
thread = threading.Thread(target=count)
thread.start()
thread.join()
"""


@pytest.mark.parametrize(
    ("side", "order"), [(32, torch.channels_last), (16, torch.contiguous_format)]
)
def test_a_map_lies_as_a_processor_likes_it(side: int, order: torch.memory_format) -> None:
    for made in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(2, 4, side, side).contiguous(memory_format=made)
        with torch.no_grad():
            found = settled(x)
        assert found.is_contiguous(memory_format=order)
        assert torch.equal(found, x)


def test_a_map_stays_as_it_is_where_gradients_are_wanted_in_another_arithmetic() -> None:
    x = torch.randn(2, 4, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        assert settled(x) is x
    assert settled(x).is_contiguous(memory_format=torch.channels_last)


def test_an_evaluation_gives_what_training_sees() -> None:
    torch.manual_seed(0)
    net, x, sigma = (
        build_edm("EDMPrecond", NETWORK).eval(),
        torch.randn(2, 3, 32, 32),
        torch.ones(1),
    )
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    with torch.no_grad():
        evaluated = net(x, sigma)
    trained = net(x, sigma)
    assert (evaluated - trained).abs().max() <= 1e-6 * trained.abs().max()


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of Linux is meant")
def test_freed_memory_serves_the_next_array() -> None:
    def faults(how: str) -> int:
        command = [sys.executable, "-c", ALLOCATE, how]
        return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    assert faults("kept") < 20 < faults("by default")


KEPT = """
import psutil
import numpy as np
from kdm.freed_memory import give_back_freed_memory, keep_freed_memory
keep_freed_memory()
def resident():
    return psutil.Process().memory_info().rss / 2**20
blocks = [np.ones(2**17) for _ in range(100)]  # of a MiB each
last = np.ones(2**17)  # behind them, so that the heap can't shrink by itself
del blocks
before = resident()
give_back_freed_memory()
print(before - resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_freed_memory_that_was_kept_is_given_back_when_asked_for() -> None:
    found = subprocess.run([sys.executable, "-c", KEPT], check=True, capture_output=True, text=True)
    assert float(found.stdout) > 80
