"""One torch thread against two for a step of the checkerboard student, interleaved in one run."""

import statistics
import time
from collections.abc import Iterator

import torch

from flows.config.load import load_recipe
from kdm.batch import Batch
from kdm.objective import Player
from storage.records import PairSchema

NUM_STEPS = 200


def table() -> Iterator[str]:
    student = load_recipe("checkerboard").students[0]
    yield "| batch | 1 thread, ms (CPU ms) | 2 threads, ms (CPU ms) | wall, 2 threads to 1 |"
    yield "|---:|---:|---:|---:|"
    for batch_size in (student.training.batch_size, 4096):
        (player,) = student.model.build(PairSchema(shape=(2,))).objective().players
        rounds = [[_step_ms(player, batch_size, number) for number in (1, 2)] for _ in range(5)]
        one, two = (
            tuple(statistics.median(values) for values in zip(*column, strict=True))
            for column in zip(*rounds, strict=True)
        )
        yield (
            f"| {batch_size} | {one[0]:.2f} ({one[1]:.2f}) | {two[0]:.2f} ({two[1]:.2f}) "
            f"| {two[0] / one[0]:.2f} |"
        )
    torch.set_num_threads(1)


def _step_ms(player: Player, batch_size: int, num_threads: int) -> tuple[float, float]:
    torch.set_num_threads(num_threads)
    adam = torch.optim.Adam(player.module.parameters(), fused=True)
    batch = Batch(
        torch.arange(batch_size), torch.randn(batch_size, 2), torch.randn(batch_size, 2), None
    )
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(NUM_STEPS):
        adam.zero_grad()
        player.loss(batch).total.backward()
        adam.step()
    scale = 1000 / NUM_STEPS
    return (time.perf_counter() - wall) * scale, (time.process_time() - cpu) * scale
