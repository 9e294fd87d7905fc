"""torch.no_grad as a decorator, for modules that are read before anybody has work for torch."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def no_grad(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The function, which computes without gradients."""

    @wraps(function)
    def without(*arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        import torch

        with torch.no_grad():
            return function(*arguments, **options)

    return without
