"""`kdm privacy test` and policies: planted copies through a recipe's filters."""

import re
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli import app
from flows.config.load import load_recipe
from flows.config.policies import policy_of
from storage.digest import unseal
from storage.folders import Folder

RECIPE = """
name: small-digits
title: Digits' pictures beside a teacher that is known in closed form
dataset: {kind: digits}
teacher: {name: gaussian, model: {plugin: gaussian}}
pairs:
  kind: generated
  name: small-digits
  sampler: {plugin: euler, num_steps: 1}
  pairs: {shape: [1, 8, 8], noise: {seed: 1}}
  train: 64
  heldout: 64
  layout: wds-64
filters: {policy: %s, fpr: 0.02}
"""
POLICY = "filters: [{plugin: exact}, {plugin: pixel-nn, num_neighbours: 5}]"
ASKED = ("--planted", "8", "--own", "16")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(POLICY)
    file = tmp_path / "recipe.yaml"
    file.write_text(RECIPE % (tmp_path / "mine.yaml"))
    return file


def proofs(home: Folder) -> list[Folder]:
    return [home / "proofs" / name for name in (home / "proofs").names()]


def tried(home: Folder, recipe: Path, *words: str) -> Result:
    command = ["privacy", "test", str(recipe), *ASKED, *words, "--home", home.url]
    return CliRunner().invoke(app, command)


def test_planted_copies_are_counted_on_a_page_that_is_made_once(home: Folder, recipe: Path) -> None:
    assert tried(home, recipe, "--dry-run").stdout.endswith("nothing was made\n")
    assert proofs(home) == []
    said = tried(home, recipe).stdout
    (folder,) = proofs(home)
    assert {"index.html", "table.md", "roc.svg", "recall.svg"} <= folder.files().keys()
    table = unseal(folder.read("proof.json"), "proof")["table"]
    shares = {row[0]: row[1:] for row in table[1:]}
    assert table[0][1:] == ["exact", "pixel-nn", "all together"]
    assert shares["exact"] == shares["mirrored"] == ["100.0%"] * 3
    assert shares["noise 0.02"][0] == "0.0%"
    page = folder.read("index.html").decode()
    assert page.count("<img") == 2  # the curves: no picture of anybody
    assert "isn&#39;t anonymisation" in page
    assert tried(home, recipe).stdout == said
    assert folder.read("index.html").decode() == page
    made = {name: folder.read(name) for name in folder.files()}
    folder.remove("index.html")  # what is lost or damaged is made again
    folder.replace("filters.json", b"{}")
    assert tried(home, recipe).stdout == said
    assert {name: folder.read(name) for name in folder.files()} == made
    listed = CliRunner().invoke(app, ["ls", "--home", home.url]).stdout
    assert folder.name in listed
    curves = [folder.read(name) for name in ("roc.svg", "recall.svg")]
    filtered = ["filter-pairs", str(recipe), "--direct", "--home", home.url]
    assert shown_curves(home, filtered) == curves  # of these filters at these rates
    assert shown_curves(home, [*filtered, "--fpr", "0.05"]) == []
    assert (
        CliRunner()
        .invoke(app, ["rm", f"proofs/{folder.name}", "--yes", "--home", home.url])
        .exit_code
        == 0
    )
    assert not folder.exists("proof.json")
    assert shown_curves(home, filtered) == []


def shown_curves(home: Folder, words: list[str]) -> list[bytes]:
    """The SVGs on the page of a command that filters."""
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, (ended.output, ended.exception)
    page = re.search(r"^page: (.*)$", ended.stdout, re.MULTILINE)
    assert page is not None
    found = re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", Path(page[1]).read_text())
    return [b64decode(each) for each in found]


def test_other_transforms_are_another_trial(home: Folder, recipe: Path) -> None:
    assert "upside down" in tried(home, recipe, "--transforms", "more").stdout
    (folder,) = proofs(home)
    names = [row[0] for row in unseal(folder.read("proof.json"), "proof")["table"]]
    assert "quarter turn" in names
    assert "mirrored" not in names


def test_a_set_that_holds_nothing_out_is_tried_on_its_own_pictures_left_out(
    home: Folder, recipe: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "real.npy", np.random.RandomState(0).randint(0, 256, (120, 8, 8), np.uint8))
    document = recipe.read_text().replace("{kind: digits}", "{kind: arrays, shape: [1, 8, 8]}")
    recipe.write_text(document)
    said = tried(home, recipe, "--reference", str(tmp_path / "real.npy"))
    assert said.exit_code == 0, said.output
    (folder,) = proofs(home)
    page = " ".join(folder.read("index.html").decode().split())
    assert "come from 60 pictures of the reference, each judged against the others" in page
    assert "no teacher saw" not in page


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["--policy", "pictures-of-cats"], "no policy 'pictures-of-cats'.*pictures"),
        (["--set", "filters=[]"], "no filter that finds copies.*--policy pictures"),
        (["--set", "filters={fpr: 0.1}"], "lacks 'policy'.*policy: pictures"),
        (["--set", "filters={policy: pictures, rate: 0.1}"], "doesn't know 'rate'"),
        (["--policy", "pictures", "--fpr", "2"], "^the policy's .* fpr is 2; give a number"),
        (["--policy", "pictures", "--fpr", "x"], "^the policy's .* fpr is 'x'; give a number"),
        (["--fpr", "1.5"], "fpr"),
        (
            ["--set", "filters=[]", "--fpr", "0.1"],
            "^--fpr is the rate of a policy.*--policy pictures",
        ),
        (["--planted", "0"], "planted"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_any_work(
    home: Folder, recipe: Path, overrides: list[str], said: str
) -> None:
    ended = tried(home, recipe, *overrides)
    assert ended.exit_code != 0
    assert re.search(said, " ".join(f"{ended.output} {ended.exception}".split()))
    assert not home.exists()


def test_a_policy_stands_for_its_filters_at_one_rate() -> None:
    recipe = load_recipe("digits", overrides=["filters.policy=pictures", "filters.fpr=0.02"])
    turned = load_recipe("digits", overrides=["filters.policy=pictures-turned", "filters.fpr=0.02"])
    assert turned.filters[:4] == recipe.filters
    assert [each.filter.plugin for each in recipe.filters] == [
        *("exact", "pixel-nn", "pixel-nn", "aligned")
    ]
    assert {(each.fpr, each.jointly) for each in recipe.filters} == {(0.02, True)}
    filters = [each.filter for each in recipe.filters]
    assert (policy_of(filters), policy_of(filters[1:])) == ("pictures", "")


def test_filters_that_share_no_rate_are_written_as_before() -> None:
    (only,) = load_recipe("digits").document()["filters"]
    assert only.keys() == {"filter", "fpr", "threshold"}
