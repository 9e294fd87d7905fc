"""What tests share: a home in an empty folder, tiny sets of pairs, a finished home, a server of S3."""

import atexit
import fcntl
import gc
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shape_checks

from kdm.freed_memory import keep_freed_memory
from storage.folders import Folder, folder_at
from storage.noise import derive_noise
from storage.records import NoiseRule, PairBatch, PairSchema
from storage.store import PairStore

os.environ.setdefault("OMP_NUM_THREADS", "1")
shape_checks.check_first_calls()
# What whoever runs the tests says to them; another server or home isn't theirs to use.
KEPT = {
    *("KDM_TEST_INPUTS", "KDM_CLONE", "KDM_TRIALS_HOME", "KDM_TRIALS_SEEDS"),
    *("KDM_FAULTS_LOG", "KDM_FAULTS_SEED"),
}
for name in [name for name in os.environ if name.startswith(("PREFECT_", "KDM_"))]:
    if name not in KEPT:
        del os.environ[name]

os.environ.update(KDM_CONFIG=os.devnull)  # nor are their settings

gc.set_threshold(10_000)  # of hundreds of thousands of modules' objects hardly one is garbage
keep_freed_memory()
atexit.register(gc.freeze)

LAYOUT = "wds-256"
CANARY = "canary-that-no-output-may-hold"  # the secret key of the S3 server's user
SPEC = {
    "version": 1,
    "sampler": {"plugin": "none", "num_steps": 3},
    "pairs": PairSchema(shape=(2,), noise=NoiseRule(seed=5)).model_dump(mode="json"),
}


def pytest_configure(config: pytest.Config) -> None:
    """Campaigns start every command as a user does; the suite hasn't the minutes."""
    from faults import commands

    commands.IS_WARM = "not faults" in config.option.markexpr


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end, so that no search for garbage needs to look at them."""
    gc.freeze()


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """The environment as it was before, once a test is over: commands set what Prefect's server needs.

    Without pytest's own, and the S3 server's, which serves all tests after the first that asks for it.
    """
    shape_checks.begin_test()
    before = dict(os.environ)
    yield
    for name in {*before, *os.environ}:
        if not name.startswith(("PYTEST_", "AWS_")):
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]


@pytest.fixture
def home(tmp_path: Path) -> Folder:
    return folder_at(str(tmp_path / "home"))


@pytest.fixture
def narrow_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a processor without AVX-512, whose large convolutions are Winograd's."""
    monkeypatch.setattr("kdm.networks.fast.processor.has_wide_vectors", lambda: False)


def made_pairs(index: np.ndarray) -> PairBatch:
    """Pairs of a closed-form teacher: x_0 = tanh(2 x_T)."""
    x_T = derive_noise(NoiseRule(seed=5), "train", index, (2,))
    return PairBatch(index.astype(np.int64), x_T, np.tanh(2 * x_T))


def filled_store(folder: Folder, count: int = 1000, layout: str = LAYOUT) -> PairStore:
    """A committed set of `count` pairs with one dropped index, 7."""
    store = PairStore.create(folder, SPEC, split="train", layout=layout)
    for shard in store.missing(count):
        write_shard(store, shard)
    store.commit(count)
    return store


def write_shard(store: PairStore, shard: int) -> None:
    index = store.indices(shard)
    kept = index[index != 7]
    dropped = {"nan": [7]} if len(kept) < len(index) else {}
    store.write(shard, made_pairs(kept), dropped=dropped, environment={"device": "cpu"})


@dataclass(frozen=True)
class Finished:
    """A home of the recipe `tiny` after one unbroken run of the command. Copy it, never change it."""

    path: Path
    digests: dict[str, str]
    seconds: float  # that the run took

    def copy(self, place: Path, *left_out: str) -> Path:
        """The home once more at `place`, without what these patterns match."""
        shutil.copytree(self.path, place)
        for pattern in left_out:
            for found in list(place.glob(pattern)):
                shutil.rmtree(found) if found.is_dir() else found.unlink()
        return place


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """This process's own: tests run commands at it, and two at once would meet each other's claims."""
    from faults.digests import digests_of

    made, seconds = finished_once(tmp_path_factory)
    home = tmp_path_factory.mktemp("finished") / "home"
    shutil.copytree(made, home)
    return Finished(home, digests_of(home), seconds)


def finished_once(places: pytest.TempPathFactory) -> tuple[Path, float]:
    """The home that the first of the suite's processes makes for all of them, and its seconds."""
    from faults.commands import kdm, succeed

    is_one_of_several = "PYTEST_XDIST_WORKER" in os.environ
    place = places.getbasetemp().parent if is_one_of_several else places.getbasetemp()
    home, noted = place / "finished-once", place / "finished-once.seconds"
    with (place / "finished-once.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system lets go of it where a process dies
        if not noted.exists():
            shutil.rmtree(home, ignore_errors=True)
            noted.write_text(str(succeed(kdm(home)).seconds), encoding="utf-8")
    return home, float(noted.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def from_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with a wheel of the sources, made once for the whole suite."""
    from wheel import installed

    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "from-wheel"
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system lets go of it where a process dies
        python, whole = place / "env" / "bin" / "python", place / "whole"
        if not whole.exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            assert installed(place) == python
            whole.touch()
    return python


@pytest.fixture(scope="session")
def shared_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe whose pairs several commands make."""
    from faults.generators import RECIPE

    file = tmp_path_factory.mktemp("shared") / "shared.yaml"
    file.write_text(RECIPE)
    return file


@pytest.fixture(scope="session")
def shared_digests(shared_recipe: Path) -> dict[str, str]:
    """The digests of its set, as one thread makes it."""
    from faults.commands import finish
    from faults.digests import digests_of
    from faults.generators import generate, started

    home = shared_recipe.parent / "golden"
    ended = finish(started(generate(home, shared_recipe, "--workers", "1")))
    assert ended.code == 0, ended.said
    return digests_of(home)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for tests marked by `browser.needs_browser`.

    It goes with its module: while playwright is open, Prefect takes the thread for one of asynchronous code.
    """
    from browser import chromium

    with chromium() as started:
        yield started


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Any]:
    """An empty Hugging Face Hub on loopback (`loopback_hub.Hub`), which this process asks."""
    from hub_commands import hub_of_this_process

    with hub_of_this_process(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of an empty bucket on an S3 server of this process; child processes find it too."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line a request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        boto3.client("s3").create_bucket(Bucket="bucket-for-tests")
        yield "s3://bucket-for-tests"
    server.stop()
