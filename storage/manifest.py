"""Frozen manifests: which shards a set holds, by content digest, over its first n records.

A reader pins one, so a set that grows under it stays the set that it read (docs/store.md, 'Growth').
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from storage.formats.layout import parse_layout
from storage.options import LastingOptions
from storage.shard_record import VERSION, Digest

# 4.5·10⁹ pairs in shards of 4,096. A shard takes 43 bytes of a manifest, and reading it five times
# as much memory.
MAX_SHARDS = 1_100_000
_DIGEST_BYTES = 32
_HEX = re.compile("[0-9a-f]*")


class Manifest(LastingOptions):
    """The first n records by content digest. Frozen: a larger set adds a manifest.

    `contents` are the digests' bytes, one after the other, in base64. Older manifests, which list
    them as `content_digests`, are read as well.
    """

    model_config = ConfigDict(strict=True)
    added_later: ClassVar[Mapping[str, Any]] = {"nfe": 0.0, "replaced": []}

    version: int = VERSION
    split: str
    layout: str
    spec_digest: Digest
    contents: str
    attempted: int
    kept: int = Field(ge=0)
    nfe: float = Field(0.0, ge=0, le=2**40)  # over all its records, as in each of them
    # Of a purged set: the digests of the contents that this manifest listed before each purge.
    replaced: list[Digest] = []

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
        replaced: Iterable[str] = (),
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
            replaced=list(replaced),
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


def _packed(content_digests: list[str]) -> str:
    if any(not isinstance(each, str) or len(each) != 64 for each in content_digests):
        raise ValueError("content digests have 64 hexadecimal digits each")
    joined = "".join(content_digests)
    if not _HEX.fullmatch(joined):
        raise ValueError("content digests have the digits 0 to 9 and a to f")
    return _base64(bytes.fromhex(joined))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
