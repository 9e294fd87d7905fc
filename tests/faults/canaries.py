"""Credentials that no output may hold, and a search for them in whatever was written."""

import importlib.util
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from installed_packages import install

ROOT = Path(__file__).parents[2]
# As S3 makes them, of the characters that URLs, JSON and YAML write in other ways too.
KEY_ID, SECRET, TOKEN, PASSWORD = (
    "AKIACANARY0KEY0ID0000",
    "canary/Secret+access/key+0123456789abcdef",
    "canary//Session+token=0123456789abcdef",
    "canary-Password-0123456789abcdef",
)
CANARIES = (KEY_ID, SECRET, TOKEN, PASSWORD)
# A plugin that repeats a credential in its error, as a service's client may.
LEAKY = """
import os

from kdm.solvers.rules import EULER
from kdm.trackers.tracker import TrackerPlugin
from pairgen.samplers.rule_on_grid import RuleOnGrid


def refuse():
    raise RuntimeError("the service refused " + os.environ["AWS_SECRET_ACCESS_KEY"])


class Sampler(RuleOnGrid):
    plugin = "leaky"
    rule = EULER
    order = EULER.order
    num_steps: int = 4

    def sample(self, *_, **__):
        refuse()


class Tracker(TrackerPlugin):
    plugin = "leaky"
    needs_disk = True

    def open(self, run):
        refuse()
"""


def credentials(endpoint: str, place: Path) -> dict[str, str]:
    """The environment of someone who states the credentials in every way at once."""
    settings = place / "fsspec"
    settings.mkdir(exist_ok=True)
    stated = {"s3": {"key": KEY_ID, "secret": SECRET, "token": TOKEN}}
    (settings / "conf.json").write_text(json.dumps(stated))
    (place / "aws").write_text(
        f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
    )
    return {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_SHARED_CREDENTIALS_FILE": str(place / "aws"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "FSSPEC_CONFIG_DIR": str(settings),
        "FSSPEC_S3_SECRET": SECRET,
        "HF_TOKEN": PASSWORD,
        "PREFECT_API_KEY": PASSWORD,
    }


def with_user(url: str) -> str:
    """The address with a user and a password, as a proxy's or a server's may have them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://user:{PASSWORD}@{parts.netloc}{parts.path}"


def install_leaky(place: Path) -> Path:
    """The plugins, on a folder for PYTHONPATH."""
    groups = "[pairgen.samplers]\nleaky = leaky:Sampler\n\n[kdm.trackers]\nleaky = leaky:Tracker\n"
    (install(place, "leaky", groups) / "leaky.py").write_text(LEAKY)
    return place


def hits(*written: Path | str | bytes) -> list[str]:
    """Where a canary is found: in texts, in files below folders, in databases also as their rows say it."""
    return sorted({name for name, data in _all(written) if any(each in data for each in SPELT)})


@contextmanager
def process_list() -> Iterator[set[str]]:
    """Every argument of this process's descendants, as anyone on the machine can read them."""
    arguments, done, own = set[str](), threading.Event(), psutil.Process(os.getpid())

    def look() -> None:
        while not done.wait(0.1):
            for process in own.children(recursive=True):
                try:
                    arguments.update(process.cmdline())
                except psutil.Error:
                    continue

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield arguments
    finally:
        done.set()
        looking.join()


def _all(written: Iterable[Path | str | bytes]) -> Iterator[tuple[str, bytes]]:
    for each in written:
        if isinstance(each, Path):
            yield from _files(each)
        else:
            yield "output", each.encode() if isinstance(each, str) else each


def _files(place: Path) -> Iterator[tuple[str, bytes]]:
    for file in [place] if place.is_file() else place.rglob("*"):
        yield f"the name of {file.parent}/*", file.name.encode()
        if file.is_file():
            yield str(file), file.read_bytes()
            if file.suffix == ".db":
                with sqlite3.connect(file) as database:
                    yield f"{file}, dumped", "\n".join(database.iterdump()).encode()


def _spelt() -> set[bytes]:
    script = ROOT / "docker" / "test" / "find_secrets.py"
    found = importlib.util.spec_from_file_location("find_secrets", script)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return set().union(*(module.spellings(each) for each in CANARIES))


SPELT = _spelt()
