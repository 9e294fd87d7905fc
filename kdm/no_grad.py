"""torch.no_grad as a decorator, for modules that mustn't import torch before there is work for it."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def no_grad(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The same function, run without gradients; torch is imported at its first call."""

    @wraps(function)
    def without(*arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        import torch

        with torch.no_grad():
            return function(*arguments, **options)

    return without
