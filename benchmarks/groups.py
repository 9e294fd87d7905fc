"""What a group of shards costs as a Prefect flow run: a real server and worker, groups one after the other.

Wall seconds from the request for a run of `make-shards/default` to its end, by the moments of its states,
beyond what the same shards take in a process that has the teacher loaded. The parent looks every two seconds
which groups have ended, so it waits for another second on average. The worker asks as often as Prefect's
default has it.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks.measured import kdm, measured
from benchmarks.worker import PATIENCE, ask, moment, post, served, started, wait_for_end
from flows.documents.timings import machine
from flows.request import Request
from flows.stages.make_shards import generate_shards
from flows.stages.train_teacher import train_teacher

A_GROUP = 8  # shards, of 256 pairs
_COUNT = 100_000  # pairs: enough for all groups
_STEPS = (("until a worker has taken it", "PENDING"), ("until its flow runs", "RUNNING"))


def table(repeats: int = 5) -> Iterator[str]:
    """One group as a warm-up, then as many as are counted."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        home = str(place / "home")
        measured("teacher", kdm("train-teacher", "tiny", "--direct", "--home", home))
        work = _work(str(place / "home"), 10 * A_GROUP)
        with served(place) as (api, environment):
            environment.pop("PREFECT_WORKER_QUERY_SECONDS")
            subprocess.run(kdm("deploy"), check=True, stdout=subprocess.DEVNULL, env=environment)
            with started("worker", "start", "--pool", "local", environment=environment):
                found = [_moments(api, home, number * A_GROUP) for number in range(repeats + 1)][1:]
    yield f"On {machine()}; {repeats} groups of {A_GROUP} shards, whose work takes {work:.2f} s."
    yield ""
    yield "| beyond the work, s | best | of all |"
    yield "|---|---:|---|"
    before = "SCHEDULED"
    for name, state in _STEPS:
        yield _row(name, [each[state] - each[before] for each in found])
        before = state
    yield _row("from then to its end", [each["COMPLETED"] - each[before] - work for each in found])
    yield _row("altogether", [each["COMPLETED"] - each["SCHEDULED"] - work for each in found])


def _row(name: str, seconds: list[float]) -> str:
    return f"| {name} | {min(seconds):.1f} | {', '.join(f'{each:.1f}' for each in seconds)} |"


def _work(home: str, first: int) -> float:
    """Seconds that a group takes where everything is loaded."""
    run = Request("tiny", home, count=_COUNT).run()
    teacher = train_teacher(run)
    generate_shards(run, teacher, "train", range(first, first + A_GROUP))
    began = time.perf_counter()
    generate_shards(run, teacher, "train", range(first + A_GROUP, first + 2 * A_GROUP))
    return time.perf_counter() - began


def _moments(api: str, home: str, first: int) -> dict[str, float]:
    """When a run for a group came into each type of state."""
    deployment = ask(api, "deployments", deployments={"tags": {"all_": ["make-shards"]}})[0]["id"]
    shards = list(range(first, first + A_GROUP))
    wanted = {"recipe": "tiny", "home": home, "split": "train", "shards": shards, "count": _COUNT}
    run = post(f"{api}/deployments/{deployment}/create_flow_run", parameters=wanted)["id"]
    wait_for_end(api, run, time.monotonic() + PATIENCE)
    states = httpx.get(f"{api}/flow_run_states/", params={"flow_run_id": run}).json()
    return {
        kind: min(moment(each["timestamp"]) for each in states if each["type"] == kind)
        for kind in ("SCHEDULED", "PENDING", "RUNNING", "COMPLETED")
    }
