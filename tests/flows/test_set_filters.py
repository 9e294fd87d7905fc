"""Filters that judge a set as a whole: scored at once, without real data, and anew once the set grows."""

from typing import Any

import pytest

from flows.care.repair import repair
from flows.care.sources import Sources
from flows.config.recipe import Recipe
from flows.judged_pairs import contents, masks_in, open_split
from flows.progress import Progress
from flows.stage import Run, StageResult
from flows.stages.sequence import run_stages
from pairgen.filters.drop_rule import DropRule
from pairgen.filters.truncation import FittedTruncation, Truncation
from storage.care.verify import faults
from storage.digest import short, unseal
from storage.folders import Folder
from storage.masks import read_keep
from storage.options import parse

LONGEST_TENTH = {"filter": {"plugin": "truncation"}, "threshold": 0.1}


def recipe(*, layout: str = "wds-64", train: int = 180, **changes: Any) -> Recipe:
    document = {
        "name": "points",
        "title": "Points from a field known in closed form, without real data",
        "teacher": {"name": "gaussian", "model": {"plugin": "gaussian"}},
        "pairs": {
            "kind": "generated",
            "name": "points",
            "sampler": {"plugin": "euler", "num_steps": 1},
            "pairs": {"shape": [2], "noise": {"seed": 1}},
            "train": train,
            "heldout": 100,
            "num_workers": 1,
            "layout": layout,
        },
        "filters": [LONGEST_TENTH],
    }
    return parse(Recipe, {**document, **changes}, "points")


def judged(home: Folder, **changes: Any) -> tuple[Run, StageResult]:
    run = Run(recipe(**changes), home)
    return run, run_stages(run, until="filter-pairs")[-1]


def kept(run: Run, result: StageResult, split: str = "train") -> list[int]:
    store, (mask,) = open_split(run, result, split), masks_in(result)
    masks, indices = store.base / "masks", []
    for shard, content in enumerate(contents(run, store)):
        index = store.columns(shard, content)["index"]
        indices += index[read_keep(masks, mask, content, num_rows=len(index))].tolist()
    return indices


def test_the_stated_share_of_each_split_is_dropped_without_real_data(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Progress] = []
    run = Run(recipe(), home, told.append)
    result = run_stages(run, until="filter-pairs")[-1]
    assert len(kept(run, result)) == 192 - 20
    assert len(kept(run, result, "heldout")) == 128 - 13
    train = [each for each in told if each.unit == "readings of shards" and each.name == "train"]
    assert [(each.done, each.total) for each in train] == [(done, 6) for done in range(7)]
    monkeypatch.setattr(FittedTruncation, "score_all", None)  # a second run reads no shard
    assert run_stages(run, until="filter-pairs")[-1].state == "cached"


def test_masks_are_the_same_in_every_layout(home: Folder) -> None:
    masks = [kept(*judged(home, layout=layout, train=256)) for layout in ("wds-64", "zarr-128")]
    assert masks[0] == masks[1]


def test_a_set_that_grew_is_scored_anew_and_the_document_says_why(home: Folder) -> None:
    (_, small), (run, large) = judged(home), judged(home, train=260)
    assert masks_in(small)[0].score != masks_in(large)[0].score
    assert len(kept(run, large)) == 320 - 32
    masks, name = open_split(run, large, "train").base / "masks", short(masks_in(large)[0].score)
    said = unseal((masks / name).read("filter.json"), name)
    assert "a set that grew or changed has another one" in said["reference_is"]
    assert said["digest"] == masks_in(large)[0].score


def test_lost_and_damaged_scores_come_back_as_they_were(home: Folder) -> None:
    run, result = judged(home)
    store = open_split(run, result, "train")
    folder = store.base / "masks" / short(masks_in(result)[0].score) / "scores"
    lost, damaged, _ = before = {name: folder.read(name) for name in folder.names()}
    folder.remove(lost)
    folder.replace(damaged, b"{}")
    found = faults(store)
    assert {fault.kind for fault in found} == {"missing", "damaged"}
    assert not repair(store, found, Sources(home), lambda done, total: None).failed
    assert run_stages(run, until="filter-pairs")[-1].digest == result.digest
    assert {name: folder.read(name) for name in folder.names()} == before
    assert faults(store) == []


def test_a_set_filter_does_not_drop_at_write() -> None:
    pairs = recipe().pairs.model_dump() | {"drop_at_write": [LONGEST_TENTH]}
    with pytest.raises(ValueError, match=r"move it from pairs.drop_at_write to filters"):
        recipe(pairs=pairs)
    with pytest.raises(ValueError, match="judges each pair by the whole set"):
        DropRule.of(Truncation(), reference="0" * 64, threshold=0.1)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"filter": {"plugin": "truncation"}}, "give a 'dataset', or give the filter a threshold"),
        ({"filter": {"plugin": "near-copy"}, "threshold": 1.0}, "with real data: give a 'dataset'"),
    ],
)
def test_what_needs_real_data_is_refused_without_them(rule: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        recipe(filters=[rule])
