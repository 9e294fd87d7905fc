"""Quality against cost: who is on the front, and names that don't lie on each other."""

import re

import numpy as np

from kdm.analyze.pareto import Point, front, pareto_svg

STREAM = np.random.RandomState(3)


def point(name: str, cost: float, value: float) -> Point:
    return Point(name, cost, value, 0.9 * value, 1.1 * value)


def test_the_front_has_whom_no_cheaper_one_beats():
    points = [point("a", 1, 5), point("b", 2, 6), point("c", 3, 4), point("d", 3, 3)]
    assert [each.name for each in front(points, is_lower_better=True)] == ["a", "d"]
    assert [each.name for each in front(points, is_lower_better=False)] == ["a", "b"]


def boxes(svg: str) -> list[tuple[float, float, float, float]]:
    found = re.findall(r'<text class="name" x="([\d.]+)" y="([\d.]+)">([^<]*)</text>', svg)
    return [
        (float(x), float(y) - 10, float(x) + 6 * len(name), float(y) + 2) for x, y, name in found
    ]


def test_names_lie_apart_and_inside_however_many_and_long_they_are():
    costs, values = np.exp(STREAM.standard_normal((2, 30)))
    points = [
        point(f"kdm-{'with-a-long-name-' * (n % 4)}{n}", cost, value)
        for n, (cost, value) in enumerate(zip(costs, values, strict=True))
    ]
    svg = pareto_svg(
        points,
        along="FLOPs",
        up="error",
        words="a < b",
        is_lower_better=True,
        printed=str,
        cost_printed=str,
    )
    found = boxes(svg)
    assert len(found) > 15
    assert all(x >= 0 and right <= 506 and y >= 0 for x, y, right, _ in found)
    meeting = [
        (one, other)
        for place, one in enumerate(found)
        for other in found[:place]
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ]
    assert not meeting
    assert 'aria-label="a &lt; b"' in svg


def test_one_student_alone_and_equal_ones_have_a_picture():
    alone = [point("only", 7, 0.0), point("only too", 7, 0.0)]
    svg = pareto_svg(
        alone,
        along="",
        up="",
        words="",
        is_lower_better=True,
        printed=str,
        cost_printed=str,
    )
    assert svg.count("<circle") == 2
    assert "nan" not in svg
