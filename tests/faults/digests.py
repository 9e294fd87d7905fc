"""All digests of a home (docs/store.md), so that two homes can be compared."""

from pathlib import Path

from storage.digest import digest_of, sha256_of, unseal, without_stamp
from storage.errors import DamageError

# What two equal runs may differ in: times, the place, and pages that say when they were made.
LEFT_OUT = ("timings.json", "job.json", "report.html", "overview.html")


def digests_of(home: Path) -> dict[str, str]:
    """{path below the home: digest}; of a damaged document, why it cannot be trusted."""
    files = [file for file in sorted(home.rglob("*")) if file.is_file()]
    return {
        str(file.relative_to(home)): _digest(file)
        for file in files
        if file.name not in LEFT_OUT and not _is_hidden(file, home) and not _is_superseded(file)
    }


def unmeasured(digests: dict[str, str]) -> dict[str, str]:
    """Without what `evaluate` writes anew beside a student that was trained."""
    anew = ("/card.md", "/metrics.json")
    return {
        name: digest
        for name, digest in digests.items()
        if not (name.startswith("students") and name.endswith(anew))
    }


def temporary_files(home: Path) -> list[str]:
    """Files that no record names: what killed writers left behind."""
    return sorted(str(file.relative_to(home)) for file in home.rglob(".tmp-*"))


def assert_equal(found: dict[str, str], golden: dict[str, str]) -> None:
    """Both homes hold the same under the same names; the message has the names that differ."""
    names = sorted(name for name in {*found, *golden} if found.get(name) != golden.get(name))
    assert not names, f"{len(names)} files differ: {names[:8]}"


def _digest(file: Path) -> str:
    data = file.read_bytes()
    if file.suffix != ".json" or file.name == "zarr.json":  # which carries no digest of its own
        return sha256_of(data)
    try:
        document = without_stamp(unseal(data, file.name))
    except DamageError as error:
        return f"damaged: {error}"
    document.pop("environment", None)
    return digest_of(document)


def _is_hidden(file: Path, home: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(home).parts)


def _is_superseded(file: Path) -> bool:
    # A run that was asked to stop has one more checkpoint on its way; the last one tells all.
    return file.parent.name == "checkpoints" and file.stem < max(
        other.stem for other in file.parent.iterdir()
    )
