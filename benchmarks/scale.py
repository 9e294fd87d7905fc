"""A million pairs of 3×32×32: made, made again under kill -9, verified and read, each by a process.

The field is known in closed form and costs next to nothing, so what is measured is the store.
"""

import hashlib
import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measured import Measured, kdm, measured, python
from storage.folders import folder_at
from storage.reading.order import Order
from storage.reading.reader import PairReader
from storage.store import PairStore

COUNT = 1_000_000
NUM_KILLS = 5
BATCH = 256
MAX_MINUTES, MAX_GIB, MAX_BYTES_A_PAIR = 45, 1.5, 3300


def table(count: int = COUNT) -> Iterator[str]:
    yield "| step | wall, s | CPU, s | CPU, µs a pair | peak memory, GiB |"
    yield "|---|---:|---:|---:|---:|"
    with tempfile.TemporaryDirectory() as folder:
        whole, resumed = Path(folder, "whole"), Path(folder, "resumed")
        steps = []
        for step in _steps(whole, count):
            steps.append(step)
            yield _row(step, count)
        yield _row(_killed_and_resumed(resumed, count), count)
        is_equal = _digests(whole) == _digests(resumed)
        num_bytes = _bytes_a_pair(whole)
    minutes, gib = sum(step.wall for step in steps) / 60, max(step.peak_gib for step in steps)
    yield ""
    yield "| what must hold | bar | measured |"
    yield "|---|---:|---:|"
    yield f"| minutes, killed run left out | ≤ {MAX_MINUTES} | {minutes:.2f} |"
    yield f"| peak memory, GiB | ≤ {MAX_GIB} | {gib:.2f} |"
    yield f"| bytes a pair on disk, all files | ≤ {MAX_BYTES_A_PAIR:,} | {num_bytes:,.0f} |"
    yield f"| {NUM_KILLS} kills change digests | none | {'none' if is_equal else 'SOME'} |"
    assert is_equal
    assert minutes <= MAX_MINUTES
    assert gib <= MAX_GIB
    assert num_bytes <= MAX_BYTES_A_PAIR


def _steps(home: Path, count: int) -> Iterator[Measured]:
    yield measured("generate", _generate(home, count))
    name = _set(home).name
    for how in ([], ["--deep"]):
        verify = kdm("pairs", "verify", name, *how, "--home", str(home))
        yield measured(" ".join(["verify", *how]), verify)
    reading = python("scale.read_epoch", str(_set(home)), str(count))
    yield measured("one epoch of reading", reading)


def read_epoch(folder: str, count: str) -> None:
    """Every pair once, with its noise, in shuffled batches."""
    store = PairStore.open(folder_at(folder), split="train")
    reader = PairReader(store, Order(seed=0, count=int(count)), batch_size=BATCH)
    num_batches = int(count) // BATCH
    for number, (_, pairs) in enumerate(reader, start=1):
        assert len(pairs) == BATCH
        if number == num_batches:
            return


def _killed_and_resumed(home: Path, count: int) -> Measured:
    """kill -9 at instants spread over the run and over the making of a shard, then to the end."""
    started = time.perf_counter()
    num_shards = -(-count // 4096)
    for kill in range(1, NUM_KILLS + 1):
        with subprocess.Popen(_generate(home, count), stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and _num_records(home) < kill * num_shards // (
                NUM_KILLS + 1
            ):
                time.sleep(0.01)
            time.sleep(0.07 * kill)
            process.kill()
        assert process.returncode == -signal.SIGKILL, "it had ended before it was killed"
    last = measured(f"generate, killed {NUM_KILLS} times", _generate(home, count))
    return last._replace(wall=time.perf_counter() - started)


def _row(step: Measured, count: int) -> str:
    each = step.cpu / count * 1e6
    return f"| {step.step} | {step.wall:.1f} | {step.cpu:.1f} | {each:.1f} | {step.peak_gib:.2f} |"


def _generate(home: Path, count: int) -> list[str]:
    return kdm("generate-pairs", "scale", "--direct", "--count", str(count), "--home", str(home))


def _set(home: Path) -> Path:
    return next((home / "pairs").iterdir())


def _num_records(home: Path) -> int:
    return len(list(home.glob("pairs/*/train/*/records/*.json")))


def _digests(home: Path) -> dict[str, str]:
    """Every file of the set by its name; a document without attempt and times, which differ."""
    found = {}
    for file in sorted(_set(home).rglob("*")):
        if file.is_file() and file.name != "timings.json":
            data = file.read_bytes()
            is_document = file.suffix == ".json"
            digest = json.loads(data)["digest"] if is_document else hashlib.sha256(data).hexdigest()
            found[str(file.relative_to(home))] = digest
    return found


def _bytes_a_pair(home: Path) -> float:
    files = [file for file in _set(home).rglob("*") if file.is_file()]
    documents = [json.loads(file.read_bytes()) for file in files if file.parent.name == "records"]
    num_pairs = sum(int(each["kept"]) for each in documents)
    return sum(file.stat().st_size for file in files) / num_pairs
