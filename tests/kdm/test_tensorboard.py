"""Event files hold what was told, framed as TensorBoard reads it.

The reader here is of the published format (record_writer.h, event.proto, summary.proto) and shares
nothing with the writer.
"""

import math
import struct
import threading
from contextlib import closing
from typing import Any

import google_crc32c
import pytest
from test_sample_pictures import OPTIONS, fit

from kdm.trackers.event_files import framed
from kdm.trackers.event_files import records as read
from kdm.trackers.tensorboard import FOLDER, EventFile
from kdm.training.errors import Interrupted
from kdm.training.follow import Following, follow
from kdm.training.options import TrainingOptions
from storage.digest import unseal
from storage.folders import Folder


def masked_crc(data: bytes) -> int:
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(data: bytes) -> list[bytes]:
    found = []
    while data:
        (length,), end = struct.unpack("<Q", data[:8]), 12 + struct.unpack("<Q", data[:8])[0]
        assert struct.unpack("<I", data[8:12]) == (masked_crc(data[:8]),)
        assert struct.unpack("<I", data[end : end + 4]) == (masked_crc(data[12:end]),)
        found.append(data[12 : 12 + length])
        data = data[end + 4 :]
    return found


def varint(data: bytes) -> tuple[int, bytes]:
    number = shift = 0
    for place, byte in enumerate(data, start=1):
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, data[place:]
    raise AssertionError("a number that does not end")


def fields(message: bytes) -> list[tuple[int, Any]]:
    found: list[tuple[int, Any]] = []
    while message:
        key, message = varint(message)
        if key & 7 == 0:
            value, message = varint(message)
        elif key & 7 == 2:
            length, message = varint(message)
            value, message = message[:length], message[length:]
        else:
            size, kind = (8, "<d") if key & 7 == 1 else (4, "<f")
            (value,), message = struct.unpack(kind, message[:size]), message[size:]
        found.append((key >> 3, value))
    return found


def events(folder: Folder) -> list[dict[int, Any]]:
    names = (folder / FOLDER).names()
    return [dict(fields(each)) for name in names for each in records((folder / FOLDER).read(name))]


def scalars(folder: Folder) -> list[tuple[int, str, float]]:
    values = [
        (event.get(2, 0), dict(fields(value)))
        for event in events(folder)
        for number, value in fields(event.get(5, b""))
        if number == 1
    ]
    return [(step, value[1].decode(), value[2]) for step, value in values if 2 in value]


def follow_to_its_end(folder: Folder, **changes: Any) -> None:
    has_ended = threading.Event()
    has_ended.set()
    options = OPTIONS.model_copy(update=changes)
    asked = Following(folder=folder.url, tracker="tensorboard", training=options, options={})
    follow(asked, has_ended)


def test_a_training_tells_losses_learning_rate_and_samples_a_second(home: Folder) -> None:
    fit(home)
    follow_to_its_end(home)
    found = scalars(home)
    recorded = unseal(home.read("checkpoints/step-00000011.json"), "record")["losses"]
    losses = {(step, name): value for step, name, value in found if name.startswith("loss/")}
    assert losses == {
        (each["step"], f"loss/{name}"): pytest.approx(value)
        for each in recorded
        for name, value in each["losses"].items()
    }
    names = {"loss/l2", "loss/total", "learning_rate", "samples_per_second"}
    assert {name for _, name, _ in found} == names
    rates = {step: value for step, name, value in found if name == "learning_rate"}
    assert rates[2] == pytest.approx(OPTIONS.learning_rate * 2 / 3)


def test_a_picture_is_the_png_with_its_size(home: Folder) -> None:
    fit(home, samples_every=100)
    follow_to_its_end(home)
    values = [value for event in events(home) for number, value in fields(event.get(5, b""))]
    (image,) = [shown for value in values if 4 in (shown := dict(fields(value)))]
    assert image[1] == b"samples"
    assert dict(fields(image[4])) == {
        1: 548,
        2: 548,
        3: 3,
        4: home.read("samples/step-00000011.png"),
    }


def test_nothing_is_told_beyond_the_newest_checkpoint_and_nothing_twice(home: Folder) -> None:
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        fit(home, should_stop=lambda: next(asked) == 7, samples_every=1)
    (home / "samples").replace("step-00000009.png", home.read("samples/step-00000007.png"))
    for _ in range(2):
        follow_to_its_end(home, samples_every=1)
    assert [step for step, name, _ in scalars(home) if name == "loss/l2"] == [2, 4, 6]
    assert [event[2] for event in events(home) if 5 in event] == [1, 2, 3, 4, 5, 6, 7]


def test_a_file_that_was_cut_is_continued_in_the_next(home: Folder) -> None:
    fit(home, samples_every=0)
    follow_to_its_end(home)
    (name,) = (home / FOLDER).names()
    whole = (home / FOLDER).read(name)
    for length in range(len(whole) - 1, 0, -40):
        (home / FOLDER).remove("")
        (home / FOLDER).replace(name, whole[:length])
        follow_to_its_end(home)
        standing = EventFile(home.local_path(FOLDER))._standing()
        assert [event.step for event in standing if event.summary.value] == [2, 4, 6, 8, 10, 11]


def test_a_record_is_read_up_to_the_first_that_was_changed() -> None:
    data = framed(b"first") + framed(b"second") + framed(b"third")
    assert list(read(data)) == records(data) == [b"first", b"second", b"third"]
    for place in range(len(framed(b"first")), len(framed(b"first") + framed(b"second"))):
        changed = bytearray(data)
        changed[place] ^= 1
        assert list(read(bytes(changed))) == [b"first"]


def test_each_final_number_comes_once_and_again_where_it_differs(home: Folder) -> None:
    a, none = {"final/a": 0.1}, {"final/none": math.nan}
    for numbers in (a, a, {**a, "final/b": 2.0, **none}, {"final/a": 0.2, **none}):
        with closing(EventFile(home.local_path(FOLDER))) as tracker:
            tracker.finish(numbers)
    told = [name for _, name, _ in scalars(home)]
    assert told == ["final/a", "final/b", "final/none", "final/a"]


def test_nothing_is_tracked_unless_it_is_asked_for() -> None:
    assert TrainingOptions().trackers is None
