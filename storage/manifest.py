"""What is in a set: one record a shard, and frozen manifests over the first n records (STORE.md).

Whatever is read here may have been written by anyone: sizes are bounded before bytes are read, and
numbers are checked against each other before they are used.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from storage.digest import seal, unseal, without_stamp
from storage.errors import DamageError
from storage.formats.layout import MAX_SHARD_BYTES, ShardFile, parse_layout
from storage.fs import Folder
from storage.options import LastingOptions, ModelT, Options, parse

VERSION = 1
MAX_RECORD_BYTES = 2 * 2**20  # 65,536 dropped indices of 13 digits take 1.2 MB
# 4.5·10⁹ pairs in shards of 4,096. A shard takes 43 bytes of a manifest, and reading it five times
# as much memory.
MAX_SHARDS = 1_100_000
MAX_MANIFEST_BYTES = 48 * 2**20
_DIGEST_BYTES = 32
_HEX = re.compile("[0-9a-f]*")
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class Record(LastingOptions):
    """One shard: what was asked, what was kept, what was dropped and why, and who made it."""

    model_config = ConfigDict(strict=True)
    added_later: ClassVar[Mapping[str, Any]] = {"parts": {}, "nfe": 0.0}

    version: int = VERSION
    shard: int = Field(ge=0, lt=2**40)
    split: str
    layout: str
    spec_digest: Digest
    content_digest: Digest
    file: str
    file_digest: Digest
    num_bytes: int = Field(ge=0, le=2 * MAX_SHARD_BYTES)
    parts: dict[str, Digest] = {}  # sha256 by file, where the layout gives a shard several
    first_index: int
    last_index: int
    attempted: int
    kept: int
    dropped: dict[str, list[int]]  # indices by reason
    # Evaluations of the teacher's network that a sample took, on average over all that were attempted:
    # exact, as each was counted. 0: not known, as of imported pairs.
    nfe: float = Field(0.0, ge=0, le=2**40)
    environment: dict[str, Any]

    @model_validator(mode="after")
    def _check(self) -> Self:
        shard_size = parse_layout(self.layout).shard_size
        first, last = self.first_index, self.last_index
        if first != self.shard * shard_size or not first <= last < first + shard_size:
            raise ValueError(f"indices {first} to {last} are not those of shard {self.shard}")
        if self.attempted != last - first + 1:
            raise ValueError(f"attempted is {self.attempted}; {first} to {last} are others")
        self._check_dropped()
        return self

    def _check_dropped(self) -> None:
        dropped = sorted(index for rows in self.dropped.values() for index in rows)
        if dropped and not self.first_index <= dropped[0] <= dropped[-1] <= self.last_index:
            raise ValueError(f"drops index {dropped[0]} or {dropped[-1]}, which it was not asked")
        if len(set(dropped)) != len(dropped) or not all(map(_rises, self.dropped.values())):
            raise ValueError("drops an index twice, or lists dropped indices out of order")
        if self.kept != self.attempted - len(dropped):
            raise ValueError(
                f"kept is {self.kept}; of {self.attempted} attempted {len(dropped)} were dropped"
            )

    def kept_indices(self) -> list[int]:
        """What the shard holds, rising."""
        dropped = {index for rows in self.dropped.values() for index in rows}
        return [i for i in range(self.first_index, self.last_index + 1) if i not in dropped]

    @property
    def shard_file(self) -> ShardFile:
        """Where its bytes are and what they must be."""
        return ShardFile(self.file, self.file_digest, self.num_bytes, self.parts)


class Manifest(LastingOptions):
    """The first n records by content digest. Frozen: a larger set adds a manifest.

    `contents` are the digests' bytes, one after the other, in base64. Older manifests, which list
    them as `content_digests`, are read as well.
    """

    model_config = ConfigDict(strict=True)
    added_later: ClassVar[Mapping[str, Any]] = {"nfe": 0.0}

    version: int = VERSION
    split: str
    layout: str
    spec_digest: Digest
    contents: str
    attempted: int
    kept: int = Field(ge=0)
    nfe: float = Field(0.0, ge=0, le=2**40)  # over all its records, as in each of them

    @classmethod
    def over(
        cls,
        content_digests: Iterable[str],
        *,
        split: str,
        layout: str,
        spec_digest: str,
        attempted: int,
        kept: int,
        nfe: float = 0.0,
    ) -> "Manifest":
        """The manifest over records with these content digests."""
        return cls(
            split=split,
            layout=layout,
            spec_digest=spec_digest,
            contents=_packed(list(content_digests)),
            attempted=attempted,
            kept=kept,
            nfe=nfe,
        )

    @model_validator(mode="before")
    @classmethod
    def _pack_a_list(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not isinstance(data.get("content_digests"), list):
            return data
        others = {key: value for key, value in data.items() if key != "content_digests"}
        if "contents" in others:
            raise ValueError("it has both 'contents' and 'content_digests'; one is right")
        return {**others, "contents": _packed(data["content_digests"])}

    @model_validator(mode="after")
    def _check(self) -> Self:
        shard_size = parse_layout(self.layout).shard_size
        most = self.num_shards * shard_size
        if not most - shard_size < self.attempted <= most:  # the last shard may be short
            raise ValueError(f"attempted is {self.attempted:,} with {self.num_shards:,} digests")
        if self.kept > self.attempted:
            raise ValueError(f"kept is {self.kept:,} of {self.attempted:,} attempted")
        return self

    @property
    def num_shards(self) -> int:
        """Shards that this manifest covers."""
        return len(self._digests) // _DIGEST_BYTES

    def content_digest(self, shard: int) -> str:
        """The content digest of one shard that it covers."""
        if not 0 <= shard < self.num_shards:
            raise ValueError(f"shard is {shard}; the manifest covers {self.num_shards:,}")
        return self._digests[shard * _DIGEST_BYTES :][:_DIGEST_BYTES].hex()

    @property
    def content_digests(self) -> tuple[str, ...]:
        """All of them, made when asked."""
        everything = self._digests.hex()
        width = 2 * _DIGEST_BYTES
        return tuple(
            everything[start : start + width] for start in range(0, len(everything), width)
        )

    @cached_property
    def _digests(self) -> bytes:
        try:
            digests = binascii.a2b_base64(self.contents, strict_mode=True)
        except ValueError as error:
            raise ValueError(f"contents are not base64 ({error})") from None
        if len(digests) % _DIGEST_BYTES or _base64(digests) != self.contents:
            raise ValueError(f"contents are not whole digests of {_DIGEST_BYTES} bytes in base64")
        return digests


def record_name(shard: int) -> str:
    """The file of a shard's record below `records/`."""
    return f"{shard:06d}.json"


def read_record(records: Folder, shard: int) -> Record:
    """The record of a shard; `DamageError` where it is missing, changed, or another's."""
    return _record(records, shard, _read(records, shard, MAX_RECORD_BYTES))


def read_records(records: Folder, shards: Sequence[int]) -> list[Record]:
    """Likewise of several shards, read at once."""
    try:
        found = records.read_many(list(map(record_name, shards)), at_most=MAX_RECORD_BYTES)
    except FileNotFoundError:
        # One by one, so that the error names the file.
        return [read_record(records, shard) for shard in shards]
    return [_record(records, shard, data) for shard, data in zip(shards, found, strict=True)]


def read_manifest(manifests: Folder, num_shards: int) -> Manifest:
    """The manifest over the first `num_shards` records; `DamageError` where it is not sound."""
    where = f"{manifests.url}/{record_name(num_shards)}"
    data = _read(manifests, num_shards, MAX_MANIFEST_BYTES)
    _require_plain(data, num_shards, where)
    manifest = _opened(Manifest, data, where)
    if manifest.num_shards != num_shards:
        raise DamageError(
            f"{where} lists {manifest.num_shards:,} shards, its name says {num_shards:,}; "
            "remove it and run generate-pairs again"
        )
    return manifest


def sealed(model: Options, **volatile: Any) -> bytes:
    """A record or manifest as bytes; attempt id and times stand in it but outside its digest."""
    return seal({**model.model_dump(mode="json"), **volatile})


def _record(records: Folder, shard: int, data: bytes) -> Record:
    where = f"{records.url}/{record_name(shard)}"
    record = _opened(Record, data, where)
    if record.shard != shard:
        raise DamageError(
            f"{where} is the record of shard {record.shard}; "
            "files were swapped: remove it and run generate-pairs again"
        )
    return record


def _read(folder: Folder, number: int, at_most: int) -> bytes:
    try:
        return folder.read(record_name(number), at_most=at_most)
    except FileNotFoundError as error:
        raise DamageError(
            f"{folder.url}/{record_name(number)} is missing; run generate-pairs again"
        ) from error


def _opened(model: type[ModelT], data: bytes, where: str) -> ModelT:
    document = unseal(data, where)
    if document.get("version") != VERSION:
        raise DamageError(
            f"{where} has format version {str(document.get('version'))[:20]}; this release reads "
            f"version {VERSION}: use the release that wrote it"
        )
    try:
        return parse(model, without_stamp(document), where)
    except ValueError as error:
        raise DamageError(f"{error}; remove it and run generate-pairs again") from error


def _require_plain(data: bytes, num_shards: int, where: str) -> None:
    """Refuse, before it is parsed, what would take far more memory than its bytes.

    A manifest is one object of few fields, with one list of digests at most; base64 has no comma.
    """
    if data.count(b"[") + data.count(b"{") > 8 or data.count(b",") > num_shards + 32:
        raise DamageError(f"{where} is not laid out as a manifest of {num_shards:,} shards")


def _packed(content_digests: list[str]) -> str:
    if any(not isinstance(each, str) or len(each) != 64 for each in content_digests):
        raise ValueError("content digests have 64 hexadecimal digits each")
    joined = "".join(content_digests)
    if not _HEX.fullmatch(joined):
        raise ValueError("content digests have the digits 0 to 9 and a to f")
    return _base64(bytes.fromhex(joined))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _rises(indices: list[int]) -> bool:
    return all(first < second for first, second in pairwise(indices))
