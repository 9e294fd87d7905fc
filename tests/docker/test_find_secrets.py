"""The search of `make docker-test` finds a secret in a layer, also in base64 and across two reads."""

import base64
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

SEARCH = Path(__file__).parents[2] / "docker" / "test" / "find_secrets.py"
SECRET = "canary/0123456789abcdef+"


def hits(content: bytes, folder: Path) -> int:
    (folder / "secrets").write_text(SECRET + "\n")
    ended = subprocess.run(
        [sys.executable, SEARCH, folder / "secrets"],
        input=content,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == (ended.stdout != b"0\n"), ended.stderr
    return int(ended.stdout)


def image(content: bytes) -> bytes:
    """A saved image with one layer of one file."""
    for name in ("etc/pip.conf", "layer.tar"):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        content = stream.getvalue()
    return content


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"nothing here", 0),
        (b"url = https://user:" + SECRET.encode() + b"@host", 1),
        (b"user:canary%2F0123456789abcdef%2B@host", 1),
        (base64.b64encode(b"admin:" + SECRET.encode() + b"!"), 1),
        (b"-" * ((1 << 24) - 1541) + SECRET.encode(), 1),
    ],
    ids=["none", "plain", "quoted", "base64", "across-two-reads"],
)
def test_it_counts_a_secret_in_a_layer(content: bytes, wanted: int, tmp_path: Path) -> None:
    assert hits(image(content), tmp_path) == wanted


def test_it_counts_a_secret_in_a_log(tmp_path: Path) -> None:
    assert hits(f"said {SECRET} twice: {SECRET}".encode(), tmp_path) == 2
