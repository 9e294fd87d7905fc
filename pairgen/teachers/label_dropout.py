"""Labels hidden in training, so that a network also learns what to do without one.

Classifier-free guidance (Ho & Salimans 2022, Algorithm 1) needs both velocities, with a label and without.
Each label of a batch is replaced by the network's label for none with probability `label_dropout`.
"""


def require_labels_to_hide(label_dropout: float, num_classes: int) -> None:
    """Raise a ValueError if labels are to be hidden from a network that isn't given any."""
    if label_dropout and not num_classes:
        raise ValueError(
            f"label_dropout is {label_dropout}, but without num_classes there are no "
            "labels to hide; give num_classes, or set it to 0"
        )
