"""What a command prints: plain tables for terminal and pipe alike, and with --json one JSON document.

Then nothing else is on standard output: progress, warnings and errors go to standard error. Numbers are
plain: bytes, seconds and shares, as integers or floats of full precision; what isn't known, or isn't finite,
is null. A moment is ISO 8601 in UTC.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import typer


def aligned(rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Rows of equal length as lines with aligned columns; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def many(number: int, what: str) -> str:
    """'1 shard', '1,024 shards'."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def num_bytes(size: int) -> str:
    """'512 B', '1.3 MB': decimal units."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def say_document(document: Mapping[str, Any]) -> None:
    """Print the document that answers the command."""
    typer.echo(json.dumps(_plain(document), indent=1, ensure_ascii=False, allow_nan=False))


def instant(seconds: float) -> str | None:
    """Seconds since 1970 as '2026-11-29T08:38:02+00:00'; None for 0, where a file system has no dates."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
