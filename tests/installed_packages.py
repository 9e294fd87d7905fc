"""Packages as pip leaves them on a path: a folder `NAME-VERSION.dist-info` with entry points."""

from pathlib import Path


def install(place: Path, name: str, entry_points: str, version: str = "1.0") -> Path:
    """The package on `place`, which is to be put on sys.path."""
    info = place / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    header = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(header)
    (info / "entry_points.txt").write_text(entry_points)
    return place
