"""What engines cost a shard beyond the work, and what two workers gain over one.

Every engine is warm when the clock starts: each worker has loaded its teacher and made a shard. The first
table has tiny shards of a field known in closed form; what a shard takes beyond `threads` with one worker is
the engine's own. The second has the network of the recipe `digits`, trained for two steps.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from flows.config.load import load_recipe
from flows.documents.timings import machine
from flows.generation.engine import Engine
from flows.generation.engines import start_of
from flows.generation.unit import Unit
from flows.generation.units import Units
from flows.generation.work import Announcement, Work
from flows.stage import Run
from flows.stages.pair_spec import pair_spec
from flows.stages.train_teacher import train_teacher
from storage.folders import folder_at

NUM_TINY, TINY_ENGINES = 200, ("threads", "processes", "dask")
NUM_DIGITS = 12  # shards
TINY = [
    "teacher={name: gaussian, model: {plugin: gaussian}}",
    "pairs.sampler={plugin: euler, num_steps: 2}",
    "pairs.layout=wds-32",
    "pairs.sampling_batch=32",
]
DIGITS = [
    "teacher.training.num_steps=2",
    "pairs.pairs.x_0_dtype=float32",
    "pairs.pairs.rounding=none",
    "pairs.pairs.value_range=[-1e6, 1e6]",
    "pairs.layout=wds-256",
    "pairs.sampling_batch=256",
]


def table() -> Iterator[str]:
    """Both tables."""
    yield f"On {machine()}."
    yield ""
    yield f"{NUM_TINY} shards of 32 pairs, one worker:"
    yield ""
    yield "| engine | ms a shard | beyond `threads` |"
    yield "|---|---:|---:|"
    with tempfile.TemporaryDirectory() as folder:
        tiny = _work("tiny", [*TINY, f"pairs.train={32 * (NUM_TINY + 16)}"], folder)
        seconds = {name: _seconds(tiny, name, 1, NUM_TINY, folder)[0] for name in TINY_ENGINES}
    for name, each in seconds.items():
        beyond = each - seconds["threads"]
        yield f"| {name} | {1000 * each / NUM_TINY:.1f} | {1000 * beyond / NUM_TINY:.1f} |"
    yield ""
    yield f"{NUM_DIGITS} shards of 256 pairs with the network of `digits`:"
    yield ""
    yield "| engine | workers | pairs/s | of one worker | peak memory a worker, MiB |"
    yield "|---|---:|---:|---:|---:|"
    with tempfile.TemporaryDirectory() as folder:
        digits = _work("digits", [*DIGITS, f"pairs.train={256 * (NUM_DIGITS + 16)}"], folder)
        one = 0.0
        for name, workers in [("processes", 1), ("processes", 2), ("dask", 2), ("threads", 1)]:
            took, memory = _seconds(digits, name, workers, NUM_DIGITS, folder)
            rate = 256 * NUM_DIGITS / took
            one = rate if (name, workers) == ("processes", 1) else one
            of_one = f"{rate / one:.2f}" if one else ""
            yield f"| {name} | {workers} | {rate:.0f} | {of_one} | {memory:.0f} |"


def _work(recipe: str, overrides: Sequence[str], folder: str) -> Work:
    loaded = load_recipe(recipe, overrides=overrides)
    run = Run(loaded, folder_at(folder))
    teacher = train_teacher(run)
    spec = pair_spec(run, weights=teacher.facts["weights"])
    return Work(run, spec, teacher)


def _seconds(
    work: Work, engine: str, workers: int, num_shards: int, folder: str
) -> tuple[float, float]:
    """Seconds of so many shards by a warm engine, and its workers' peak memory in MiB."""
    pairs = work.pairs.model_copy(update={"num_workers": workers})
    home = folder_at(str(Path(folder) / f"{engine}-{workers}"))
    recipe = work.run.recipe.model_copy(update={"pairs": pairs})
    own = replace(work, run=replace(work.run, recipe=recipe, home=home, on=engine))
    for store in own.stores.values():
        store.begin()
    announcement = Announcement(0, 0)
    with start_of(own.run)(own, lambda *_: None, announcement, num_shards=num_shards) as started:
        # A warm-up of several shards a worker, so that each makes one.
        _make(started, range(2 * workers))
        began = time.perf_counter()
        _make(started, range(2 * workers, 2 * workers + num_shards))
        return time.perf_counter() - began, _peak_memory(is_here=started.takes_all)


def _make(engine: Engine, shards: range) -> None:
    if engine.takes_all:
        list(engine.results([Unit("train", shards)], lambda _said: None))
        return
    units = Units("train", list(shards), engine.num_workers, engine.pace)
    for made in engine.results(units, lambda _said: None):
        units.ended(made)


def _peak_memory(*, is_here: bool) -> float:
    own = psutil.Process()
    found = [own] if is_here else own.children(recursive=True)
    return max(_peak_of(process.pid) for process in found) / 1024


def _peak_of(pid: int) -> float:
    """KiB, as Linux counts them."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
