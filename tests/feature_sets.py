"""Small sets of features, of samples and of real pictures, that a seed determines."""

import numpy as np


def many():
    """More rows than dimensions: [200, 6] and [260, 6]."""
    stream = np.random.RandomState(0)
    x = stream.standard_normal((200, 6)) * [1, 2, 0.5, 1, 1, 3] + 0.3
    return x, stream.standard_normal((260, 6)) * [2, 1, 1, 1, 0.2, 3]


def few():
    """Fewer rows than dimensions: [20, 32] and [24, 32]; both covariances are singular."""
    stream = np.random.RandomState(1)
    return stream.standard_normal((20, 32)) + 0.1, 1.5 * stream.standard_normal((24, 32))


def flat():
    """A feature that never changes: [100, 6] and [120, 6]."""
    x, y = many()
    x, y = x[:100].copy(), y[:120].copy()
    x[:, 2] = y[:, 2] = 0.25
    return x, y


def copies():
    """Each of 40 samples is a real one, and each real one is there five times."""
    stream = np.random.RandomState(2)
    real = stream.randint(-3, 4, (40, 2)).astype(np.float64)
    return real.copy(), np.repeat(real, 5, axis=0)


SETS = {"many": many, "few": few, "flat": flat, "copies": copies}


def logits(num):
    """[num, 10], of classes that are told apart."""
    return 2 * np.random.RandomState(3).standard_normal((num, 10))


def picture():
    """Bytes [3, 16, 16]."""
    return np.random.RandomState(4).randint(0, 256, (3, 16, 16)).astype(np.uint8)
