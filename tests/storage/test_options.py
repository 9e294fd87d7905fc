"""Configuration refuses what it does not know, and names the nearest right key."""

import pytest

from storage.options import Options, parse


class Inner(Options):
    width: int = 3


class Outer(Options):
    inner: Inner = Inner()
    many: tuple[Inner, ...] = ()
    two: tuple[int, int] = (1, 2)


@pytest.mark.parametrize(
    "document", [{"inner": {"widht": 1}}, {"many": [{"width": 1}, {"widht": 1}]}]
)
def test_a_misspelt_key_names_the_nearest_right_one(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"recipe: .*'widht'; did you mean 'width'\?"):
        parse(Outer, document, "recipe")


def test_every_fault_is_named_with_its_place_and_value() -> None:
    with pytest.raises(ValueError, match=r"inner\.width.*\(got 'x'\); many\.0\.width.*\(got 'y'\)"):
        parse(Outer, {"inner": {"width": "x"}, "many": [{"width": "y"}]}, "recipe")


@pytest.mark.parametrize(("two", "place"), [([1], "two.1"), ([1, "x"], "two.1"), (1, "two")])
def test_an_item_that_is_missing_or_wrong_is_named_by_its_number(two: object, place: str) -> None:
    with pytest.raises(ValueError, match=f"^recipe: {place}: "):
        parse(Outer, {"two": two}, "recipe")


def test_a_plain_value_in_place_of_options_is_told_how_to_write_them() -> None:
    with pytest.raises(ValueError, match=r"recipe: inner: give options by name.*\(got 5\)$"):
        parse(Outer, {"inner": 5, "many": []}, "recipe")


def test_a_far_key_lists_what_is_known() -> None:
    with pytest.raises(ValueError, match="known: inner, many, two"):
        parse(Outer, {"zzz": 1}, "recipe")


def test_options_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Inner().width = 4  # type: ignore[misc]
