"""Checkpoints made by hand to do harm: opcodes and zips, each a sound file with one thing wrong."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from handmade_checkpoints import (
    MAGIC,
    PERSISTENT,
    Opcodes,
    call,
    encoded,
    entry,
    module,
    name,
    net,
    patched,
    pickled,
    safetensors,
    stacked,
    state,
    storage,
    stream,
    tensor,
    zipped,
)

SHELL = "touch canary"
GB_10 = 10 * 2**30


def nested_modules(depth: int) -> Opcodes:
    inner = module("Conv2d")
    for _ in range(depth):
        inner = module("UNetBlock", state(_modules={"b": inner}))
    return inner


def doubling(depth: int, form: str = "list") -> Opcodes:
    """A tuple of values of which each holds the one before twice: 2^depth at the end."""
    data = b"(]q\0"
    for _ in range(depth):
        data += b"h\0h\0\x86q\0" if form == "tuple" else b"](h\0h\0eq\0"
    return Opcodes(data + b"t")


def one_storage_for_many() -> bytes:
    big = stream(storage(num=2**18), num=2**18, numbers=bytes(2**20))
    first = {"w0": Opcodes(encoded(tensor(big, shape=(2**18,))) + b"r\0\1\0\0")}
    rest = {f"w{i}": Opcodes(b"j\0\1\0\0") for i in range(1, 200)}
    return net(layer=module("Conv2d", state(_parameters={**first, **rest})))


def as_text(data: str) -> Opcodes:
    """A nested stream in protocol 2, which has no bytes."""
    text = call("_codecs encode", data, "latin1")
    return tensor(call("torch.storage _load_from_bytes", text))


def one_text_for_many() -> bytes:
    big = stream(storage(num=90 * 2**18), num=90 * 2**18, numbers=bytes(90 * 2**20))
    first = {"w0": Opcodes(encoded(as_text(big.decode("latin1"))) + b"r\0\1\0\0")}
    rest = {f"w{i}": Opcodes(b"j\0\1\0\0") for i in range(1, 200)}
    return net(layer=module("Conv2d", state(_parameters={**first, **rest})))


def many_tensors() -> bytes:
    first = {"w0": Opcodes(encoded(tensor()) + b"r\0\1\0\0")}
    rest = {f"w{i}": Opcodes(b"j\0\1\0\0") for i in range(1, 200)}
    layer = Opcodes(encoded(module("Conv2d", state(_parameters={**first, **rest}))) + b"r\1\1\0\0")
    again = {f"c{i}": Opcodes(b"j\1\1\0\0") for i in range(200)}
    return net(inner=module("SongUNet", state(_modules={"c": layer, **again})))


SYSTEM = name("posix system")
PAYLOADS: dict[str, Opcodes] = {
    "reduce of os.system": call("os system", SHELL),
    "reduce of posix.system": call("posix system", SHELL),
    "reduce of a stacked name": call(stacked("posix", "system"), SHELL),
    "reduce of a dotted stacked name": call(stacked("torch", "hub.os.system"), SHELL),
    "reduce of a name below an allowed one": call(
        stacked("collections", "OrderedDict.__init__.__globals__"), SHELL
    ),
    "reduce of eval": call("builtins eval", "__import__('os').system('touch canary')"),
    "reduce of exec": call("builtins exec", "open('canary', 'w')"),
    "reduce of exec under Python 2's name": call("__builtin__ exec", "open('canary', 'w')"),
    "reduce of open": call("builtins open", "canary", "w"),
    "reduce of getattr": call("builtins getattr", SYSTEM, "__call__"),
    "reduce of import_module": call("importlib import_module", "antigravity"),
    "reduce of run_path": call("runpy run_path", "canary.py"),
    "reduce of Popen": call("subprocess Popen", [SHELL], -1),
    "reduce of partial": call("functools partial", SYSTEM, SHELL),
    "reduce of pickle.loads": call("pickle loads", pickled(call("os system", SHELL))),
    "reduce of torch.load": call("torch load", "canary.pt"),
    "reduce of copyreg": call("copyreg _reconstructor", SYSTEM, SYSTEM, None),
    "reduce of numpy's load": call("numpy load", "canary.npy", None, True),
    "reduce of a text": Opcodes(encoded("os.system") + encoded((SHELL,)) + b"R"),
    "reduce with a list for arguments": Opcodes(SYSTEM + encoded([SHELL]) + b"R"),
    "a stacked name of numbers": stacked(1, 2),
    "a stacked name in a list": stacked(["posix"], "system"),
    "a name without an end": Opcodes(b"c" + b"posix" * 100_000),
    "build of a function": Opcodes(SYSTEM + encoded({"a": 1}) + b"b"),
    "build of an allowed name": Opcodes(name(PERSISTENT) + encoded({"__code__": 1}) + b"b"),
    "build with slots": Opcodes(encoded(module("EDMPrecond")) + encoded((None, {"a": 1})) + b"b"),
    "build that sets __setstate__": Opcodes(
        encoded({}) + encoded((None, {"__setstate__": SYSTEM})) + b"b"
    ),
    "newobj of Popen": Opcodes(name("subprocess Popen") + encoded((SHELL,)) + b"\x81"),
    "newobj of the reconstruction": Opcodes(name(PERSISTENT) + encoded(({},)) + b"\x81"),
    "newobj of a container with arguments": Opcodes(
        name("torch.nn.modules.container ModuleDict") + encoded((SYSTEM,)) + b"\x81"
    ),
    "newobj_ex of Popen": Opcodes(
        name("subprocess Popen") + encoded((SHELL,)) + encoded({"shell": True}) + b"\x92"
    ),
    "inst of os.system": Opcodes(b"(" + encoded(SHELL) + b"iposix\nsystem\n"),
    "obj of os.system": Opcodes(b"(" + SYSTEM + encoded(SHELL) + b"o"),
    "an extension's code of one byte": Opcodes(b"\x82\x01"),
    "an extension's code of two bytes": Opcodes(b"\x83\x01\0"),
    "an extension's code of four bytes": Opcodes(b"\x84\x01\0\0\0"),
    "a persistent id in text": Opcodes(b"Pposix.system\n"),
    "a persistent id": Opcodes(encoded("posix.system") + b"Q"),
    "a persistent storage outside a stream": storage(),
    "an out-of-band buffer": Opcodes(b"\x97\x98"),
    "a byte array of 10 GB": Opcodes(b"\x96" + struct.pack("<Q", GB_10)),
    "bytes of 10 GB": Opcodes(b"\x8e" + struct.pack("<Q", GB_10)),
    "text of 4 GB": Opcodes(b"X" + struct.pack("<I", 2**32 - 1)),
    "text of nine million letters": Opcodes(encoded("a" * 9_000_000)),
    "text that is not UTF-8": Opcodes(b"\x8c\x02\xff\xfe"),
    "a whole number of 255 bytes": Opcodes(b"\x8a\xff" + b"\x7f" * 255),
    "a whole number of 2 GB": Opcodes(b"\x8b" + struct.pack("<I", 2**31 - 1)),
    "a memo never written": Opcodes(b"j\xff\xff\xff\x7f"),
    "a million memos": Opcodes(b"N" + b"\x94" * 1_000_000),
    "half a million marks": Opcodes(b"(" * 500_000),
    "tuples 200,000 deep": Opcodes(b")" + b"\x85" * 200_000),
    "lists 100,000 deep": Opcodes(b"]" * 100_000 + b"a" * 99_999),
    "a list in itself": Opcodes(b"]\x94h\0a"),
    "lists that double 60 times": doubling(60),
    "a dict keyed by tuples that double": Opcodes(b"}" + doubling(60, "tuple") + b"Ns"),
    "a dict keyed by a list": Opcodes(b"}]Ns"),
    "a dict with half an entry": Opcodes(b"}(Nu"),
    "a pop from nothing": Opcodes(b"0"),
    "an ordered dict with arguments": call("collections OrderedDict", [["a", 1]]),
    "a codec that executes": call("_codecs encode", SHELL, "unicode_escape"),
    "a scalar of objects": call(
        "numpy._core.multiarray scalar", call("numpy dtype", "O8", False, True), b"12345678"
    ),
    "a dtype of records": call("numpy dtype", "f4,(1000000000,)f8", False, True),
    "a storage from a path": call("torch.storage _load_from_bytes", "canary.pt"),
}
NETWORKS: dict[str, Callable[[], bytes]] = {
    **{f"version {each!r}": lambda each=each: net(version=each) for each in (5, 7, True, "6")},
    "an unknown preconditioner": lambda: net(class_name="EDMPrecondPlus"),
    "EDM2's preconditioner": lambda: net(class_name="Precond"),
    "a class that is no text": lambda: net(class_name=[1]),
    "a function for a class": lambda: net(type="function"),
    "a source of bytes": lambda: net(module_src=b"\0" * 300),
    "a source that is a call": lambda: net(module_src=call("os system", SHELL)),
    "no source": lambda: net(module_src=None),
    "no state": lambda: net(attributes=[]),
    "no network inside": lambda: net(attributes=state()),
    "an unknown network": lambda: net(inner=module("SongUNet2")),
    "an unknown layer": lambda: net(layer=module("Evil")),
    "a layer that is a number": lambda: net(layer=Opcodes(b"K\1")),
    "no ema": lambda: pickled({"loss_fn": None}),
    "a number": lambda: pickled(5),
    "an argument that is an object": lambda: net(
        attributes=state(
            _init_kwargs={"x": module("Conv2d")}, _modules={"model": module("SongUNet")}
        )
    ),
    "an argument that doubles": lambda: net(
        attributes=state(_init_kwargs={"x": doubling(60)}, _modules={"model": module("SongUNet")})
    ),
    "a tensor's name with a path": lambda: net(
        layer=module("Conv2d", state(_parameters={"../w": tensor()}))
    ),
    "a parameter that is a text": lambda: net("weight"),
    "modules 100 deep": lambda: net(layer=nested_modules(100)),
    "blocks that multiply": lambda: net(layer=multiplied()),
    "40,000 tensors": many_tensors,
    "one storage for 200 tensors": one_storage_for_many,
    "a tensor behind its storage": lambda: net(tensor(offset=4)),
    "a tensor before its storage": lambda: net(tensor(offset=-1)),
    "a tensor larger than its storage": lambda: net(tensor(shape=(5,))),
    "strides out of the storage": lambda: net(tensor(shape=(4,), strides=(2,))),
    "a negative stride": lambda: net(tensor(offset=3, strides=(-1,))),
    "a stride of nothing": lambda: net(tensor(shape=(2**30,), strides=(0,))),
    "overlapping rows": lambda: net(tensor(shape=(2, 3), strides=(1, 1))),
    "sizes that overflow": lambda: net(tensor(shape=(2**32, 2**32), strides=(2**32, 1))),
    "a size of 2^62": lambda: net(tensor(shape=(2**62,))),
    "a size that is a fraction": lambda: net(tensor(shape=(4.0,))),
    "a size that is true": lambda: net(tensor(shape=(True,))),
    "fewer strides than axes": lambda: net(tensor(shape=(2, 2))),
    "a thousand axes": lambda: net(tensor(shape=(1,) * 1000, strides=(1,) * 1000)),
    "a stream that executes": lambda: net(tensor(stream(call("os system", SHELL)))),
    "a stream whose keys execute": lambda: net(tensor(stream(keys=(call("os system", SHELL),)))),
    "a stream whose machine executes": lambda: net(
        tensor(stream(machine=call("os system", SHELL)))
    ),
    "a stream in a stream": lambda: net(
        tensor(stream(call("torch.storage _load_from_bytes", stream())))
    ),
    "streams ten deep": lambda: net(tensor(nested_streams(10))),
    "a stream of a tensor": lambda: net(tensor(stream(tensor(storage())))),
    "a stream of 10 GB": lambda: net(
        tensor(stream(storage(num=GB_10 // 4), num=GB_10 // 4), shape=(GB_10 // 4,))
    ),
    "a stream that holds more than it says": lambda: net(tensor(stream(numbers=bytes(20)))),
    "a stream that is cut off": lambda: net(tensor(stream(numbers=bytes(12)))),
    "a stream of two counts": lambda: net(tensor(stream(num=3))),
    "a stream with another key": lambda: net(tensor(stream(keys=("1",)))),
    "a stream with a key twice": lambda: net(tensor(stream(keys=("0", "0")))),
    "a stream of another version": lambda: net(tensor(stream(version=1002))),
    "a stream of another kind": lambda: net(tensor(stream(magic=MAGIC + 1))),
    "a big-endian stream": lambda: net(tensor(stream(machine={"little_endian": False}))),
    "a stream of an unknown storage": lambda: net(
        tensor(stream(storage(kind="torch UntypedStorage")))
    ),
    "a stream of a negative storage": lambda: net(tensor(stream(storage(num=-4)))),
    "a stream of many opcodes": lambda: net(tensor(stream([None] * 200))),
    "an empty stream": lambda: net(tensor(b"")),
    "a stream of text that is no bytes": lambda: net(as_text("\u20ac" * 400)),
    "a stream of text that executes": lambda: net(
        as_text(stream(call("os system", SHELL), numbers=bytes(400)).decode("latin1"))
    ),
    "a text of 90 MB for 200 tensors": one_text_for_many,
    "an array that executes": lambda: net(
        layer=call("numpy.core.multiarray _reconstruct", SYSTEM, (0,), b"b")
    ),
    "an array of 10 GB": lambda: net(
        layer=Opcodes(
            call("numpy.core.multiarray _reconstruct", name("numpy ndarray"), (0,), b"b")
            + encoded((1, (GB_10,), call("numpy dtype", "f4", False, True), False, b""))
            + b"b"
        )
    ),
    "bytes after the pickle": lambda: net() + b"\0",
    "a pickle that is cut off": lambda: net()[:-40],
    "protocol 0": lambda: b"(lp0\n.",
    "protocol 1": lambda: pickled({"ema": 1}, 1),
    "protocol 9": lambda: pickled({"ema": 1}, 9),
}
CHECKPOINTS: dict[str, Callable[[], bytes]] = {
    "a zip that executes": lambda: zipped({"w": call("os system", SHELL)}),
    "a zip of a persistent object": lambda: zipped({"net": module("EDMPrecond")}),
    "a zip with a stream inside": lambda: zipped({"w": tensor()}),
    "a zip of a number": lambda: zipped(5),
    "a zip of a state dict of numbers": lambda: zipped({"w": 5}),
    "a zip whose tensor reaches outside": lambda: zipped({"w": tensor(storage(), offset=2)}),
    "a zip whose storage is 10 GB": lambda: zipped({"w": tensor(storage(num=GB_10 // 4))}),
    "a zip with a storage in two sizes": lambda: zipped(
        {"a": tensor(storage()), "b": tensor(storage(num=8))}
    ),
    "a zip without the storage": lambda: zipped({"w": tensor(storage("1"))}),
    "a zip whose key climbs out": lambda: zipped({"w": tensor(storage("../data.pkl"))}),
    "a packed zip": lambda: zipped(packing=zipfile.ZIP_DEFLATED),
    "a packed zip of a gigabyte": lambda: zipped(
        {"w": tensor(storage(num=2**22))}, numbers=bytes(2**24), packing=zipfile.ZIP_DEFLATED
    ),
    "a big-endian zip": lambda: zipped(order=b"big"),
    "a zip without a pickle": lambda: zipped(pickle_name="data.txt"),
    "a zip with two pickles": lambda: zipped(more=("other/data.pkl",)),
    "a zip of 20,000 members": lambda: zipped(more=tuple(f"net/{i}" for i in range(20_000))),
    "a zip that lists 65,000 members": lambda: patched(
        zipped(), b"PK\5\6", 8, "<HH", 65_000, 65_000
    ),
    "a zip with a directory of 4 GB": lambda: patched(zipped(), b"PK\5\6", 12, "<L", 2**32 - 2),
    "a zip whose member lies outside": lambda: patched(zipped(), b"PK\1\2", 42, "<L", 2**31),
    "a zip whose member claims 4 GB": lambda: patched(
        zipped(), b"PK\1\2", 20, "<LL", 2**32 - 2, 2**32 - 2
    ),
    "an encrypted zip": lambda: patched(zipped(), b"PK\1\2", 8, "<H", 1),
    "a zip with another checksum": lambda: patched(zipped(), b"PK\1\2", 16, "<L", 7),
    "a zip that is cut off": lambda: zipped()[:-30],
    "a zip's beginning alone": lambda: b"PK\3\4",
    "a saved stream that executes": lambda: stream({"w": call("os system", SHELL)}),
    "a saved stream of 10 GB": lambda: stream(
        {"w": tensor(storage(num=GB_10 // 4))}, num=GB_10 // 4
    ),
    "a saved stream with too few numbers": lambda: stream({"w": tensor(storage())}, num=2),
    "a saved stream without its keys": lambda: stream({"w": tensor(storage())}, keys=()),
    "a saved stream that is cut off": lambda: stream({"w": tensor(storage())})[:-4],
    "the magic number alone": lambda: pickled(MAGIC, 2),
    "nothing": lambda: b"",
    "a text": lambda: b"version https://git-lfs.github.com/spec/v1\n",
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a tar": lambda: bytes(10_240),
    "a whole network of EDM, saved": lambda: zipped({"net": module("EDMPrecond")}),
    "a network saved whole": lambda: zipped(call("torch.nn.modules.linear Linear", 3, 3)),
}
SAFETENSORS: dict[str, Callable[[], bytes]] = {
    "safetensors of vast headers": lambda: struct.pack("<Q", 2**63) + b"{}",
    "a header of 10 GB": lambda: safetensors(num_bytes=GB_10),
    "a header longer than its file": lambda: safetensors(num_bytes=4000),
    "a header that ends too early": lambda: safetensors(num_bytes=20),
    "a header of nothing": lambda: safetensors(b"{}", numbers=b""),
    "a header that is no JSON": lambda: safetensors(b"{'w': 1}"),
    "a header of 100,000 objects in each other": lambda: safetensors(b'{"a":' * 100_000),
    "a header of 4 MB of lists": lambda: safetensors(b'{"a":' + b"[" * (4 * 2**20 - 10)),
    "a header of long numbers": lambda: safetensors(b'{"a":' + b"9" * 10_000 + b"}"),
    "a header of 200,000 tensors": lambda: safetensors(
        {f"{i:x}": entry(shape=[0], data_offsets=[0, 0]) for i in range(70_000)}, numbers=b""
    ),
    "a name twice": lambda: safetensors(b'{"w": 1, "w": ' + encoded_entry() + b"}"),
    "a type twice": lambda: safetensors(b'{"w": {"dtype": "U8", "dtype": "F32"}}'),
    "a tensor that is a text": lambda: safetensors({"w": "F32"}),
    "a tensor of another type": lambda: safetensors({"w": entry(dtype="F8_E4M3")}),
    "a type that is a list": lambda: safetensors({"w": entry(dtype=["F32"])}),
    "a type of another width": lambda: safetensors({"w": entry(dtype="F64")}),
    "tensors over each other": lambda: safetensors(
        {"a": entry(), "b": entry(data_offsets=[8, 24])}, numbers=bytes(24)
    ),
    "a gap between tensors": lambda: safetensors(
        {"a": entry(), "b": entry(data_offsets=[20, 36])}, numbers=bytes(36)
    ),
    "200 tensors in one place": lambda: safetensors({f"w{i}": entry() for i in range(200)}),
    "a tensor behind the file": lambda: safetensors({"w": entry(data_offsets=[16, 32])}),
    "a tensor that begins in the header": lambda: safetensors({"w": entry(data_offsets=[-8, 8])}),
    "a place back to front": lambda: safetensors({"w": entry(data_offsets=[16, 0])}),
    "a place of one number": lambda: safetensors({"w": entry(data_offsets=[16])}),
    "a place of fractions": lambda: safetensors({"w": entry(data_offsets=[0.0, 16.0])}),
    "a place of a thousand digits": lambda: safetensors({"w": entry(data_offsets=[0, 10**1000])}),
    "a tensor of 10 GB": lambda: safetensors({"w": entry(shape=[GB_10], data_offsets=[0, GB_10])}),
    "a shape whose product overflows": lambda: safetensors({"w": entry(shape=[2**32, 2**32])}),
    "a shape of a negative side": lambda: safetensors({"w": entry(shape=[-2, -2])}),
    "a shape of fractions": lambda: safetensors({"w": entry(shape=[4.0])}),
    "a shape of texts": lambda: safetensors({"w": entry(shape=["4"])}),
    "a shape of a million axes": lambda: safetensors({"w": entry(shape=[1] * 10**6)}),
    "a shape that is a number": lambda: safetensors({"w": entry(shape=4)}),
    "safetensors that are cut off": lambda: safetensors(numbers=bytes(12)),
    "safetensors that go on": lambda: safetensors(numbers=bytes(20)),
    "safetensors with a path for a name": lambda: safetensors({"../w": entry()}),
    "numbered averages in no order": lambda: safetensors(
        {"model.a": entry(), "shadow_params.0": entry(data_offsets=[16, 32])}, numbers=bytes(32)
    ),
}


def encoded_entry() -> bytes:
    return b'{"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}'


def multiplied() -> Opcodes:
    """Blocks in blocks, each holding the one below sixty times; 60^4 at the end."""
    current: Opcodes = Opcodes(module("Conv2d") + b"r\0\1\0\0")
    for _ in range(4):
        below = {"b0": current, **{f"b{i}": Opcodes(b"j\0\1\0\0") for i in range(1, 60)}}
        current = Opcodes(module("UNetBlock", state(_modules=below)) + b"r\0\1\0\0")
    return current


def nested_streams(depth: int) -> bytes:
    data = stream()
    for _ in range(depth):
        data = stream(call("torch.storage _load_from_bytes", data))
    return data


def one_tensor_of(num: int) -> bytes:
    """The beginning of a stream whose numbers, as many bytes, are all that follows."""
    numbers = storage(num=num, kind="torch ByteStorage")
    return stream({"w": tensor(numbers, shape=(num,))}, num=num, numbers=b"")


SPARSE = {
    "10 GB of nothing": b"",
    "10 GB after a network": net(),
    "10 GB of one tensor": one_tensor_of(GB_10 - len(one_tensor_of(GB_10))),
}


def write_all(folder: Path) -> None:
    """Every hostile file; those of `SPARSE` are 10 GB long and take no room."""
    for label, payload in PAYLOADS.items():
        (folder / f"pickle: {label}").write_bytes(pickled({"ema": payload}))
    for label, make in {**NETWORKS, **CHECKPOINTS, **SAFETENSORS}.items():
        (folder / label).write_bytes(make())
    for label, head in SPARSE.items():
        with (folder / label).open("wb") as file:
            file.write(head)
            file.truncate(GB_10)
