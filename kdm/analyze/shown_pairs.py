"""Which pairs can be shown as pictures, and how many.

In a separate module, because a command that only asks must not wait for matplotlib.
"""

EACH_WAY = 8


def can_be_shown(shape: tuple[int, ...]) -> bool:
    """Whether samples of this shape are images."""
    return len(shape) in (2, 3) and min(shape[-2:]) > 1
