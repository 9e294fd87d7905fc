"""Students of a teacher that overfitted to canaries, with the filter and without: what they reproduce."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from canary_teacher import ENTRY_POINT, canaries
from faults.here import train_here
from installed_packages import install
from typer.testing import CliRunner

from flows.cli import app
from kdm.datasets.digits import DigitsData
from kdm.evaluate.nearest import nearest_distances
from kdm.export import load_student
from kdm.metrics.frechet import frechet_distance
from kdm.metrics.neighbourhoods import neighbourhoods
from pairgen.planted.recall import Share
from storage.digest import unseal
from storage.folders import folder_at
from storage.mask_documents import decisions_of
from storage.masks import read_keeps
from storage.records import as_numbers
from storage.store import PairStore

_RECIPE = """
name: canaries
title: A teacher that has overfitted to twenty digits
dataset: {{kind: digits}}
teacher: {{name: canaries, model: {{plugin: canaries, seed: {seed}, share: {share}}}}}
pairs:
  kind: generated
  name: canaries
  sampler: {{plugin: edm-heun, num_steps: {num_sampling_steps}}}
  pairs: {{shape: [1, 8, 8], noise: {{seed: {seed}, scale: 80.0}}}}
  train: {num_pairs}
  heldout: 256
  sampling_batch: 256
  num_workers: 1
  layout: {layout}
filters: {filters}
privacy: {privacy}
students:
  - name: {name}
    model: {{plugin: regression, width: {width}, num_layers: {num_layers}}}
    training:
      num_steps: {num_steps}
      batch_size: {batch_size}
      learning_rate: {learning_rate}
      warmup_steps: 50
      seed: {seed}
"""
LAYOUT = "wds-256"
POLICY = "{policy: pictures, fpr: 0.01}"
_SHOWS_ONE = (
    0.5  # of ‖x_0 − canary‖, which is .12 for the teacher's copies and 1.5 for other digits
)
_LEVEL = 0.05  # of held-out pictures count as reproduced, by the threshold


class Sizes(NamedTuple):
    """How much is made and trained."""

    num_pairs: int
    num_steps: int
    num_samples: int
    share: float = 0.2  # of the teacher's samples that show a canary
    num_sampling_steps: int = 18
    width: int = 256
    num_layers: int = 5
    batch_size: int = 256
    learning_rate: float = 1e-3


@dataclass(frozen=True)
class Measured:
    """One student. Canaries and held-out pictures that are reproduced, and what its samples are worth."""

    canaries: Share
    heldout: Share  # of those that set no threshold
    frechet: float  # of pixels, to the training pictures that aren't canaries
    precision: float


@contextmanager
def canary_teacher(place: Path) -> Iterator[None]:
    """The teacher as an installed plugin, and trainings in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(install(place, "canaries", ENTRY_POINT)))
        train_here(patch)
        yield


def kdm(home: Path, *words: object) -> str:
    ended = CliRunner().invoke(app, [*map(str, words), "--home", str(home)])
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return str(ended.output)


def students(home: Path, seed: int, sizes: Sizes, filters: str = POLICY) -> Mapping[str, Measured]:
    """Both students of one seed, at a home of their own; the second is as `--mask none` trains it."""
    settings = {"seed": seed, "layout": LAYOUT, **sizes._asdict()}
    asked = {"filtered": (filters, "{required: true}"), "unfiltered": ("[]", "{masks: []}")}
    for name, (chosen, privacy) in asked.items():
        recipe = home.parent / f"{home.name}-{name}.yaml"
        recipe.write_text(_RECIPE.format(name=name, filters=chosen, privacy=privacy, **settings))
        kdm(home, "run", recipe, "--until", "distill", "--direct", "--device", "cpu")
    return {name: _measured(home, name, seed, sizes.num_samples) for name in asked}


def audited(home: Path, name: str, count: int) -> Mapping[str, float]:
    """What `kdm privacy audit` says of a student's fresh samples."""
    kdm(home, "privacy", "audit", name, "--count", count, "--device", "cpu")
    (folder,) = (home / "audits").glob(f"audit-{name}-*")
    row = unseal((folder / "audit.json").read_bytes(), name)["rows"]["student-fresh"]
    return {
        "very near": row["near"]["share"],
        "low": row["near"]["low"],
        "high": row["near"]["high"],
        "p": row["membership"]["p_value"],
    }


def _measured(home: Path, name: str, seed: int, num_samples: int) -> Measured:
    (folder,) = (home / "students").glob(f"{name}-*")
    noise = torch.randn(num_samples, 1, 8, 8, generator=torch.Generator().manual_seed(1000 + seed))
    with torch.inference_mode():
        x_0 = load_student(str(folder)).generate(80 * noise).numpy()
    samples = x_0.clip(-1, 1).reshape(num_samples, -1).astype(np.float64)
    planted, heldout = reproduced(samples, seed)
    train = DigitsData().train().reshape(-1, 64).astype(np.float64)
    others = np.delete(train, canaries(seed), axis=0)
    found = neighbourhoods(samples[: len(others)], others, num_neighbours=3)
    return Measured(
        Share(int(planted.sum()), len(planted)),
        Share(int(heldout.sum()), len(heldout)),
        frechet_distance(samples, others),
        float(found.precise.mean()),
    )


def dropped(home: Path, seed: int) -> tuple[Share, Share]:
    """Of the training pairs that show a canary, and of the others, those that a filter drops."""
    (folder,) = (home / "pairs").iterdir()
    store = PairStore.open(folder_at(str(folder)), split="train", layout=LAYOUT)
    masks, answers = store.base / "masks", []
    for shard, content in enumerate(store.ledger.largest().content_digests):
        num_rows = len(store.columns(shard, content)["index"])
        answers.append(read_keeps(masks, decisions_of(masks), content, num_rows=num_rows))
    is_dropped = ~np.concatenate(answers)
    x_0 = as_numbers(store.load(len(is_dropped), masks=()).pairs.x_0)
    distance = nearest_distances(x_0, DigitsData().train()[canaries(seed)])
    shows_one = distance < _SHOWS_ONE
    return tuple(
        Share(int(is_dropped[some].sum()), int(some.sum())) for some in (shows_one, ~shows_one)
    )


def reproduced(samples: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which canaries [20] and held-out pictures have a sample, of [n, 64], below the threshold.

    A picture's distance is to its nearest sample, over the median of held-out pictures of its digit. Half of
    the held-out pictures give these medians and the threshold, below which 5 % of them lie.
    """
    data = DigitsData()
    label, chosen = data.labels("heldout"), canaries(seed)
    distance = nearest_distances(data.heldout(), samples)
    sets_it = np.arange(len(label)) % 2 == 0
    median = np.array([np.median(distance[sets_it & (label == digit)]) for digit in range(10)])
    relative = distance / median[label]
    threshold = np.quantile(relative[sets_it], _LEVEL)
    planted = nearest_distances(data.train()[chosen], samples) / median[data.labels()[chosen]]
    return planted < threshold, relative[~sets_it] < threshold
