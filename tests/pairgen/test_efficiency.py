"""What the benchmarks of generation count and say."""

from pathlib import Path
from types import ModuleType

import pytest

from pairgen.checkpoints.build_presets import PRESETS


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Not a package that is installed."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])
    import benchmarks.efficiency
    import benchmarks.generation
    import benchmarks.sides

    return benchmarks


@pytest.mark.parametrize(
    ("preset", "billions"), [("edm-cifar10-32x32-uncond-ve", 42.79), ("torchcfm-cifar10", 12.44)]
)
def test_a_network_has_the_published_flops(
    benchmarks: ModuleType, preset: str, billions: float
) -> None:
    assert benchmarks.efficiency.flops(PRESETS[preset]) / 1e9 == pytest.approx(billions, abs=0.005)


def test_a_network_that_skips_before_it_doubles_has_fewer(benchmarks: ModuleType) -> None:
    counted = benchmarks.efficiency.flops(PRESETS["edm-cifar10-32x32-uncond-vp"])
    assert 0.995 * 42.38e9 < counted < 42.38e9


def test_the_comparison_says_what_it_needs(benchmarks: ModuleType, tmp_path: Path) -> None:
    assert "git clone" in " ".join(benchmarks.generation.table())
    assert "holds no generate.py" in " ".join(benchmarks.generation.table(str(tmp_path)))


def test_equal_sides_are_equally_fast(benchmarks: ModuleType) -> None:
    seconds = [1.0, 2.0, 3.0]
    assert benchmarks.sides.times_as_fast(seconds, seconds) == (1, 1, 1)
    ratio, low, high = benchmarks.sides.times_as_fast([2.0, 3.0, 5.0], [1.0, 2.0, 2.0])
    assert low < ratio == 2 < high
