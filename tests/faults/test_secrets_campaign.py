"""Credentials stated in every way: none is in anything that commands write, whether they succeed or fail."""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from conftest import Finished
from faults.canaries import (
    PASSWORD,
    SECRET,
    credentials,
    hits,
    install_leaky,
    process_list,
    with_user,
)
from faults.commands import finish, start, trainings
from faults.journal import Journal
from faults.proxy import faulty
from local_prefect import BIN, QUIET_AND_QUICK, LocalPrefect, wait_for

from storage.folders import folder_at

pytestmark = pytest.mark.faults

TINY = (
    *("--set", "teacher.training.num_steps=40"),
    *("--set", "students.kdm.training.num_steps=40"),
    *("--set", "students.kdm.training.draws=sample"),  # for any number of ranks
)
STATED = f"s3://KEY:{SECRET}@bucket/home"


JOURNAL = Journal("secrets")


@dataclass
class Place:
    """Everything that commands write, below one folder and one prefix of a bucket."""

    folder: Path
    bucket: str
    prefect: LocalPrefect
    environment: dict[str, str]

    def check(self, name: str, *words: str, wanted: int | None = 0, **environment: str) -> str:
        """Run `kdm WORDS` and look for canaries in what it said."""
        command = [str(BIN / "kdm"), *words]
        process = start(command, {**self.environment, **environment}, cwd=self.folder / "cwd")
        ended = finish(process, seconds=400)
        self.note(name, code=ended.code, said=ended.said)
        assert wanted is None or (ended.code == 0) == (wanted == 0), ended.said
        return ended.said

    def note(self, name: str, *written: Path | bytes, said: str = "", code: int = 0) -> None:
        found = hits(said, *written)
        JOURNAL.note({"name": name, "code": code, "faults": found})


@pytest.fixture
def place(s3: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    for each in ("cwd", "tmp", "prefect"):
        (tmp_path / each).mkdir()
    elsewhere = tmp_path_factory.mktemp("stated")  # what the user has written
    stated = credentials(os.environ["AWS_ENDPOINT_URL"], elsewhere)
    plugins = install_leaky(elsewhere / "plugins")
    more = {"TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path), "PYTHONPATH": str(plugins)}
    environment = {**stated, **more}
    prefect = LocalPrefect(tmp_path / "prefect", {**QUIET_AND_QUICK, **environment})
    place = Place(tmp_path, f"{s3}/{uuid4().hex}", prefect, environment)
    place.environment |= {"PREFECT_HOME": str(prefect.home), "PREFECT_API_URL": prefect.api}
    try:
        prefect.start()
        yield place
    finally:
        prefect.kill()


def search_everything(place: Place, arguments: set[str]) -> None:
    """All files, the database, all objects of the bucket, all arguments of processes."""
    place.note("files, logs, the database", place.folder)
    bucket = folder_at(place.bucket)
    for name in bucket.files():
        place.note(f"object {name}", name.encode(), bucket.read(name))
    place.note("arguments of processes", "\n".join(arguments).encode())


def test_no_credential_is_written_where_all_goes_well(place: Place, finished: Finished) -> None:
    home = f"{place.bucket}/home"
    with process_list() as arguments:
        place.check("deploy", "deploy")
        place.check("run", "run", "tiny", "--home", home, *TINY)
        place.check(
            "two ranks", "distill", "tiny", "--direct", "--home", home, "--ranks", "2", *TINY
        )
        for engine in ("processes", "dask"):
            words = ("generate-pairs", "tiny", "--direct", "--on", engine, "--workers", "2")
            place.check(engine, *words, "--home", f"{place.bucket}/{engine}", *TINY)
        with place.prefect.worker():
            run = place.prefect.run("pipeline", recipe="tiny", home=f"{place.bucket}/deployed")
            more = {"home": f"{place.bucket}/shared", "workers": 1}
            other = place.prefect.run("generate-pairs", recipe="tiny", **more)
            ends = ("COMPLETED", "FAILED", "CRASHED")
            wait_for(lambda: place.prefect.state_of(run) in ends, seconds=1500)
            wait_for(lambda: place.prefect.state_of(other) in ends, seconds=1500)
            assert [place.prefect.state_of(each) for each in (run, other)] == ["COMPLETED"] * 2
            worker_tidies_up(place)
        for words in LOOKS:
            place.check(" ".join(words), *words, "--home", home)
        place.check("show", "show", "tiny")
        search_everything(place, arguments)
    assert JOURNAL.failures == []


def worker_tidies_up(place: Place) -> None:
    """Wait until Prefect's worker has removed what it keeps of a run while that lives.

    Its environment is in a file of mode 0600; docs/remote.md says that a worker that is killed leaves it.
    """
    kept = place.folder / "tmp"
    wait_for(lambda: not list(kept.glob("prefect-workspace-attempt-*")), seconds=60)


LOOKS = (
    ("ls",),
    ("pairs", "ls"),
    ("pairs", "show", "tiny"),
    ("pairs", "verify", "tiny"),
    ("pairs", "who", "tiny"),
    ("pairs", "gc", "tiny"),
    ("pairs", "spot-check", "tiny"),
    ("pairs", "export", "tiny", "tars", "--to", "per-sample"),
    ("sample", "kdm", "-n", "2"),
    ("eval-report", "--direct"),
    ("doctor",),
    ("rm", "students/kdm", "--yes"),
)

# Typed by someone who means well.
TYPED = (
    *(("ls", "--home", each) for each in (STATED, STATED.replace("://", ":/"), f"{STATED}?a=b")),
    *(
        ("run", "tiny", "--direct", "--home", each)
        for each in (STATED.replace(":", ";", 1), STATED)
    ),
    ("ls", "--home", f"https://bucket.example/home?X-Amz-Signature={PASSWORD}"),
    ("ls", "--home", f"abfs://box@account.example/home?sv=1&sig={PASSWORD}"),
    ("run", STATED, "--direct"),
    ("show", f"{STATED}.yaml"),
    ("run", "tiny", f"--set=teacher.name={STATED}"),
    ("run", "tiny", "--set", f"{STATED}"),
    ("run", "tiny", "--pairs", STATED),
    ("run", "cifar10", "--data", STATED),
    ("run", "cifar10", "--data", f"https://host.example/data.zip?token={PASSWORD}"),
    ("generate-pairs", "tiny", "--direct", "--on", f"dask://user:{PASSWORD}@host:8786"),
    ("distill", "tiny", "--nodes", "2", "--rendezvous", f"user:{PASSWORD}@host:29400"),
    ("pairs", "verify", STATED),
    ("pairs", "import", STATED, STATED),
    ("pairs", "export", "tiny", STATED, "--to", "per-sample"),
    ("teacher", "import", STATED),
    ("student", "import", STATED),
    ("sample", "kdm", "-n", "1", "--out", STATED),
    ("rm", STATED, "--yes"),
    (STATED,),
    ("ls", f"--{STATED}"),
)


def test_no_credential_is_written_where_something_fails(place: Place, finished: Finished) -> None:
    home = f"{place.bucket}/home"
    run = ("run", "tiny", "--home", home, *TINY)
    direct = (*run, "--direct")
    with process_list() as arguments:
        place.check("deploy", "deploy")
        for number, words in enumerate(TYPED):
            place.check(f"typed {number}", *words, wanted=1)
        search_recipes(place)
        for name, words in {"prefect": run, "direct": direct}.items():
            nowhere = tuple(word.replace(home, f"{home[:8]}x-not-there/h") for word in words)
            place.check(f"no bucket, {name}", *nowhere, wanted=1)
            endpoint = os.environ["AWS_ENDPOINT_URL"]
            with faulty(endpoint, lambda method, path: "AccessDenied") as url:
                place.check(f"denied, {name}", *words, wanted=1, AWS_ENDPOINT_URL=url)
            closed = with_user("http://127.0.0.1:9")
            place.check(f"endpoint, {name}", *words, wanted=1, AWS_ENDPOINT_URL=closed)
            place.check(f"traceback, {name}", *nowhere, wanted=1, KDM_TRACEBACK="1")
        search_plugins(place, home)
        search_deployments(place)
        search_killed(place, finished)
        for name in ("doctor", "run tiny --until train-teacher", "deploy"):
            wrong = with_user("http://127.0.0.1:9/api")
            place.check(f"api, {name}", *name.split(), wanted=None, PREFECT_API_URL=wrong)
    # What was typed stays in files of those who typed it.
    shutil.rmtree(place.folder / "typed")
    search_everything(place, {each for each in arguments if each not in typed()})
    assert JOURNAL.failures == []


def typed() -> set[str]:
    return {word for words in TYPED for word in words}


def search_recipes(place: Place) -> None:
    (place.folder / "typed").mkdir()
    recipes = {
        "value": f"name: x\nteacher: {{plugin: imported, source: '{STATED}'}}\n",
        "syntax": f"name: x\nsource: {STATED}: {{]\n",
        "key": f"name: x\n'{STATED}': 1\n",
        "config": f"name: x\naws_secret_access_key={SECRET}: {{]\n",
    }
    for name, text in recipes.items():
        file = place.folder / "typed" / f"{name}.yaml"
        file.write_text(text)
        for words in (("run", str(file)), ("show", str(file)), ("run", str(file), "--direct")):
            place.check(f"recipe's {name}, {words[0]}", *words, wanted=1)
    damaged = place.folder / "typed" / "damaged.safetensors"
    damaged.write_bytes(b"\0" * 64 + STATED.encode())
    place.check("import", "teacher", "import", str(damaged), wanted=1)


def search_plugins(place: Place, home: str) -> None:
    sampler = ("--set", "pairs.sampler={plugin: leaky}")
    tracker = ("--set", "students.kdm.training.trackers=[{plugin: leaky}]")
    local = str(place.folder / "home")  # trackers need a disk
    made = ("run", "tiny", *TINY)
    for name, more in {
        "prefect": (),
        "threads": ("--direct",),
        "processes": ("--direct", "--on", "processes", "--workers", "1"),
        "dask": ("--direct", "--on", "dask", "--workers", "1"),
    }.items():
        said = place.check(f"sampler, {name}", *made, *sampler, *more, "--home", home, wanted=1)
        assert "the service refused ***" in said
    for name, more in {
        "one": ("--direct",),
        "two": ("--direct", "--ranks", "2"),
        "prefect": (),
    }.items():
        said = place.check(f"tracker, {name}", *made, *tracker, *more, "--home", local, wanted=0)
        assert "the service refused ***" in said


def search_deployments(place: Place) -> None:
    """What the server refuses to store, and runs that fail at a worker."""
    for parameters in (
        {"home": STATED},
        {"recipe": f"{STATED}/x.yaml"},
        {"overrides": [f"teacher.name={STATED}"]},
        {"on": f"dask://user:{PASSWORD}@host:1"},
    ):
        with pytest.raises(httpx.HTTPStatusError, match="409"):
            place.prefect.run("generate-pairs", **{"recipe": "tiny", **parameters})
    sampler = "pairs.sampler={plugin: leaky}"
    with place.prefect.worker():
        runs = [
            place.prefect.run("pipeline", recipe="tiny", home="s3://bucket-not-there/home"),
            place.prefect.run("pipeline", recipe=str(place.folder / "typed" / "syntax.yaml")),
            place.prefect.run("generate-pairs", recipe="tiny", overrides=[sampler], home="leaky"),
        ]
        wait_for(
            lambda: all(place.prefect.state_of(run) in ("FAILED", "CRASHED") for run in runs),
            seconds=1500,
        )
        worker_tidies_up(place)


def search_killed(place: Place, finished: Finished) -> None:
    """A training whose process is killed."""
    home = finished.copy(place.folder / "killed", "students", "reports")
    words = ["run", "tiny", "--home", str(home), "--set", "students.kdm.training.num_steps=100000"]
    process = start([str(BIN / "kdm"), *words], place.environment, cwd=place.folder / "cwd")
    wait_for(lambda: any(home.glob("students/*/checkpoints/*.json")), seconds=120)
    for each in trainings(home):
        os.kill(each, signal.SIGKILL)
    ended = finish(process)
    place.note("killed", said=ended.said, code=ended.code)
