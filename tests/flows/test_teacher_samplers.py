"""`kdm teacher samplers`: what it prints and keeps, and that it measures once."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from conftest import Finished
from typer.testing import CliRunner

from flows.cli import app
from flows.sampler_table import SamplerTable, _kept
from pairgen.sampler_errors import Measured
from storage.digest import seal, unseal
from storage.folders import folder_at


def said(*words: object) -> str:
    ended = CliRunner().invoke(app, ["teacher", "samplers", *map(str, words)])
    assert ended.exit_code == 0, (ended.output, ended.exception)
    return ended.stdout


def row(sampler: str, evaluations: int, error: float, typical: float = 0.0) -> Measured:
    return Measured(sampler, evaluations, evaluations, error, typical or error, None, 1e-3)


def table(own: Measured, *others: Measured) -> SamplerTable:
    return SamplerTable((own, *others), own, "rk4 at 200 evaluations", 1e-5, "a machine")


def test_the_cheapest_sampler_that_is_as_close_is_recommended() -> None:
    own = row("edm-heun", 35, 0.02)
    best, near, dear = row("dpm-2m", 15, 0.019), row("ab-2", 11, 0.03), row("dpm-2m", 18, 0.01)
    lucky = row("ab-3", 13, 0.019, typical=0.03)  # no sample strayed, but all are further off
    assert table(own, near, lucky, best, dear).sentence.startswith(
        "dpm-2m at 15 evaluations is as close as edm-heun at 35: 2.3 times cheaper (--set "
        "'pairs.sampler={plugin: dpm-2m, num_steps: 15}')"
    )
    assert (
        table(own, near).sentence == "no sampler is as close as edm-heun at 35 in fewer evaluations"
    )


def test_a_table_is_measured_once_row_by_row_and_kept_with_its_figure(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pairgen import sampler_errors

    monkeypatch.setattr(sampler_errors, "EVALUATIONS", (4, 6))
    home = finished.copy(tmp_path / "home")
    first = said("tiny", "-n", 32, "--home", home)
    (folder,) = home.glob("teachers/*/samplers/*")
    assert "unipc-3" in first
    assert "of 32 samples from the same noises" in first
    assert {each.name for each in folder.iterdir()} == {
        *("samplers.json", "samplers.md", "samplers.png")
    }
    kept = {each.name: each.read_bytes() for each in folder.iterdir()}
    assert said("tiny", "-n", 32, "--home", home) == first
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == kept
    assert b"own estimate" in kept["samplers.md"]
    (folder / "samplers.md").unlink()
    assert said("tiny", "-n", 32, "--home", home) == first
    assert (folder / "samplers.md").read_bytes() == kept["samplers.md"]
    assert resumed(home, folder) == [each["error"] for each in rows(folder)]


def test_a_damaged_table_is_measured_again(tmp_path: Path) -> None:
    folder = folder_at(str(tmp_path))
    folder.replace("samplers.json", b"{}")
    assert _kept(folder) == []


def rows(folder: Path) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], json.loads((folder / "samplers.json").read_text())["rows"])


def resumed(home: Path, folder: Path) -> list[float]:
    """The errors of a comparison that was stopped before its last two rows, and their number of new times."""
    whole = unseal((folder / "samplers.json").read_bytes(), "it")
    before = whole["rows"]
    cut = {name: value for name, value in whole.items() if name != "digest"}
    (folder / "samplers.json").write_bytes(seal({**cut, "rows": before[:-2]}))
    said("tiny", "-n", 32, "--home", home)
    again = rows(folder)
    assert again[:-2] == before[:-2]  # their times too: they weren't measured again
    assert again[-1]["seconds"] != before[-1]["seconds"]
    return [each["error"] for each in before]


def test_a_teacher_in_closed_form_is_refused(tmp_path: Path) -> None:
    words = ["tiny", "--home", tmp_path, "--set", "teacher={name: g, model: {plugin: gaussian}}"]
    ended = CliRunner().invoke(app, ["teacher", "samplers", *map(str, words)])
    assert "'gaussian' is known in closed form" in str(ended.exception)
