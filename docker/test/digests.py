"""Prints path and SHA-256 of what a home's runs have made: shards, and weights of teachers and students."""

import hashlib
import sys

import fsspec

MADE = (
    "/pairs/*/*/*/shards/*.tar",
    "/teachers/*/model.safetensors",
    "/students/*/model.safetensors",
)


def digests(home: str) -> list[str]:
    """One line a file, sorted; without the home's own address, so that two homes can be compared."""
    files, root = fsspec.core.url_to_fs(home)
    paths = sorted(path for pattern in MADE for path in files.glob(root + pattern))
    return [
        f"{hashlib.sha256(files.cat_file(path)).hexdigest()}  {path.removeprefix(root)}"
        for path in paths
    ]


if __name__ == "__main__":
    sys.stdout.write("".join(line + "\n" for line in digests(sys.argv[1])))
