"""Counts secrets in what it reads: `docker save IMAGE | find_secrets.py SECRETS` looks into every layer.

SECRETS is a file of one secret a line. Each is searched for as it is, in base64, and as a URL writes it. Any
other stream (a log, a database's dump) is searched as it is. Prints the number of hits, never a secret; the
exit code is 1 if there are any.
"""

import base64
import gzip
import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

CHUNK = 1 << 24


def spellings(secret: str) -> set[bytes]:
    """Base64 depends on what stands before: three offsets, without the ends that neighbours change."""
    raw = secret.encode()
    encoded = [base64.b64encode(b"\0" * shift + raw) for shift in range(3)]
    return {
        raw,
        quote(secret, safe="").encode(),
        encoded[0][:-4],
        encoded[1][4:-4],
        encoded[2][4:-4],
    }


def num_hits(stream: BinaryIO, wanted: set[bytes]) -> int:
    """Occurrences in the stream, also where two reads meet."""
    overlap = max(map(len, wanted)) - 1
    hits, tail = 0, b""
    while chunk := stream.read(CHUNK):
        window = tail + chunk
        hits += sum(window.count(each) for each in wanted)
        tail = window[-overlap:]
        hits -= sum(tail.count(each) for each in wanted)
    return hits + sum(tail.count(each) for each in wanted)


def parts(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The layers and records of a saved image, uncompressed; or the stream itself if it's no archive."""
    head = stream.read(512)
    whole = io.BufferedReader(_Joined(head, stream), CHUNK)
    if head[257:262] != b"ustar":
        yield whole
        return
    with tarfile.open(fileobj=whole, mode="r|") as archive:
        for member in archive:
            body = archive.extractfile(member)
            if body is not None:
                yield _uncompressed(body)


def _uncompressed(body: BinaryIO) -> BinaryIO:
    buffered = io.BufferedReader(body, CHUNK)
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=buffered)
    return buffered


class _Joined(io.RawIOBase):
    """What was read from a stream, and then the rest of it."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        piece = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def main() -> int:
    """Exit code 1 if a secret was found."""
    secrets = Path(sys.argv[1]).read_text().split()
    wanted = {spelling for secret in secrets for spelling in spellings(secret)}
    hits = sum(num_hits(part, wanted) for part in parts(sys.stdin.buffer))
    sys.stdout.write(f"{hits}\n")
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main())
