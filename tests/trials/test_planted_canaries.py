"""Twenty digits that a teacher has overfitted to, and what its students reproduce of them (`make trials`).

Three seeds choose the canaries, the noise and the students' weights. About five CPU minutes.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from canary_students import Measured, Sizes, audited, canary_teacher, dropped, students

from kdm.metrics.over_seeds import over_seeds
from pairgen.planted.recall import Share

pytestmark = pytest.mark.trials

SEEDS = (0, 1, 2)
SIZES = Sizes(num_pairs=8192, num_steps=3000, num_samples=10_000)
NAMES = {"filtered": "with the filter", "unfiltered": "`--mask none`"}


class Found(NamedTuple):
    """Of each seed: both students, their audits, and what the filter drops of canaries and of others."""

    students: list[dict[str, Measured]]
    audits: list[dict[str, dict[str, float]]]
    dropped: list[tuple[Share, Share]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    place, found = tmp_path_factory.mktemp("canaries"), Found([], [], [])
    with canary_teacher(place / "site"):
        for seed in SEEDS:
            home = place / str(seed)
            found.students.append(dict(students(home, seed, SIZES)))
            found.audits.append({name: dict(audited(home, name, 5000)) for name in NAMES})
            found.dropped.append(dropped(home, seed))
    print(f"\n{table(found)}")
    return found


def table(found: Found) -> str:
    """A line a number, a column a student."""
    rows = {
        "canaries reproduced": shown(found, lambda each: each.canaries),
        "held-out digits reproduced": shown(found, lambda each: each.heldout),
        "Fréchet distance of pixels": means(found, lambda each: each.frechet),
        "precision": means(found, lambda each: each.precision),
        "audit: very near (expected .01)": said(found, lambda row: row["very near"]),
        "audit: membership, p": said(found, lambda row: row["p"]),
    }
    lines = [f"| | {' | '.join(NAMES.values())} |", "|---|---:|---:|"]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    planted, others = (pooled([each[part] for each in found.dropped]) for part in (0, 1))
    return "\n".join([*lines, f"dropped: {words(planted)} canaries, {words(others)} other pairs"])


def shown(found: Found, of: Callable[[Measured], Share]) -> list[str]:
    return [words(pooled([of(each[name]) for each in found.students])) for name in NAMES]


def means(found: Found, of: Callable[[Measured], float]) -> list[str]:
    values = [over_seeds([of(each[name]) for each in found.students]) for name in NAMES]
    return [f"{mean:.3f} ({low:.3f} … {high:.3f})" for mean, (low, high) in values]


def said(found: Found, of: Callable[[dict[str, float]], float]) -> list[str]:
    return [", ".join(f"{of(each[name]):.3g}" for each in found.audits) for name in NAMES]


def words(share: Share) -> str:
    low, high = share.interval
    return f"{share.count} of {share.of} ({100 * low:.0f}–{100 * high:.0f}%)"


def pooled(shares: list[Share]) -> Share:
    return Share(sum(each.count for each in shares), sum(each.of for each in shares))


def canaries_and_heldout(found: Found, name: str) -> tuple[Share, Share]:
    chosen = [each[name] for each in found.students]
    return pooled([each.canaries for each in chosen]), pooled([each.heldout for each in chosen])


def test_without_the_filter_every_student_reproduces_most_canaries(found: Found) -> None:
    assert all(each["unfiltered"].canaries.value > 0.8 for each in found.students)


def test_with_the_filter_canaries_are_as_far_away_as_held_out_pictures(found: Found) -> None:
    planted, heldout = canaries_and_heldout(found, "filtered")
    assert planted.interval[0] <= heldout.interval[1]
    assert planted.value < 0.2


def test_the_filter_drops_every_canary_and_few_others(found: Found) -> None:
    planted, others = (pooled([each[part] for each in found.dropped]) for part in (0, 1))
    assert planted.value == 1.0
    assert others.value < 0.1


def test_the_audit_tells_the_student_without_the_filter(found: Found) -> None:
    assert all(each["unfiltered"]["low"] > each["filtered"]["high"] for each in found.audits)
