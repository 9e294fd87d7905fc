"""Whole numbers as people write them: digits only; Python also takes '1_000', ' 5' and '٣'."""

import re

_DIGITS = re.compile("[0-9]{1,20}")  # 2^64 has 20


def whole_number(text: str) -> int | None:
    """A text as a number; None unless it is 1 to 20 digits."""
    return int(text) if _DIGITS.fullmatch(text) else None
