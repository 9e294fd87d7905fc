"""The commands `kdm pairs …`; each imports its own implementation."""

from typing import Annotated

import typer

from flows.commands.completions import offering
from flows.commands.option_types import (
    MOST_SAMPLES,
    AsJson,
    DryRun,
    Home,
    License,
    PairsName,
    Seed,
    number,
    whole,
)

pairs_app = typer.Typer(
    help="Verify, repair, convert, export and import pairs.",
    no_args_is_help=True,
)

Split = Annotated[str, typer.Option("--split", help="The split.")]
Layout = Annotated[
    str,
    typer.Option(
        "--layout", metavar="FORMAT-SIZE", help="Format and size of shards, e.g. wds-4096."
    ),
]


@pairs_app.command("ls", help="List the sets in a home, with counts and sizes.")
def _ls(home: Home = "", as_json: AsJson = False) -> None:
    from flows.commands.pairs import list_sets

    list_sets(home, as_json=as_json)


@pairs_app.command("show", help="Show what determines a set, and what is in it.")
def _show(
    name: PairsName,
    home: Home = "",
    as_json: AsJson = False,
) -> None:
    from flows.commands.pairs import show

    show(name, home, as_json=as_json)


@pairs_app.command("verify", help="Read every byte of a set and report what is damaged.")
def _verify(
    name: PairsName,
    home: Home = "",
    deep: Annotated[
        bool, typer.Option("--deep", help="Also decode it: contents, indices, labels, values.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    from flows.commands.pairs_care import verify

    verify(name, home, is_deep=deep, as_json=as_json)


@pairs_app.command("repair", help="Restore what is damaged, byte for byte.")
def _repair(
    name: PairsName,
    home: Home = "",
    source: Annotated[
        str, typer.Option("--source", help="The file or folder that it was imported from.")
    ] = "",
    dry_run: DryRun = False,
) -> None:
    from flows.commands.pairs_care import repair_set

    repair_set(name, home, source=source, is_dry=dry_run)


@pairs_app.command("gc", help="Remove files left behind by killed writers.")
def _gc(
    name: Annotated[
        str,
        typer.Argument(
            help="A set; by default every set of the home.",
            autocompletion=offering("pairs"),
        ),
    ] = "",
    home: Home = "",
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than",
            parser=number(0, 1e6),
            metavar="HOURS",
            help="Only files at least this old.",
        ),
    ] = 1.0,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    dry_run: DryRun = False,
) -> None:
    from flows.commands.pairs_gc import clear

    clear(name, home, older_than=3600 * older_than, is_confirmed=yes, is_dry=dry_run)


@pairs_app.command(
    "purge",
    help="Remove for good what a filter's decision dropped.\n\nThe shards are written again without these "
    "pairs, and the students that have read them are listed (docs/privacy.md, 'Purging').",
)
def _purge(
    name: PairsName,
    decision: Annotated[
        str,
        typer.Option(
            "--decision",
            help="First digits of the decision ('kdm pairs show').",
            autocompletion=offering("decisions"),
        ),
    ],
    home: Home = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without, only print what would go.")
    ] = False,
) -> None:
    from flows.commands.pairs_purge import purge_set

    purge_set(name, home, decision=decision, is_confirmed=yes)


@pairs_app.command(
    "who",
    help="Show who is making which shards, and what is left. Each process lives, is stopped, has died, "
    "or, on another machine, was silent for some time (docs/clusters.md, 'Claims').",
)
def _who(
    name: PairsName,
    home: Home = "",
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every 5 s until nobody is at work.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    from flows.commands.pairs_who import who

    who(name, home, watches=watch, as_json=as_json)


@pairs_app.command("convert", help="Write a set in another layout, next to the existing one.")
def _convert(
    name: PairsName,
    to: Annotated[str, typer.Option("--to", metavar="FORMAT-SIZE", help="Such as zarr-4096.")],
    source: Annotated[str, typer.Option("--from", help="The layout to read, of several.")] = "",
    home: Home = "",
    dry_run: DryRun = False,
) -> None:
    from flows.commands.pairs_convert import convert_set

    convert_set(name, home, to=to, source=source, is_dry=dry_run)


@pairs_app.command("export", help="Write pairs for other trainers, or the pictures alone.")
def _export(  # noqa: PLR0913  (one an option)
    name: PairsName,
    folder: Annotated[
        str,
        typer.Argument(help="Where to write: an empty folder, or a stopped run of this export."),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="For pairs kdm-npz, per-sample or rectified-flow; for pictures alone png or npz.",
        ),
    ],
    split: Split = "train",
    layout: Layout = "",
    *,
    count: Annotated[
        int | None,
        typer.Option(
            "--count",
            parser=whole(1, MOST_SAMPLES),
            metavar="N",
            help="Export the first N indices; by default all.",
        ),
    ] = None,
    variant: Annotated[
        str,
        typer.Option(
            "--variant", help="For kdm-npz: the variant, such as cifar-cond (docs/exchange.md)."
        ),
    ] = "",
    masks: Annotated[
        list[str] | None,
        typer.Option(
            "--mask",
            metavar="DECISION",
            help="A filter's decision, or 'none'; by default the recipe's masks.",
            autocompletion=offering("decisions"),
        ),
    ] = None,
    unmasked: Annotated[
        bool, typer.Option("--unmasked", help="Include pairs that filters would leave out.")
    ] = False,
    home: Home = "",
    dry_run: DryRun = False,
) -> None:
    from flows.commands.pairs_export import Export, export_set

    chosen = tuple(masks or ())
    wanted = Export(to, folder, split, layout, count, variant, chosen, unmasked, dry_run)
    export_set(name, home, wanted)


@pairs_app.command("import", help="Store pairs that someone else published.")
def _import(  # noqa: PLR0913  (one an option)
    source: Annotated[str, typer.Argument(help="The published file or folder.")],
    importer: Annotated[
        str,
        typer.Option(
            "--from",
            help="kdm-npz, get, rectified-flow, per-sample or kdm-checkerboard; by default detected.",
        ),
    ] = "",
    name: Annotated[str, typer.Option("--name", help="The name of the set.")] = "",
    train: Annotated[str, typer.Option("--train", help="Training rows, as FIRST:END.")] = "",
    heldout: Annotated[str, typer.Option("--heldout", help="Held-out rows, as FIRST:END.")] = "",
    *,
    noise: Annotated[
        str,
        typer.Option(
            "--noise", metavar="first|last", help="Which end is noise, if the data can't tell."
        ),
    ] = "",
    layout: Layout = "",
    license_: License = "",
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="An option of the importer, such as x_0_dtype=uint8.",
        ),
    ] = None,
    home: Home = "",
    dry_run: DryRun = False,
) -> None:
    from flows.commands.pairs_import import Import, import_set

    chosen = tuple(options or ())
    wanted = Import(
        source, importer, name, train, heldout, layout, license_, chosen, noise, dry_run
    )
    import_set(wanted, home)


@pairs_app.command(
    "symmetry",
    help="Ask whether mirrored noise gives mirrored samples.",
)
def _symmetry(
    name: PairsName,
    num_pairs: Annotated[
        int, typer.Option("-k", parser=whole(2, 4096), metavar="N", help="How many noises.")
    ] = 64,
    home: Home = "",
    as_json: AsJson = False,
) -> None:
    from flows.commands.pairs_symmetry import ask_teacher

    ask_teacher(name, home, num_pairs=num_pairs, as_json=as_json)


@pairs_app.command("spot-check", help="Generate a few random pairs again, and compare.")
def _spot_check(
    name: PairsName,
    num_pairs: Annotated[
        int, typer.Option("-k", parser=whole(1, MOST_SAMPLES), metavar="N", help="How many pairs.")
    ] = 64,
    seed: Seed = 0,
    split: Split = "train",
    *,
    home: Home = "",
    as_json: AsJson = False,
) -> None:
    from flows.commands.pairs_spot_check import spot_check_set

    spot_check_set(name, home, num_pairs=num_pairs, seed=seed, split=split, as_json=as_json)
