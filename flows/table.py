"""Plain tables for terminal and pipe alike."""

from collections.abc import Sequence


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
