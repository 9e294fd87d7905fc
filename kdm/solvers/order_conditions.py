"""Which order a Runge-Kutta rule has: one equation for each rooted tree (Butcher 1963).

The exact solution and a rule's result both expand in powers of h, with one term for each rooted tree τ: the
tree says how derivatives of v are nested in it. The terms of a tree agree, after a step of θh, if

    Σ_i b_i Φ_i(τ) = θ^|τ| / γ(τ),     Φ_i(τ) = Π_children c Σ_j a_ij Φ_j(c),     γ(τ) = |τ| Π_children c γ(c)

where |τ| counts its nodes. The rule is of order p if that holds for all trees of at most p nodes (Hairer,
Nørsett & Wanner 1993, Theorem II.2.13; with θ < 1 for dense output, Section II.6). Fractions are exact, so
a digit that is wrong in a table cannot hide in rounding.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from math import prod
from typing import Any

Row = tuple[Fraction, ...]
Tree = tuple[Any, ...]  # its children, themselves trees, in sorted order; () is the single node


def require_order(
    rows: Sequence[Row], weights: Row, order: int, *, share: Fraction = Fraction(1)
) -> None:
    """Raise a ValueError unless `weights` b over the stages a_ij of `rows` have this order at θ = `share`."""
    for tree in (tree for num_nodes in range(1, order + 1) for tree in _trees(num_nodes)):
        wanted = share ** _size(tree) / _density(tree)
        found = sum(
            (b * stage for b, stage in zip(weights, _stages(rows, tree), strict=True)), Fraction(0)
        )
        if found != wanted:
            raise ValueError(
                f"these coefficients are not of order {order}: the condition of the tree {tree} of "
                f"{_size(tree)} nodes gives {found}, not {wanted}; check each against its source"
            )


@cache
def _trees(num_nodes: int) -> tuple[Tree, ...]:
    """All of so many nodes: 1, 1, 2, 4, 9, …"""
    if num_nodes == 1:
        return ((),)
    return tuple(sorted({grown for tree in _trees(num_nodes - 1) for grown in _grown(tree)}))


def _grown(tree: Tree) -> Iterator[Tree]:
    """The tree with one more leaf, at each of its nodes."""
    yield tuple(sorted((*tree, ())))
    for place, child in enumerate(tree):
        for grown in _grown(child):
            yield tuple(sorted((*tree[:place], grown, *tree[place + 1 :])))


def _size(tree: Tree) -> int:
    return 1 + sum(map(_size, tree))


def _density(tree: Tree) -> int:
    return _size(tree) * prod(map(_density, tree))


def _stages(rows: Sequence[Row], tree: Tree) -> list[Fraction]:
    """Φ_i of each stage; row i has a_ij for j < i alone."""
    children = [_stages(rows, child) for child in tree]
    return [
        prod(
            (
                sum((a * phi for a, phi in zip(row, child, strict=False)), Fraction(0))
                for child in children
            ),
            start=Fraction(1),
        )
        for row in rows
    ]
