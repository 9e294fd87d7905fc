"""Whatever is handed over instead of a checkpoint: refused at once, in little memory, with no effect."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade_checkpoints import net, pickled, storage, stream, tensor, zipped
from hostile_checkpoints import CHECKPOINTS, NETWORKS, PAYLOADS, SPARSE, write_all

from pairgen.checkpoints import read_checkpoint

NAMES = [*(f"pickle: {name}" for name in PAYLOADS), *NETWORKS, *CHECKPOINTS, *SPARSE]
MAX_SECONDS = 1
MAX_BYTES = 400 * 10**6


@dataclass(frozen=True)
class Refused:
    """What came of every hostile file, read by one process in an empty folder."""

    outcomes: dict[str, Any]
    peak_bytes: int
    imported: list[str]
    left_behind: list[str]


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Refused:
    files, inside = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("inside")
    written = write_all(files)
    script = Path(__file__).with_name("refuse_checkpoints.py")
    ended = subprocess.run(
        [sys.executable, script, files], cwd=inside, check=True, capture_output=True, timeout=300
    )
    left = [file.name for file in inside.rglob("*")]
    left += sorted({file.name for file in files.iterdir()} - set(written))
    return Refused(**json.loads(ended.stdout), left_behind=left)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_hostile_is_refused_at_once_with_a_sentence(refused: Refused, name: str) -> None:
    outcome = refused.outcomes[name]
    _, _, sentence = outcome["refusal"].partition(f"{name}: ")
    assert sentence
    assert len(sentence) < 400
    assert "\n" not in sentence
    assert outcome["seconds"] <= MAX_SECONDS


def test_all_of_it_takes_little_memory_and_leaves_nothing_behind(refused: Refused) -> None:
    assert refused.peak_bytes <= MAX_BYTES
    assert refused.left_behind == []
    assert len(refused.outcomes) == len(NAMES) >= 60
    assert refused.imported == []


def test_the_canary_is_touched_where_such_a_file_is_unpickled(tmp_path: Path) -> None:
    (tmp_path / "net.pkl").write_bytes(pickled({"ema": PAYLOADS["reduce of os.system"]}))
    subprocess.run([sys.executable, "-m", "pickle", "net.pkl"], cwd=tmp_path, timeout=60)
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "data", [net(), zipped(), stream({"w": tensor(storage())})], ids=["network", "zip", "stream"]
)
def test_what_hostile_files_are_made_from_is_sound(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "sound").write_bytes(data)
    [array] = read_checkpoint(tmp_path / "sound").tensors.values()
    assert array.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("make", [net, zipped, lambda: stream({"w": tensor(storage())})])
def test_a_file_with_any_byte_changed_is_read_or_refused_with_a_sentence(
    tmp_path: Path, make: Callable[[], bytes]
) -> None:
    draw, file = np.random.RandomState(0), tmp_path / "changed"
    for _ in range(300):
        data = bytearray(make())
        data[draw.randint(len(data))] = draw.randint(256)
        file.write_bytes(data)
        with contextlib.suppress(ValueError):
            read_checkpoint(file)
