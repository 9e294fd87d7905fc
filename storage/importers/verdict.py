"""Which of two ends is noise: by their statistics if these tell, else as the user states."""

from typing import Literal, NamedTuple

from storage.importers.end_statistics import End

# Six standard errors of the excess kurtosis are then .93: uniform data is still clearly not noise.
MIN_NUMBERS = 1000
NoiseEnd = Literal["first", "last"]


class Verdict(NamedTuple):
    """Which end is noise, and whether that was stated because the numbers do not tell."""

    noise_is_first: bool
    is_stated: bool = False


def told(first: End, last: End, *, stated: NoiseEnd | None = None) -> Verdict:
    """Which end is noise: by the numbers if they tell, else as stated.

    Raises a ValueError if neither tells, or if a statement contradicts the numbers.
    """
    found = _by_numbers(first, last)
    if found is None and stated is None:
        raise ValueError(
            f"cannot tell noise from data: {_unclear(first, last)}; check that these are pairs of "
            "noise and data, and state which end is noise with --noise first or --noise last "
            "(in a recipe pairs.options.noise_end)"
        )
    if found is None:
        end = first if stated == "first" else last
        if end.std == 0:
            raise ValueError(f"the {stated} end is stated to be noise, but holds one value only")
        return Verdict(stated == "first", is_stated=True)
    if stated is not None and stated != found:
        raise ValueError(
            f"the noise is stated to be {stated}, but the numbers say that it is {found} "
            f"({_lines(first, last)}); leave the statement out, or state '{found}'"
        )
    return Verdict(found == "first")


def _by_numbers(first: End, last: End) -> NoiseEnd | None:
    if first.num_numbers < MIN_NUMBERS:
        return None
    if first.looks_like_noise and last.looks_like_data:
        return "first"
    return "last" if first.looks_like_data and last.looks_like_noise else None


def _unclear(first: End, last: End) -> str:
    if first.num_numbers < MIN_NUMBERS:
        return f"an end holds {first.num_numbers:,} numbers, and it takes {MIN_NUMBERS:,} at least"
    noise = [end.looks_like_noise for end in (first, last)]
    return (
        f"{_which(noise)} ({_lines(first, last)}), and exactly one must be white and Gaussian and "
        "the other clearly not"
    )


def _lines(first: End, last: End) -> str:
    return "; ".join(
        f"{name}: mean {end.mean:.3f}, std {end.std:.3f}, skewness {end.skewness:.3f}, excess "
        f"kurtosis {end.excess_kurtosis:.3f}, correlation of neighbours {end.correlation:.3f}"
        for name, end in zip(("first", "last"), (first, last), strict=True)
    )


def _which(noise: list[bool]) -> str:
    if all(noise):
        return "both ends look like noise"
    if any(noise):
        return "one end looks like noise, but the other is not clearly data"
    return "neither end looks like noise"
