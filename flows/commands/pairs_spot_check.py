"""`kdm pairs spot-check`: makes a few random pairs again with the teacher."""

from dataclasses import asdict

import typer

from flows.care.spot_check import SpotCheck, spot_check
from flows.commands.stored_set import home_of, require_set
from flows.home import found
from flows.table import say_document
from kdm.report.tables import number
from storage.set_folder import splits_of
from storage.store import PairStore


def spot_check_set(
    name: str, home: str, *, num_pairs: int, seed: int, split: str, as_json: bool
) -> None:
    """Compare; exit code 1 if pairs differ by more than two machines may."""
    if seed >= 2**64:
        raise ValueError(f"--seed {seed}: give a number from 0 to 2^64 - 1")
    folder = found(home, "pairs", name)
    require_set(folder)
    layout = next(
        (place.split("/")[1] for place in splits_of(folder) if place.startswith(f"{split}/")), ""
    )
    store = PairStore.open(folder, split=split, layout=layout or "wds-4096")
    result = spot_check(store, home_of(folder, home), num_pairs=num_pairs, seed=seed)
    if as_json:
        say_document({"folder": folder.url, **asdict(result), "is_within": result.is_within})
    else:
        typer.echo(f"{split}: {_sentence(result)}")
    if not result.is_within:
        raise typer.Exit(1)


def _sentence(result: SpotCheck) -> str:
    verdict = "within" if result.is_within else "BEYOND"
    return (
        f"{result.num_bit_equal} of {result.num_pairs} pairs are bit-equal, the largest deviation is "
        f"{number(result.max_deviation)} (index {result.worst_index:,}), {verdict} the tolerance of "
        f"{number(result.tolerance)}{' level' if result.is_of_bytes else ' of the values'}"
    )
