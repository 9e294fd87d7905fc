"""Checkpoints written opcode by opcode: the smallest sound ones, and their parts."""

import io
import json
import struct
import zipfile
from typing import Any

PERSISTENT = "torch_utils.persistence _reconstruct_persistent_obj"
MAGIC = 0x1950A86A20F9469CFC6C


class Opcodes(bytes):
    """Opcodes that leave one value, as they are."""


def name(dotted: str) -> Opcodes:
    return Opcodes("c{}\n{}\n".format(*dotted.rsplit(" ", 1)).encode())


def stacked(module: Any, attribute: Any) -> Opcodes:
    return Opcodes(encoded(module) + encoded(attribute) + b"\x93")


def call(function: str | Opcodes, *arguments: Any) -> Opcodes:
    function = function if isinstance(function, Opcodes) else name(function)
    return Opcodes(function + encoded(arguments) + b"R")


def encoded(value: Any) -> bytes:
    """Opcodes that leave a plain value."""
    if isinstance(value, Opcodes):
        return value
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    if isinstance(value, int):
        data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8a" + bytes([len(data)]) + data
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
    if isinstance(value, bytes):
        return b"B" + struct.pack("<I", len(value)) + value
    if isinstance(value, dict):
        items = b"".join(encoded(part) for item in value.items() for part in item)
        return b"}(" + items + b"u"
    items = b"".join(map(encoded, value))
    return b"](" + items + b"e" if isinstance(value, list) else b"(" + items + b"t"


def pickled(value: Any, protocol: int = 4) -> bytes:
    return b"\x80" + bytes([protocol]) + encoded(value) + b"."


def storage(
    key: str = "0", num: Any = 4, kind: str = "torch FloatStorage", place: str = "cpu"
) -> Opcodes:
    return Opcodes(encoded(("storage", name(kind), key, place, num, None)) + b"Q")


def stream(
    value: Any = None,
    *,
    keys: Any = ("0",),
    num: int = 4,
    numbers: bytes = bytes(16),
    machine: Any = None,
    magic: int = MAGIC,
    version: int = 1001,
) -> bytes:
    machine = machine or {"protocol_version": 1001, "little_endian": True}
    value = storage() if value is None else value
    parts = [magic, version, machine, value, list(keys)]
    return b"".join(pickled(part, 2) for part in parts) + struct.pack("<Q", num) + numbers


def tensor(
    numbers: Any = None, *, offset: Any = 0, shape: Any = (4,), strides: Any = (1,)
) -> Opcodes:
    numbers = stream() if numbers is None else numbers
    if not isinstance(numbers, Opcodes):
        numbers = call("torch.storage _load_from_bytes", numbers)
    hooks = call("collections OrderedDict")
    return call("torch._utils _rebuild_tensor_v2", numbers, offset, shape, strides, False, hooks)


def state(**changes: Any) -> dict[str, Any]:
    own = {"_parameters": {}, "_buffers": {}, "_modules": {}, "_init_args": (), "_init_kwargs": {}}
    return {**own, **changes}


def module(class_name: Any, attributes: Any = None, **changes: Any) -> Opcodes:
    meta = {"type": "class", "version": 6, "module_src": "pass", "class_name": class_name}
    meta["state"] = state() if attributes is None else attributes
    return call(PERSISTENT, {**meta, **changes})


def net(weight: Any = None, *, inner: Any = None, layer: Any = None, **changes: Any) -> bytes:
    """A snapshot of one layer with one tensor; changes are of the preconditioner's call."""
    weight = tensor() if weight is None else weight
    layer = layer or module("Conv2d", state(_parameters={"weight": weight}))
    inner = inner or module("SongUNet", state(_modules={"conv": layer}))
    outer = {"attributes": state(_modules={"model": inner}), **changes}
    return pickled({"ema": module(outer.pop("class_name", "EDMPrecond"), **outer)})


def zipped(
    value: Any = None,
    *,
    numbers: bytes = bytes(16),
    packing: int = zipfile.ZIP_STORED,
    pickle_name: str = "data.pkl",
    order: bytes = b"little",
    more: tuple[str, ...] = (),
) -> bytes:
    value = {"w": tensor(storage())} if value is None else value
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        archive.writestr(f"net/{pickle_name}", pickled(value, 2))
        archive.writestr("net/byteorder", order)
        archive.writestr("net/data/0", numbers)
        for member in more:
            archive.writestr(member, b"")
    return buffer.getvalue()


def safetensors(header: Any = None, *, numbers: bytes = bytes(16), num_bytes: int = -1) -> bytes:
    """Of one tensor of four numbers, or with another header, as JSON or as it is."""
    header = {"w": entry()} if header is None else header
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if num_bytes < 0 else num_bytes) + text + numbers


def entry(**changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **changes}


def patched(data: bytes, mark: bytes, at: int, form: str, *values: int) -> bytes:
    """Numbers of a zip's record changed, that of the last such mark."""
    place, changed = data.rindex(mark) + at, bytearray(data)
    struct.pack_into(form, changed, place, *values)
    return bytes(changed)
