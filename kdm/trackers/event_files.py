"""The frame of TensorBoard's event files: records with their lengths and checksums (tfrecord format).

length (8 bytes), its masked CRC-32C (4), data, the data's masked CRC-32C (4); numbers are little-endian.
"""

import struct
from collections.abc import Iterator

import google_crc32c

_LENGTH, _CRC = struct.Struct("<Q"), struct.Struct("<I")
_HEAD = _LENGTH.size + _CRC.size
_MASK_DELTA = 0xA282EAD8  # TensorFlow, core/lib/hash/crc32c.h


def framed(data: bytes) -> bytes:
    """One record as it stands in the file."""
    length = _LENGTH.pack(len(data))
    return length + _checksum(length) + data + _checksum(data)


def records(data: bytes) -> Iterator[bytes]:
    """The whole records of a file, up to the first that was cut or changed."""
    place = 0
    while place + _HEAD <= len(data):
        length = data[place : place + _LENGTH.size]
        begin = place + _HEAD
        end = begin + int(_LENGTH.unpack(length)[0])
        record = data[begin:end]
        if data[place + _LENGTH.size : begin] != _checksum(length):
            return
        if data[end : end + _CRC.size] != _checksum(record):
            return
        yield record
        place = end + _CRC.size


def _checksum(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return _CRC.pack((((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF)
