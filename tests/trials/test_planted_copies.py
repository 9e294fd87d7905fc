"""Copies of CIFAR-10's pictures under every transform, through the policy `pictures` (`make trials`).

Half of the test pictures calibrate, the other half measures. About 40 CPU minutes.
"""

import pytest
from published import CIFAR10, CIFAR10_TRAIN, published
from typer.testing import CliRunner

from flows.cli import app
from storage.digest import unseal

pytestmark = pytest.mark.trials

NUM_PLANTED = 2000
MOST_FALSE_POSITIVES = 1.5  # percent
LEAST = {  # percent found
    "exact": 100,
    "mirrored": 100,
    "noise 0.02": 99.5,
    "JPEG 75": 99.5,
    "noise 0.05": 98,
    "JPEG 50": 98,
    "JPEG 25": 98,
    "contrast 0.8": 98,
    "brightness 1.15": 90,
    "blur 1/32": 90,
    "covered 1/4": 90,
    "shift 1/16": 97,
    "crop 7/8": 97,
    "rotation 5°": 92,
    "shift 1/8": 92,
}
RECIPE = """
name: planted-cifar
title: CIFAR-10 beside a teacher that is known in closed form
dataset: {kind: image-folder, source: %s, heldout_source: %s, shape: [3, 32, 32]}
teacher: {name: gaussian, model: {plugin: gaussian}}
pairs:
  kind: generated
  name: planted-cifar
  sampler: {plugin: euler, num_steps: 1}
  pairs: {shape: [3, 32, 32], noise: {seed: 1}}
  train: 1024
  heldout: 64
  layout: wds-1024
filters: {policy: pictures, fpr: 0.01}
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The trial's table by its rows: one filter after another, then all together."""
    real = published(CIFAR10_TRAIN), published(CIFAR10)
    place = tmp_path_factory.mktemp("planted")
    (place / "recipe.yaml").write_text(RECIPE % real)
    command = ["privacy", "test", str(place / "recipe.yaml"), "--home", str(place / "home")]
    ended = CliRunner().invoke(
        app, [*command, "--planted", str(NUM_PLANTED)], catch_exceptions=False
    )
    assert ended.exit_code == 0, ended.output
    (folder,) = (place / "home" / "proofs").iterdir()
    print(f"\n{(folder / 'table.md').read_text()}")
    rows = unseal((folder / "proof.json").read_bytes(), "proof")["table"]
    return {row[0]: row[1:] for row in rows}


def together(table: dict[str, list[str]], row: str) -> float:
    return float(table[row][-1].rstrip("%"))


def test_few_real_pictures_are_dropped(table: dict[str, list[str]]) -> None:
    assert together(table, "false positives") <= MOST_FALSE_POSITIVES


@pytest.mark.parametrize("transform", LEAST)
def test_copies_under_this_transform_are_found(table: dict[str, list[str]], transform: str) -> None:
    assert together(table, transform) >= LEAST[transform]
