"""Which samples a critic of pictures can look at."""

LAST_KERNEL = 4  # pixels a side that the critic's last convolution needs


def require_room(shape: tuple[int, ...], num_halvings: int) -> None:
    """Raise a ValueError for samples that aren't pictures, or too small for so many halvings."""
    if len(shape) != 3:
        raise ValueError(
            f"a critic looks at pictures, of shape (C, H, W), not {shape}; set adversary to null"
        )
    smallest = min(shape[1:])
    if smallest >> num_halvings >= LAST_KERNEL:
        return
    most = (smallest // LAST_KERNEL).bit_length() - 1
    remedy = f"use at most {most}" if most > 0 else "set adversary to null"
    raise ValueError(
        f"adversary.num_halvings is {num_halvings}, which leaves less than {LAST_KERNEL} of "
        f"{smallest} pixels a side; {remedy}"
    )
