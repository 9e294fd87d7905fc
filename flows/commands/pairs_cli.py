"""The commands `kdm pairs …`; what does the work is imported by the command that needs it."""

from typing import Annotated

import typer

from flows.commands.option_types import MOST_SAMPLES, number, whole
from flows.home import DEFAULT_HOME, HOME_VARIABLE

pairs_app = typer.Typer(
    help="Sets of pairs: look, verify, repair, clear, convert, export, import, spot-check.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Its name in 'kdm ls', or its folder.")]
Home = Annotated[
    str, typer.Option("--home", envvar=HOME_VARIABLE, help="Where everything is stored.")
]
Split = Annotated[str, typer.Option("--split", help="The split.")]
Layout = Annotated[
    str, typer.Option("--layout", metavar="FORMAT-SIZE", help="As in wds-4096 or zarr-4096.")
]


@pairs_app.command("ls", help="The sets at a home, with counts and sizes.")
def _ls(home: Home = DEFAULT_HOME) -> None:
    from flows.commands.pairs import list_sets

    list_sets(home)


@pairs_app.command("show", help="What determines a set, and what is in it.")
def _show(
    name: Name,
    home: Home = DEFAULT_HOME,
    as_json: Annotated[bool, typer.Option("--json", help="JSON in place of YAML.")] = False,
) -> None:
    from flows.commands.pairs import show

    show(name, home, as_json=as_json)


@pairs_app.command("verify", help="Read every byte of a set and say what is wrong.")
def _verify(
    name: Name,
    home: Home = DEFAULT_HOME,
    deep: Annotated[
        bool, typer.Option("--deep", help="Decode too: contents, indices, labels, values.")
    ] = False,
) -> None:
    from flows.commands.pairs_care import verify

    verify(name, home, is_deep=deep)


@pairs_app.command("repair", help="Make anew what is damaged, byte for byte, and nothing else.")
def _repair(
    name: Name,
    home: Home = DEFAULT_HOME,
    source: Annotated[str, typer.Option("--source", help="What it was imported from.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    from flows.commands.pairs_care import mend

    mend(name, home, source=source, is_dry=dry_run)


@pairs_app.command("gc", help="Remove what nobody will ever read: left-overs of killed writers.")
def _gc(
    name: Annotated[str, typer.Argument(help="A set; without it, all of the home.")] = "",
    home: Home = DEFAULT_HOME,
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than",
            parser=number(0, 1e6),
            metavar="HOURS",
            help="Age in hours that a file must have.",
        ),
    ] = 1.0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    from flows.commands.pairs_care import clear

    clear(name, home, older_than=3600 * older_than, is_confirmed=yes)


@pairs_app.command("convert", help="Write a set in another layout beside the one that is there.")
def _convert(
    name: Name,
    to: Annotated[str, typer.Option("--to", metavar="FORMAT-SIZE", help="As in zarr-4096.")],
    source: Annotated[str, typer.Option("--from", help="The layout to read, of several.")] = "",
    home: Home = DEFAULT_HOME,
) -> None:
    from flows.commands.pairs_exchange import convert_set

    convert_set(name, home, to=to, source=source)


@pairs_app.command(
    "export", help="Write pairs as other trainers read them, or the teacher's pictures alone."
)
def _export(  # noqa: PLR0913  (one an option)
    name: Name,
    folder: Annotated[str, typer.Argument(help="Where to; it must be empty, or of this export.")],
    to: Annotated[
        str,
        typer.Option(
            "--to", help="Pairs: kdm-npz, per-sample, rectified-flow. Pictures alone: png, npz."
        ),
    ],
    split: Split = "train",
    layout: Layout = "",
    *,
    count: Annotated[
        int | None,
        typer.Option(
            "--count", parser=whole(1, MOST_SAMPLES), metavar="N", help="Indices; else all."
        ),
    ] = None,
    variant: Annotated[str, typer.Option("--variant", help="Of kdm-npz, see docs/store.md.")] = "",
    masks: Annotated[
        list[str] | None,
        typer.Option("--mask", metavar="DECISION", help="Or none; else the recipe's."),
    ] = None,
    unmasked: Annotated[
        bool, typer.Option("--unmasked", help="With what filters would leave out.")
    ] = False,
    home: Home = DEFAULT_HOME,
) -> None:
    from flows.commands.pairs_exchange import Export, export_set

    chosen = tuple(masks or ())
    export_set(name, home, Export(to, folder, split, layout, count, variant, chosen, unmasked))


@pairs_app.command("import", help="Store pairs that others have published.")
def _import(  # noqa: PLR0913  (one an option)
    source: Annotated[str, typer.Argument(help="The published file or folder.")],
    importer: Annotated[
        str,
        typer.Option(
            "--from",
            help="kdm-npz, get, rectified-flow, per-sample or kdm-checkerboard; else by what lies there.",
        ),
    ] = "",
    name: Annotated[str, typer.Option("--name", help="What the set is called.")] = "",
    train: Annotated[str, typer.Option("--train", help="Its rows, as FIRST:END.")] = "",
    heldout: Annotated[str, typer.Option("--heldout", help="Likewise.")] = "",
    *,
    noise: Annotated[
        str,
        typer.Option("--noise", metavar="first|last", help="Which end is noise, if unclear."),
    ] = "",
    layout: Layout = "",
    license_: Annotated[
        str, typer.Option("--license", help="As in cc-by-4.0; 'unknown' without it.")
    ] = "",
    options: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Of the importer, as x_0_dtype=uint8."),
    ] = None,
    home: Home = DEFAULT_HOME,
) -> None:
    from flows.commands.pairs_exchange import Import, import_set

    chosen = tuple(options or ())
    import_set(
        Import(source, importer, name, train, heldout, layout, license_, chosen, noise), home
    )


@pairs_app.command("spot-check", help="Make a few random pairs once more, and compare.")
def _spot_check(
    name: Name,
    num_pairs: Annotated[
        int, typer.Option("-k", parser=whole(1, MOST_SAMPLES), metavar="N", help="How many.")
    ] = 64,
    seed: Annotated[
        int, typer.Option("--seed", parser=whole(0, 2**64 - 1), metavar="N", help="Of the choice.")
    ] = 0,
    split: Split = "train",
    home: Home = DEFAULT_HOME,
) -> None:
    from flows.commands.pairs_spot_check import spot_check_set

    spot_check_set(name, home, num_pairs=num_pairs, seed=seed, split=split)
