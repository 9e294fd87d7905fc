"""Event files hold what was told, framed as TensorBoard reads it.

The reader here is of the published format (record_writer.h, event.proto, summary.proto) and shares
nothing with the writer.
"""

import struct
from typing import Any

import google_crc32c
import numpy as np
import pytest
from test_sample_pictures import OPTIONS, fit, painting

from kdm.trackers.tensorboard import FOLDER, TensorBoard
from kdm.training.observers import Watch
from kdm.training.progress import Notice
from storage.errors import StoreError
from storage.folders import Folder, folder_at


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
        (event[2], dict(fields(value)))
        for event in events(folder)
        for number, value in fields(event.get(5, b""))
        if number == 1
    ]
    return [(step, value[1].decode(), value[2]) for step, value in values if 2 in value]


def test_a_training_tells_losses_learning_rate_and_samples_a_second(home: Folder) -> None:
    fit(home, trackers=(TensorBoard(),))
    found = scalars(home)
    losses = {step: value for step, name, value in found if name == "loss/l2"}
    assert list(losses) == [2, 4, 6, 8, 10, 11]
    assert all(np.isfinite(value) for value in losses.values())
    names = {"loss/l2", "loss/total", "learning_rate", "samples_per_second"}
    assert {name for _, name, _ in found} == names
    rates = {step: value for step, name, value in found if name == "learning_rate"}
    assert rates[2] == pytest.approx(OPTIONS.learning_rate * 2 / 3)


def test_a_picture_is_the_png_with_its_size(home: Folder) -> None:
    fit(home, trackers=(TensorBoard(),), samples_every=100)
    summaries = [dict(fields(event[5])) for event in events(home) if 5 in event]
    (image,) = [value for each in summaries if 4 in (value := dict(fields(each[1])))]
    assert image[1] == b"samples"
    assert dict(fields(image[4])) == {
        1: 548,
        2: 548,
        3: 3,
        4: home.read("samples/step-00000011.png"),
    }


def test_a_session_says_from_which_step_on_an_earlier_one_is_void(home: Folder) -> None:
    TensorBoard().open(home, first_step=1).scalars(1, {"a": 1.0})
    TensorBoard().open(home, first_step=300).scalars(300, {"a": 2.0})
    starts = [event[2] for event in events(home) if event.get(7) == b"\x08\x01"]
    assert starts == [1, 300]
    assert [event[3] for event in events(home) if 3 in event] == 2 * [b"brain.Event:2"]


def test_a_disk_that_takes_nothing_is_said_with_the_way_out(home: Folder) -> None:
    home.replace(FOLDER, b"a file where its folder would be")
    with pytest.raises(StoreError, match=r"cannot be written .* set training\.trackers to \[\]"):
        TensorBoard().open(home, first_step=1)


@pytest.mark.parametrize(("trackers", "num_notices"), [(None, 0), ((TensorBoard(),), 1)])
def test_a_home_elsewhere_has_no_event_files_and_says_so_to_who_asked(
    trackers: Any, num_notices: int
) -> None:
    said: list[Any] = []
    elsewhere = folder_at("memory://watched")
    options = OPTIONS.model_copy(update={"trackers": trackers})
    with Watch(painting(), None, options, elsewhere, report=said.append).from_step(0):
        pass
    assert [type(each) for each in said] == num_notices * [Notice]
    assert not elsewhere.exists(FOLDER)


def test_pictures_have_event_files_where_nothing_else_is_asked_for(home: Folder) -> None:
    fit(home, trackers=None, samples_every=0)
    assert len((home / FOLDER).names()) == 1
