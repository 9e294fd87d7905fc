"""A job of an array finds its share however the array is numbered, or is told that it's outside."""

import pytest

from flows.generation.part import Part
from flows.request import Request

SHARDS = list(range(20))


def shares(parts: list[Part]) -> list[int]:
    """The shards that these parts make first."""
    return [s for part in parts for s in part.ordered(SHARDS) if s % part.count == part.index]


@pytest.mark.parametrize(
    "array",
    [
        [f"{n}/8" for n in range(8)],
        [f"{n}/8" for n in range(1, 9)],
        [f"{n}/100-107" for n in range(100, 108)],
        [f"{n}/4-20:4" for n in range(4, 21, 4)],
        ["0/1"],
        ["1/1"],
    ],
)
def test_every_share_of_an_array_is_made_once(array: list[str]) -> None:
    parts = [Part.parse(text) for text in array]
    assert {part.count for part in parts} == {len(array)}
    assert sorted(shares(parts)) == SHARDS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("9/8", r"job 9 is outside an array of 8; numbers go from 0 to 7, or from 1 to 8"),
        ("1/0", r"job 1 is outside an array of 0"),
        ("108/100-107", r"job 108 is outside an array from 100 to 107"),
        ("5/4-20:4", r"job 5 is outside an array from 4 to 20 in steps of 4"),
        ("5/20-4", r"outside an array from 20 to 4"),
        ("3", r"write NUMBER/COUNT, as in 3/8"),
        ("", r"write NUMBER/COUNT, as in 3/8"),
        ("-1/8", r"write NUMBER/COUNT"),
        ("٣/8", r"write NUMBER/COUNT"),
        ("1/8/2", r"write NUMBER/COUNT"),
        ("1.5/8", r"write NUMBER/COUNT"),
    ],
)
def test_a_part_outside_its_array_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Part.parse(text)


def test_after_its_share_a_part_takes_others_from_their_ends() -> None:
    assert Part(1, 3).ordered(range(7)) == [1, 4, 6, 5, 3, 2, 0]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"part": "9/8", "until": "generate-pairs"}, "outside an array of 8"),
        ({"part": "1/8"}, "--part is for generate-pairs; eval-report needs all shards"),
        ({"on": "proceses"}, "did you mean 'processes'"),
        ({"on": "dask://"}, "named by its scheduler, as in dask://host:8786"),
        ({"workers": 0}, "workers is 0; it must be a whole number from 1"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(asked: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Request("tiny", **asked).run()


@pytest.mark.parametrize("span", ["0", "-1", "soon", "nan", "1e9"])
def test_a_span_that_is_none_is_refused(span: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDM_CLAIM_SPAN", span)
    with pytest.raises(ValueError, match=r"KDM_CLAIM_SPAN is '.*'; it must be a number of seconds"):
        Request("tiny").run()
