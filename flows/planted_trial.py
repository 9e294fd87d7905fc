"""Filters are tried on copies that are planted beside a set: what they find, what they drop by mistake.

Nothing is written into the set. The result is kept at the home as proofs/NAME-DIGEST, by all that it depends
on; a second question is answered from there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flows.calibration import RecipeFilter, calibrating, reference_of
from flows.config.filter_rules import are_pictures
from flows.documents.recall_content import Tried, lines_of, recall_page
from flows.judged_pairs import contents, open_split
from flows.stage import Run, StageResult
from kdm.report.recall_page import markdown_recall, render_recall
from pairgen.filters.filter import distinct_names
from pairgen.filters.judge import fit_judge
from pairgen.filters.pictures import Pictures, require_pictures
from pairgen.planted.copies import LISTS, planted, transforms_in
from pairgen.planted.recall import Rule, Scored, recall_of
from storage.digest import digest_of, seal, short, unseal
from storage.folders import Folder
from storage.plugins import describe
from storage.records import as_numbers
from storage.sealed_files import read_sealed

if TYPE_CHECKING:
    from flows.progress import Meter

FOLDER = "proofs"
STAGE = "privacy-test"
VERSION = 2  # of what is planted and how it is counted
_PAGE, _TEXT = "index.html", "table.md"
_PROOF = "proof.json"  # written last
_FILTERS = "filters.json"  # what was tried, for pages that show the curves
_BATCH = 1024  # pictures between two lines of progress
_HELDOUT, _PAIRS = "held-out pictures", "the set's own pairs"


@dataclass(frozen=True)
class Wanted:
    """What is asked: how many copies of each transform, how many pairs of the set, from which seed."""

    num_planted: int
    num_pairs: int
    seed: int
    transforms: str  # the name of a list of them
    command: str


def finders(run: Run) -> list[RecipeFilter]:
    """The recipe's filters that find copies; a ValueError if it has none, or lacks real pictures."""
    recipe = run.recipe
    chosen = [
        RecipeFilter(each, recipe.dataset, home=run.home)
        for each in recipe.filters
        if each.filter.finds_copies
    ]
    if not chosen:
        raise ValueError(
            f"recipe '{recipe.name}' has no filter that finds copies, so none can be tried; add "
            "--policy pictures"
        )
    if recipe.dataset is None:
        raise ValueError("planted copies need real pictures to plant; name them with --reference")
    if recipe.shape is not None and not are_pictures(recipe.shape):
        raise ValueError(
            f"planted copies are pictures [1 or 3, H, W] with sides of at least 8, but samples of "
            f"'{recipe.name}' have shape {list(recipe.shape)}; name a recipe or a set of pictures"
        )
    return chosen


def trial(run: Run, pairs: StageResult, wanted: Wanted) -> Folder:
    """The folder with the page, made if it is missing."""
    chosen = finders(run)
    folder = run.home / FOLDER / f"{pairs.name}-{short(_digest(run, pairs, wanted, chosen))}"
    if read_sealed(folder, _PROOF) is None or not all(map(folder.exists, (_PAGE, _TEXT))):
        run.begin(folder, "a page")
        _make(run, pairs, wanted, chosen, folder)
    if read_sealed(folder, _FILTERS) is None:
        asked = {"transforms": wanted.transforms, "num_planted": wanted.num_planted}
        folder.replace(_FILTERS, seal({"filters": _digest_of_filters(run, chosen), **asked}))
    return folder


def proof_of(run: Run) -> Folder | None:
    """The trial with the most copies, of whichever set, of exactly these filters, data and rates; if any.

    One by the usual transforms comes before one by others.
    """
    wanted, found = _digest_of_filters(run, finders(run)), {}
    usual, *_ = LISTS
    for name in (run.home / FOLDER).names():
        folder = run.home / FOLDER / name
        of = read_sealed(folder, _FILTERS)
        if of is not None and of["filters"] == wanted and folder.exists(_PROOF):
            found[of["transforms"] == usual, of["num_planted"], name] = folder
    return found[max(found)] if found else None


def _digest_of_filters(run: Run, chosen: Sequence[RecipeFilter]) -> str:
    """Of all that a filter's curve depends on, but for the copies."""
    dataset = run.recipe.dataset
    assert dataset is not None  # `finders` has looked
    filters = [[each.score, each.choice.model_dump(mode="json")] for each in chosen]
    return digest_of({"filters": filters, "heldout": calibrating(dataset)})


def said(folder: Folder) -> list[list[str]]:
    """The table of a kept trial, for a terminal."""
    document = unseal(folder.read(_PROOF), folder.url)
    return [[str(cell) for cell in row] for row in document["table"]]


def shares(folder: Folder) -> dict[str, Any]:
    """The same for programs: false positives by filter, and recall by transform and filter.

    A share is between 0 and 1, to three decimals, as the table keeps it; None if nothing was judged.
    """
    (_, *filters), false_positives, *rows = said(folder)
    recall = {name: _shares(filters, cells) for name, *cells in rows}
    return {"false_positives": _shares(filters, false_positives[1:]), "recall": recall}


def _shares(filters: Sequence[str], cells: Sequence[str]) -> dict[str, float | None]:
    found = [round(float(each[:-1]) / 100, 3) if each[-1] == "%" else None for each in cells]
    return dict(zip(filters, found, strict=True))


def _digest(run: Run, pairs: StageResult, wanted: Wanted, chosen: Sequence[RecipeFilter]) -> str:
    """Of all that the numbers depend on."""
    dataset = run.recipe.dataset
    assert dataset is not None  # `finders` has looked
    return digest_of(
        {
            "version": VERSION,
            "filters": [[each.score, each.choice.model_dump(mode="json")] for each in chosen],
            "transforms": transforms_in(wanted.transforms, num_channels=dataset.shape[0]),
            "heldout": calibrating(dataset),
            "pairs": list(contents(run, open_split(run, pairs, "train"))),
            "planted": [wanted.num_planted, wanted.num_pairs, wanted.seed],
        }
    )


def _make(
    run: Run,
    pairs: StageResult,
    wanted: Wanted,
    chosen: Sequence[RecipeFilter],
    folder: Folder,
) -> None:
    tried = _samples(run, pairs, wanted)
    names = distinct_names([each.choice.filter for each in chosen])
    total = len(chosen) * sum(len(each) for each in tried.values())
    meter = run.meter(STAGE, pairs.name, total, "pictures")
    scored = [
        _scored(name, each, tried, meter, number * total // len(chosen))
        for number, (name, each) in enumerate(zip(names, chosen, strict=True))
    ]
    recall = recall_of(scored, seed=wanted.seed)
    page = recall_page(
        recall,
        _told(run, pairs, wanted, dict(zip(names, chosen, strict=True)), len(scored[0].heldout)),
    )
    for drawing in page.drawings:
        folder.replace(f"{drawing.name}.svg", drawing.svg)
    folder.replace(_TEXT, markdown_recall(page).encode())
    folder.replace(_PAGE, render_recall(page).encode())
    folder.replace(_PROOF, seal({"version": VERSION, "table": lines_of(recall)}))


def _samples(run: Run, pairs: StageResult, wanted: Wanted) -> dict[str, Pictures]:
    """What every filter scores: held-out pictures if any, the set's own, and copies under each transform."""
    dataset = run.recipe.dataset
    assert dataset is not None  # `finders` has looked
    reference = require_pictures(as_numbers(dataset.train()), "privacy test")
    stream = np.random.RandomState(wanted.seed)
    num = min(wanted.num_planted, len(reference))
    found = {_PAIRS: _own(run, pairs, wanted.num_pairs)}
    if dataset.has_heldout:
        found[_HELDOUT] = require_pictures(as_numbers(dataset.heldout()), "privacy test")
    names = transforms_in(wanted.transforms, num_channels=reference.shape[1])
    for number, name in enumerate(names):
        rows = np.sort(stream.choice(len(reference), num, replace=False))
        found[name] = planted(name, reference[rows], wanted.seed + number)
    return found


def _own(run: Run, pairs: StageResult, count: int) -> Pictures:
    """The first samples of the set's training split."""
    store = open_split(run, pairs, "train")
    shards: list[NDArray[np.float32]] = []
    for shard, content in enumerate(contents(run, store)):
        shards.append(np.asarray(as_numbers(store.pairs(shard, content).x_0), np.float32))
        if sum(map(len, shards)) >= count:
            break
    return np.concatenate(shards)[:count]


def _scored(
    name: str, chosen: RecipeFilter, tried: Mapping[str, Pictures], meter: "Meter", done: int
) -> Scored:
    """One filter's scores of everything."""
    left_out = np.empty(0) if _HELDOUT in tried else chosen.heldout_scores()
    # Fitted here, and gone at the end: a fitted filter holds the reference.
    judge = fit_judge(chosen.choice.filter, reference_of(chosen.choice.filter, chosen.dataset))
    scores: dict[str, NDArray[np.float64]] = {}
    for kind, pictures in tried.items():
        parts = []
        for first in range(0, len(pictures), _BATCH):
            meter.at(done, name)
            batch = pictures[first : first + _BATCH]
            parts.append(judge.heldout_scores(batch))
            done += len(batch)
        scores[kind] = np.concatenate([np.empty(0), *parts])
    meter.at(done, name)
    heldout, own = scores.pop(_HELDOUT, left_out), scores.pop(_PAIRS)
    choice = chosen.choice
    rule = Rule(choice.filter, choice.fpr, choice.threshold, choice.jointly)
    return Scored(name, rule, heldout, scores, own)


def _told(
    run: Run,
    pairs: StageResult,
    wanted: Wanted,
    chosen: Mapping[str, RecipeFilter],
    num_real: int,
) -> Tried:
    dataset = run.recipe.dataset
    assert dataset is not None  # `finders` has looked
    settings = {
        name: json.dumps(describe(each.choice.filter), sort_keys=True)
        for name, each in chosen.items()
    }
    return Tried(
        name=pairs.name,
        num_planted=min(wanted.num_planted, len(dataset.train())),
        num_reference=len(dataset.train()),
        num_calibrating=(num_real + 1) // 2,
        leaves_one_out=not dataset.has_heldout,
        seed=wanted.seed,
        command=wanted.command,
        settings=settings,
    )
