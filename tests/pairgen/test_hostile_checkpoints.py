"""Whatever is handed over instead of a checkpoint: refused at once, in little memory, with no effect."""

import contextlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from handmade_checkpoints import net, pickled, safetensors, storage, stream, tensor, zipped
from hostile_checkpoints import CHECKPOINTS, NETWORKS, PAYLOADS, SAFETENSORS, SPARSE, write_all
from refusals import BYTES, SECONDS, Refused, refused_by

from pairgen.checkpoints import read_checkpoint

NAMES = [*(f"pickle: {name}" for name in PAYLOADS), *NETWORKS, *CHECKPOINTS, *SAFETENSORS, *SPARSE]
SOUND: dict[str, Callable[[], bytes]] = {
    "network": net,
    "zip": zipped,
    "stream": lambda: stream({"w": tensor(storage())}),
    "safetensors": safetensors,
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Refused:
    outside = tmp_path_factory.mktemp("hostile")
    (outside / "files").mkdir()
    write_all(outside / "files")
    script = Path(__file__).with_name("refuse_checkpoints.py")
    return refused_by(script, outside, str(outside / "files"))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_hostile_is_refused_at_once_with_a_sentence(refused: Refused, name: str) -> None:
    _, _, sentence = refused.refusals[name].partition(f"{name}: ")
    assert 0 < len(sentence) < 400
    assert "\n" not in sentence
    assert refused.seconds[name] <= SECONDS


def test_all_of_it_takes_little_memory_and_leaves_nothing_behind(refused: Refused) -> None:
    assert refused.peak_bytes <= BYTES
    assert refused.left_behind == []
    assert len(refused.refusals) == len(NAMES) >= 60
    assert refused.imported == []


def test_the_canary_is_touched_where_such_a_file_is_unpickled(tmp_path: Path) -> None:
    (tmp_path / "net.pkl").write_bytes(pickled({"ema": PAYLOADS["reduce of os.system"]}))
    subprocess.run([sys.executable, "-m", "pickle", "net.pkl"], cwd=tmp_path, timeout=60)
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize("make", SOUND.values(), ids=SOUND)
def test_what_hostile_files_are_made_from_is_sound(
    tmp_path: Path, make: Callable[[], bytes]
) -> None:
    (tmp_path / "sound").write_bytes(make())
    [array] = read_checkpoint(tmp_path / "sound").tensors.values()
    assert array.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("make", SOUND.values(), ids=SOUND)
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
