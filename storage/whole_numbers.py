"""Whole numbers as people write them: digits alone, where Python would take '1_000', ' 5' and '٣' too."""

import re

_DIGITS = re.compile("[0-9]{1,20}")  # 2^64 has 20


def whole_number(text: str) -> int | None:
    """The number that a text is; None if it is anything but at most 20 digits."""
    return int(text) if _DIGITS.fullmatch(text) else None
