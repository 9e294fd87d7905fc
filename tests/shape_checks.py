"""Shapes are checked at a function's first calls in a test: at all of them the checks took half of the suite.

pytest's option of jaxtyping decorates each function of the packages that it names by `jaxtyping.jaxtyped`;
from `check_first_calls` on, what that makes checks few calls and then steps aside.
"""

import functools
from collections.abc import Callable
from typing import Any

import jaxtyping

NUM_CHECKED = 4  # calls of a function in each test: more than levels in the networks of most
_tests_begun = 0


def begin_test() -> None:
    """From here on, each function's next calls are its first ones again."""
    global _tests_begun
    _tests_begun += 1


def check_first_calls() -> None:
    """Before any package that is checked is imported."""
    check_all = jaxtyping.jaxtyped

    def jaxtyped(*, typechecker: Any) -> Callable[[Any], Any]:
        checking = check_all(typechecker=typechecker)

        def decorated(what: Any) -> Any:
            return checking(what) if isinstance(what, type) else _at_first(checking(what), what)

        return decorated

    jaxtyping.jaxtyped = jaxtyped


def _at_first(checked: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    test = num_calls = 0

    @functools.wraps(plain)
    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal test, num_calls
        if test != _tests_begun:
            test, num_calls = _tests_begun, 0
        num_calls += 1
        return (checked if num_calls <= NUM_CHECKED else plain)(*arguments, **named)

    return call
