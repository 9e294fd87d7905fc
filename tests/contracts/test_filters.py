"""Laws of every registered filter, on points of the checkerboard or, if it needs pictures, on textures."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from pictures_network import write_pictures_network
from random_textures import textures

from kdm.datasets.checkerboard import CheckerboardData
from pairgen.filters.decisions import Decisions, decide
from pairgen.filters.embedding import Embedding
from pairgen.filters.fail_closed import FilterError
from pairgen.filters.filter import Filter
from pairgen.filters.judge import Judge, fit_judge, threshold_at
from pairgen.filters.leave_one_out import left_out_scores
from pairgen.filters.set_filter import SetFilter
from storage.plugins import configure, describe, plugin_class, plugin_names
from storage.records import PairBatch

GROUP = "pairgen.filters"
CLASSES = {name: plugin_class(GROUP, name) for name in plugin_names(GROUP)}
OPTIONS = {"embedding": {"size": None}}  # the pictures' own, which takes less time


def those(is_of_set: bool | None = None, **claims: bool) -> pytest.MarkDecorator:
    """Filters of which all this is true."""
    names = [
        name
        for name, each in CLASSES.items()
        if all(getattr(each, claim) == value for claim, value in claims.items())
        and is_of_set in (None, issubclass(each, SetFilter))
    ]
    return pytest.mark.parametrize("name", names)


every_filter = those()


class Real(NamedTuple):
    """Real samples: the reference, those that calibrate, and others."""

    reference: np.ndarray
    heldout: np.ndarray
    fresh: np.ndarray


@cache
def points() -> Real:
    data = CheckerboardData(num_train=2000, num_heldout=8000)
    return Real(data.train(), *np.split(data.heldout(), 2))


@cache
def pictures() -> Real:
    return Real(textures(500, 0), textures(400, 1), textures(400, 2))


def real(name: str) -> Real:
    return pictures() if CLASSES[name].needs_pictures else points()


@pytest.fixture(autouse=True, scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A small network under the name that `embedding` looks for by default."""
    folder = tmp_path_factory.mktemp("weights")
    write_pictures_network(folder / Embedding.model_fields["network"].default)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDM_WEIGHTS", str(folder))
        yield


def configured(name: str) -> Filter:
    return configure(GROUP, {"plugin": name, **OPTIONS.get(name, {})})


def pairs(x_0: np.ndarray) -> PairBatch:
    x_T = np.random.RandomState(0).standard_normal(x_0.shape).astype(np.float32)
    return PairBatch(np.arange(len(x_0)), x_T, x_0)


@cache
def judge(name: str) -> Judge:
    return fit_judge(configured(name), real(name).reference)


@cache
def scored(name: str, part: str) -> np.ndarray:
    return judge(name).score(pairs(getattr(real(name), part)))


def decided(name: str, scores: np.ndarray, *, fpr: float) -> Decisions:
    chosen = judge(name).chosen
    return decide(chosen, scores, threshold_at(chosen, scored(name, "heldout"), fpr))


class Shards(list):
    """Pairs by shards."""

    def read(self, shard: int) -> PairBatch:
        return self[shard]


@every_filter
def test_scores_are_deterministic(name):
    again, fresh = fit_judge(configured(name), real(name).reference), real(name).fresh[:300]
    assert np.array_equal(judge(name).score(pairs(fresh)), again.score(pairs(fresh)))


@those(is_of_set=False)
@pytest.mark.parametrize(("batch", "num"), [(1, 12), (7, 100), (64, 200)])
def test_a_score_does_not_depend_on_its_batch(name, batch, num):
    some = pairs(real(name).fresh).take(slice(0, num))
    pieces = [judge(name).score(some.take(slice(row, row + batch))) for row in range(0, num, batch)]
    assert np.array_equal(np.concatenate(pieces), scored(name, "fresh")[:num])


@those(is_of_set=False)
def test_a_score_does_not_depend_on_the_order(name):
    order = np.random.RandomState(0).permutation(200)
    given = pairs(real(name).fresh).take(order)
    assert np.array_equal(judge(name).score(given), scored(name, "fresh")[order])


@those(is_of_set=True)
@pytest.mark.parametrize("shard_size", [16, 64, 256])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_scores_of_a_set_depend_on_neither_its_layout_nor_the_order_of_reading(
    name, shard_size, is_reversed
):
    fresh = real(name).fresh[:200]
    given = pairs(np.concatenate([fresh, fresh[50:80] + np.float32(0.01)]))
    starts = range(0, 230, shard_size)
    shards = [given.take(slice(first, first + shard_size)) for first in starts]
    shards = Shards(reversed(shards) if is_reversed else shards)
    found, wanted = judge(name).score_all(shards), judge(name).score(given)
    assert len(np.unique(wanted)) > 5
    for shard, scores in zip(shards, found, strict=True):
        assert np.array_equal(scores, wanted[shard.index])


@those(finds_copies=True)
def test_planted_copies_are_found(name):
    planted = judge(name).score(pairs(real(name).reference[:300] + np.float32(1e-6)))
    assert not decided(name, planted, fpr=0.01).keep.any()


@those(finds_copies=True, needs_pictures=True)
def test_planted_mirror_images_are_found(name):
    planted = judge(name).score(pairs(real(name).reference[:50, :, :, ::-1].copy()))
    assert not decided(name, planted, fpr=0.01).keep.any()


@every_filter
@pytest.mark.parametrize("fpr", [0.0, 0.01, 0.1])
def test_the_stated_false_positive_rate_holds_on_fresh_real_samples(name, fpr):
    dropped = ~decided(name, scored(name, "fresh"), fpr=fpr).keep
    # Two binomial errors, of the calibration and of this measurement; four standard deviations.
    num_heldout, num_fresh = len(real(name).heldout), len(dropped)
    slack = 4 * np.sqrt(max(fpr, 1 / num_fresh) * (1 / num_heldout + 1 / num_fresh))
    assert dropped.mean() <= fpr + slack


@every_filter
@pytest.mark.parametrize("fpr", [0.0, 0.01, 0.1])
def test_calibration_drops_at_most_the_stated_share_of_what_it_saw(name, fpr):
    heldout = scored(name, "heldout")
    assert np.count_nonzero(~decided(name, heldout, fpr=fpr).keep) <= np.floor(fpr * len(heldout))


@every_filter
def test_a_rate_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match="false-positive rate"):
        judge(name).calibrate(real(name).heldout, fpr=1.0)


@those(needs_reference=True)
def test_a_sample_of_the_reference_is_judged_by_the_others_alone(name):
    reference = real(name).reference[:90]
    rows = np.array([17, 4, 80])
    wanted = [
        fit_judge(configured(name), np.delete(reference, row, axis=0)).score(
            pairs(reference[row : row + 1])
        )
        for row in rows
    ]
    assert left_out_scores(configured(name), reference, rows) == pytest.approx(
        np.concatenate(wanted), rel=1e-12
    )


@those(needs_reference=True)
def test_scores_are_named_by_options_version_and_reference(name):
    same, other = (
        fit_judge(configured(name), real(name).reference[rows])
        for rows in (slice(None), slice(None, None, -1))
    )
    assert judge(name).score_digest == same.score_digest != other.score_digest


@those(needs_reference=False)
def test_a_filter_that_needs_no_reference_is_the_same_without_one(name):
    alone = fit_judge(configured(name))
    assert alone.score_digest == judge(name).score_digest
    assert np.array_equal(alone.score(pairs(real(name).fresh)), scored(name, "fresh"))


@every_filter
def test_its_description_makes_it_again(name):
    chosen = configured(name)
    assert configure(GROUP, describe(chosen)) == chosen


@those(needs_reference=True)
@pytest.mark.parametrize("num", [0, 20])
def test_a_reference_that_is_empty_or_not_finite_is_refused(name, num):
    reference = real(name).reference[:num].copy()
    reference[-1:] = np.nan
    with pytest.raises(FilterError, match=f"filter '{name}' .* at least one sample and finite"):
        fit_judge(configured(name), reference)


@those(needs_reference=True)
def test_pairs_of_another_shape_or_without_colours_are_refused(name):
    with pytest.raises(FilterError, match=rf"filter '{name}' was fitted on real samples \["):
        judge(name).score(pairs(real(name).fresh[:5, :1].copy()))


@those(needs_pictures=True)
def test_points_are_refused_by_a_filter_of_pictures(name):
    flat = np.zeros((5, 2), np.float32)
    with pytest.raises(FilterError, match=rf"filter '{name}' (looks at pictures|was fitted on)"):
        judge(name).score(pairs(flat))
    if CLASSES[name].needs_reference:
        with pytest.raises(FilterError, match=f"filter '{name}' looks at pictures"):
            fit_judge(configured(name), flat)


@every_filter
def test_a_pair_that_is_not_finite_is_refused(name):
    x_0 = real(name).fresh[:20].copy()
    x_0[3] = np.nan
    with pytest.raises(FilterError, match=f"filter '{name}' can't judge pair 3"):
        judge(name).score(pairs(x_0))
