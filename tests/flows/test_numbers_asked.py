"""A number from the command line, a flow or the environment is what a recipe would take."""

from types import SimpleNamespace

import pytest
from conftest import Finished
from pydantic import TypeAdapter, ValidationError
from typer.testing import CliRunner

from flows.cli import app
from flows.orchestration.parameters import Count
from flows.request import Request
from storage.reading.cache import ShardCache

COUNTS = {
    "--count": ("show", "tiny", "--count"),
    "--ranks": ("distill", "tiny", "--ranks"),
    "-n": ("sample", "kdm", "-n"),
    "--seed": ("sample", "kdm", "--seed"),
    "-k": ("pairs", "spot-check", "tiny", "-k"),
    "--limit": ("deploy", "--limit"),
    "pairs --count": ("pairs", "export", "tiny", "x", "--to", "kdm-npz", "--count"),
}
ODD = ["1_000", " 5", "-3", "1e3", "5.0", "٣", "0x10", "true", "9" * 5000]


@pytest.mark.parametrize("words", COUNTS.values(), ids=COUNTS)
def test_what_only_python_reads_as_a_number_is_no_count(words: tuple[str, ...]) -> None:
    for odd in ODD:
        ended = CliRunner().invoke(app, [*words, odd])
        assert ended.exit_code == 2
        assert f"{odd[:60]!r} is not a whole number from" in " ".join(ended.output.split())


@pytest.mark.parametrize("odd", ["nan", "inf", "-1", "1_0", "1e999", " 1", "1h"])
def test_an_age_or_a_scale_is_a_finite_number(odd: str) -> None:
    for words in (
        ("pairs", "gc", "--older-than", odd),
        ("student", "import", "x.pt", "--noise-scale", odd),
    ):
        ended = CliRunner().invoke(app, list(words))
        assert f"{odd!r} is not a number from" in " ".join(ended.output.split())


@pytest.mark.parametrize("odd", ["30", "0d", "1.5d", "-1d", "1 d", "30D", "٣d", "99999w"])
def test_an_age_of_runs_has_a_unit_and_is_an_hour_at_least(odd: str) -> None:
    ended = CliRunner().invoke(app, ["prune", "runs", "--older-than", odd])
    assert f"{odd!r} is not an age of an hour or more" in " ".join(ended.output.split())


@pytest.mark.parametrize("odd", ["5", True, 2.0, 0, -1])
def test_a_flow_takes_no_text_and_no_truth_for_a_count(odd: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Count).validate_python(odd)
    with pytest.raises(ValueError, match=r"count is .*; it must be a whole number from 1"):
        Request("tiny", count=odd).run()  # type: ignore[arg-type]


def test_the_cache_takes_a_whole_number_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    for odd in ("1_000", "9" * 5000, "8GiB"):
        monkeypatch.setenv("KDM_CACHE_BYTES", odd)
        with pytest.raises(ValueError, match=r"KDM_CACHE_BYTES is '.*'; it must be a whole number"):
            ShardCache.default()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--set", "filters.near-copy.fpr=.nan"), "filters.0.fpr: Input should be a finite number"),
        (("--set", "filters.near-copy.threshold=1e999"), "Input should be a finite number"),
        (("--set", f"evaluation.num_fresh={10**15}"), "less than or equal to 100000000"),
        (("--set", f"pairs.train={'9' * 5000}"), "line 1 has a number of 5,000 digits"),
        (("--workers", "9" * 30), "pairs.num_workers: Input should be less than or equal to 1024"),
        (("--mask", "xyz", "--set", "filters=[]"), "by at least the first 4 digits of its digest"),
    ],
)
def test_a_number_that_no_machine_can_hold_is_refused_with_its_bound(
    words: tuple[str, ...], says: str
) -> None:
    ended = CliRunner().invoke(app, ["show", "tiny", *words])
    assert isinstance(ended.exception, ValueError)
    assert says in str(ended.exception)


def test_more_samples_than_memory_holds_are_refused_before_any_is_made(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=2**30))
    asked = ["sample", "kdm", "-n", "999999999", "--home", str(finished.path)]
    ended = CliRunner().invoke(app, asked)
    assert "ask for fewer, several times with different --seed" in str(ended.exception)
